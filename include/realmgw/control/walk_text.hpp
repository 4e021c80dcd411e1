// What a trace says on the control socket: lines of JSON.
#pragma once

#include "realmgw/capture/trace.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

namespace rgw::control {

/// A walk, and what its numbers stand for.
struct ToldWalk {
  std::uint64_t number;  ///< the packet's, from walk to walk
  std::chrono::sys_time<std::chrono::nanoseconds> at;
  const capture::WalkHead& head;
  std::span<const capture::TraceStep> steps;
  std::span<const std::string> ports;  ///< names, by number
};

/// `{"trace": "begun"}`: from now on packets are followed.
void append_trace_begun(std::string& text);
/// `{"packet": N, "at": ..., "worker": ..., "came": ..., "length": ..., "steps": [...]}`.
void append_walk(std::string& text, const ToldWalk& walk);
/// `{"lost": N}`: walks, so far.
void append_trace_lost(std::string& text, std::uint64_t lost);

}  // namespace rgw::control
