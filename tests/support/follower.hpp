// Follows all packets of a gateway whose crank the test turns.
#pragma once

#include "realmgw/capture/trace.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "support/gateway.hpp"

namespace rgw::test {

struct Walk {
  capture::WalkHead head;
  std::vector<capture::TraceStep> steps;

  [[nodiscard]] const capture::TraceStep* behind(capture::Stage stage) const {
    const auto found = std::ranges::find(steps, stage, &capture::TraceStep::stage);
    return found == steps.end() ? nullptr : &*found;
  }
  /// The stages in their order; of the one where the packet left the walk also what it counted.
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const auto& step : steps) {
      if (!all.empty()) all += ' ';
      all += capture::name(step.stage);
      if (step.goes_on) continue;
      all += "(";
      for (const Counter counter : step.counts()) {
        if (all.back() != '(') all += ' ';
        all += info(counter).name;
      }
      all += ")";
    }
    return all;
  }
};

class Follower {
 public:
  explicit Follower(Gateway& gateway, const std::string& filter = "")
      : gateway_{gateway}, trace_{capture::PacketFilter{filter}, gateway.workers()} {
    show_to(&trace_);
  }
  ~Follower() { show_to(nullptr); }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// The walks since the last call.
  std::vector<Walk> take() {
    std::vector<Walk> all;
    trace_.read(Instant::max(),
                [&](const capture::WalkHead& head, std::span<const capture::TraceStep> steps) {
                  all.push_back({head, {steps.begin(), steps.end()}});
                  return true;
                });
    return all;
  }
  [[nodiscard]] std::uint64_t lost() const { return trace_.lost(); }

 private:
  void show_to(capture::Trace* trace) {
    for (unsigned i = 0; i < gateway_.workers(); ++i) gateway_.worker(i).tracer().show_to(trace);
  }

  Gateway& gateway_;
  capture::Trace trace_;
};

}  // namespace rgw::test
