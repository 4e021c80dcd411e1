// Where the daemon's packets can be captured, at its ports and where its workers drop them, and followed.
#pragma once

#include "realmgw/app/threads.hpp"
#include "realmgw/control/capture_service.hpp"
#include "realmgw/dataplane/port.hpp"
#include "realmgw/dataplane/worker.hpp"

#include <memory>
#include <vector>

namespace rgw::app {

class CapturePoints final : public control::CapturePoints {
 public:
  /// All of it outlives this and what `attach` gives. The workers' threads are of `threads`.
  CapturePoints(const std::vector<std::unique_ptr<dataplane::Port>>& ports,
                const std::vector<std::unique_ptr<dataplane::Worker>>& workers, const ThreadGroup& threads)
      : ports_{ports}, workers_{workers}, threads_{threads} {}

  [[nodiscard]] std::unique_ptr<Attachment> attach(capture::Capture& capture,
                                                   const control::CapturePlaces& places) override;
  [[nodiscard]] std::unique_ptr<Attachment> attach(capture::Trace& trace) override;

 private:
  class Attached;
  class AttachedCapture;
  class AttachedTrace;

  const std::vector<std::unique_ptr<dataplane::Port>>& ports_;
  const std::vector<std::unique_ptr<dataplane::Worker>>& workers_;
  const ThreadGroup& threads_;
  bool shows_drops_ = false, shows_signalling_ = false, is_traced_ = false;
};

}  // namespace rgw::app
