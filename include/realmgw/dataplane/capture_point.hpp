// A place in the packet path whose packets a capture may see (OPS-5). Hot path.
#pragma once

#include "realmgw/base/strong_id.hpp"
#include "realmgw/capture/capture.hpp"

#include <atomic>

#include <rte_mbuf.h>

namespace rgw::dataplane {

/// One worker's.
class CapturePoint {
 public:
  explicit CapturePoint(WorkerId worker) : worker_{worker} {}

  void show(rte_mbuf& packet, const capture::Mark& mark) {
    if (capture::Capture* const capture = capture_.load(std::memory_order_acquire)) [[unlikely]]
      capture->take(worker_, packet, mark);
  }
  /// Any thread: the capture that sees them from now on, or null. The one before may be in use until the
  /// worker's turn is over.
  void show_to(capture::Capture* capture) { capture_.store(capture, std::memory_order_release); }

 private:
  const WorkerId worker_;
  std::atomic<capture::Capture*> capture_ = nullptr;
};

}  // namespace rgw::dataplane
