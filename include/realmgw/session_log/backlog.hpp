// Texts that wait for a file or a collector: in bounded memory, with what was lost counted and told in its
// place.
#pragma once

#include "realmgw/session_log/line.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace rgw::session_log {

/// When records were lost, and how many.
struct Loss {
  std::uint64_t count = 0;
  WallTime since{}, until{};
};

/// Counts what finds no room, and says when the next text may come that tells of it.
class Losses {
 public:
  void add(std::uint64_t count, WallTime since, WallTime until) {
    if (count == 0) return;
    if (open_.count == 0) open_.since = since;
    open_.count += count;
    open_.until = until;
    all_ += count;
  }
  /// What has not been told of yet; nothing where nothing was lost.
  [[nodiscard]] std::optional<Loss> untold() const {
    return open_.count == 0 ? std::nullopt : std::optional{open_};
  }
  void told() { open_ = {}; }
  [[nodiscard]] std::uint64_t all() const { return all_; }

 private:
  Loss open_;
  std::uint64_t all_ = 0;
};

/// The entry that tells of a loss: the records that are missing would stand above it.
[[nodiscard]] Entry entry_of(const Loss& loss);

/// How a sink does.
struct SinkStatus {
  std::string name;           ///< the file or the collector
  std::uint64_t records = 0;  ///< that were written
  std::uint64_t lost = 0;
  std::uint64_t waiting_bytes = 0;
  std::string trouble;  ///< why nothing goes there now; empty: it works
};

}  // namespace rgw::session_log
