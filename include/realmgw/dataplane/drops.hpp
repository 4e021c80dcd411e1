// Where packets end badly: they are counted, and shown to whoever captures drops. Hot path.
#pragma once

#include "realmgw/base/counter.hpp"
#include "realmgw/dataplane/capture_point.hpp"

#include <rte_mbuf.h>

namespace rgw::dataplane {

/// One worker's.
class Drops {
 public:
  /// `counters` outlives this.
  Drops(WorkerId worker, CounterBlock& counters) : shown_{worker}, counters_{counters} {}

  void drop(rte_mbuf* mbuf, Counter why) {
    counters_.add(why);
    shown_.show(*mbuf, {.seen = capture::Seen::dropped, .port = {}, .why = why});
    rte_pktmbuf_free(mbuf);
  }
  [[nodiscard]] CapturePoint& shown() { return shown_; }

 private:
  CapturePoint shown_;
  CounterBlock& counters_;
};

}  // namespace rgw::dataplane
