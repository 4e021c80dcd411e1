// Where packets end badly: they are counted, and shown to whoever captures drops. Hot path.
#pragma once

#include "realmgw/base/counter.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/capture/capture.hpp"

#include <atomic>

#include <rte_mbuf.h>

namespace rgw::dataplane {

/// One worker's.
class Drops {
 public:
  /// `counters` outlives this.
  Drops(WorkerId worker, CounterBlock& counters) : worker_{worker}, counters_{counters} {}

  void drop(rte_mbuf* mbuf, Counter why) {
    counters_.add(why);
    if (capture::Capture* const capture = capture_.load(std::memory_order_acquire)) [[unlikely]]
      capture->take(worker_, *mbuf, {.seen = capture::Seen::dropped, .port = {}, .why = why});
    rte_pktmbuf_free(mbuf);
  }
  /// Any thread: the capture that sees them from now on, or null. The one before may be in use until the
  /// worker's turn is over.
  void show_to(capture::Capture* capture) { capture_.store(capture, std::memory_order_release); }

 private:
  WorkerId worker_;
  CounterBlock& counters_;
  std::atomic<capture::Capture*> capture_ = nullptr;
};

}  // namespace rgw::dataplane
