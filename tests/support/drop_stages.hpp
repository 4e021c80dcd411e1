// In which stage each reason to drop a packet shows in a trace: every test that turns a gateway's crank tells
// it, where RGW_DROP_STAGES names a file. tests/docs/drop_stages.py makes docs/drop-stages.md of it.
#pragma once

#include "realmgw/capture/trace.hpp"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace rgw::test {

class DropStages {
 public:
  /// What workers are to show their packets to; null where nobody wants to know.
  static std::unique_ptr<capture::Trace> trace(unsigned workers) {
    if (std::getenv("RGW_DROP_STAGES") == nullptr) return nullptr;
    return std::make_unique<capture::Trace>(capture::PacketFilter{""}, workers);
  }
  static void note(capture::Trace& trace) {
    static DropStages all;
    trace.read(Instant::max(), [&](const capture::WalkHead&, std::span<const capture::TraceStep> steps) {
      for (const auto& step : steps) {
        for (const Counter counter : step.counts()) {
          if (info(counter).kind == CounterKind::drop) all.seen_.emplace(counter, step.stage);
        }
      }
      return true;
    });
  }

 private:
  ~DropStages() {
    std::ofstream out{std::getenv("RGW_DROP_STAGES"), std::ios::app};
    for (const auto& [counter, stage] : seen_)
      out << std::string{info(counter).name} + " " + std::string{capture::name(stage)} + "\n";
  }
  std::set<std::pair<Counter, capture::Stage>> seen_;
};

}  // namespace rgw::test
