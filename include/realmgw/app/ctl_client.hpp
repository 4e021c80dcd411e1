// realmgwctl's end of the operator's socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>

namespace rgw::app {

/// Why the gateway could not be asked, and what to do.
struct Unreachable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What an answer may take.
struct AnswerLimits {
  std::chrono::milliseconds silence;  ///< without a byte; at least 1 ms
  std::chrono::milliseconds whole = std::chrono::milliseconds::max();
  std::size_t bytes = SIZE_MAX;
};
/// Asks the gateway at `socket_path` one line, and returns all of its answer. Throws Unreachable where it
/// cannot be reached, or takes more than `limits`.
[[nodiscard]] std::string ask_gateway(const std::string& socket_path, const std::string& request,
                                      const AnswerLimits& limits);

/// Asks the gateway at `socket_path` one line, and returns all of its answer. Throws Unreachable where it
/// cannot be reached, or falls silent for as long as `patience`: a reload of a large realm file takes some.
[[nodiscard]] std::string ask_gateway(const std::string& socket_path, const std::string& request,
                                      std::chrono::seconds patience = std::chrono::seconds{30});

/// Asks the gateway one line, and hands out its answer piece by piece as it comes, until it ends, `use` says
/// false or `stopped` true. It may be silent for long. Throws Unreachable.
void stream_from_gateway(const std::string& socket_path, const std::string& request,
                         const std::function<bool(std::span<const char>)>& use,
                         const std::function<bool()>& stopped);

}  // namespace rgw::app
