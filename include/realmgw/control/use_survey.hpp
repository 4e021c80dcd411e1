// Asks the workers how full their tables are, and what is in use of each outside address.
#pragma once

#include "realmgw/control/worker_links.hpp"
#include "realmgw/ring/worker_use.hpp"

#include <memory>
#include <span>
#include <vector>

namespace rgw::control {

/// One survey at a time; whoever asks while one is under way gets its results. Must live until the workers
/// have stopped.
class UseSurvey {
 public:
  explicit UseSurvey(WorkerLinks& workers)
      : workers_{workers},
        parts_(workers.size()),
        uses_{std::make_unique<ring::WorkerUse[]>(workers.size())} {}
  UseSurvey(const UseSurvey&) = delete;
  UseSurvey& operator=(const UseSurvey&) = delete;

  /// Begins a survey, unless one is under way.
  void begin();
  /// Asks the workers whose rings were full. Is the survey over?
  [[nodiscard]] bool done();
  /// A worker has answered.
  void filled(const ring::UseFilled& answer);

  /// By worker; whole from when the survey is over until the next one begins.
  [[nodiscard]] std::span<const ring::WorkerUse> uses() const { return {uses_.get(), parts_.size()}; }

 private:
  /// Where the survey of one worker stands.
  struct Part {
    enum class State : std::uint8_t { to_be_asked, asked, whole } state = State::whole;
    std::uint32_t next = 0;
  };

  WorkerLinks& workers_;
  std::vector<Part> parts_;
  std::unique_ptr<ring::WorkerUse[]> uses_;
};

}  // namespace rgw::control
