// A record of the session log as text: a line of the file, and a message of syslog (docs/session-log.md). Who
// reads the file knows no worker, so this knows none either.
#pragma once

#include "realmgw/net/transport.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::session_log {

using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

/// The version of the format: the first word of each line.
inline constexpr std::string_view format_version = "1";

/// "2026-11-30T14:38:55.123456Z" (RFC 3339).
[[nodiscard]] std::string to_text(WallTime time);
/// The same read; a fraction may be missing or shorter, and seconds since 1970 will do, too.
[[nodiscard]] std::optional<WallTime> parse_time(std::string_view text);

/// What happened, and what is said of it, in order. Names and values have no blank, quotation mark, backslash
/// or bracket but those of IPv6 endpoints.
struct Entry {
  WallTime time;
  std::string_view event;  ///< "session-begin"
  std::vector<std::pair<std::string_view, std::string>> fields;
};

/// "1 TIME EVENT name=value ...\n"
void append_line(std::string& text, const Entry& entry);
/// A syslog message (RFC 5424), without what frames it on its way: the event is its MSGID, the fields are
/// structured data.
[[nodiscard]] std::string syslog_message(const Entry& entry, std::string_view host, int process);

/// A line, taken apart. What it refers to is the line's.
class Line {
 public:
  /// Nothing where it is none of ours, or of another version.
  [[nodiscard]] static std::optional<Line> parse(std::string_view text);
  [[nodiscard]] WallTime time() const { return time_; }
  [[nodiscard]] std::string_view event() const { return event_; }
  /// Empty where it says none.
  [[nodiscard]] std::string_view field(std::string_view name) const;

 private:
  WallTime time_;
  std::string_view event_, fields_;
};

/// The ports of a block: "1024-2047/1", pairs (p, p + 1), of each so many pairs one.
struct BlockPorts {
  std::uint16_t first = 0, last = 0, every = 1;

  [[nodiscard]] static std::optional<BlockPorts> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool contains(std::uint16_t port) const {
    return port >= first && port <= last && (port / 2 - first / 2) % every == 0;
  }
};

}  // namespace rgw::session_log
