// What the daemon tells its operator: every message, with its id, in this one place.
// docs/log-ids.md has a paragraph for each; a test compares the two.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <spdlog/spdlog.h>

namespace rgw::app {

// An id never changes its meaning, and is never used again.
// clang-format off
#define RGW_LOG_MESSAGES(X) \
  X(starting,          1, info, "realmgwd {} serves the realm {} ({} ports, {} workers, {})") \
  X(port_open,         2, info, "port {} is {} ({}), MAC {}, {} queues") \
  X(dns_listening,     3, info, "DNS listens on {}") \
  X(ready,             4, info, "ready") \
  X(stopping,          5, info, "{} received, stopping") \
  X(stopped,           6, info, "stopped after {} ms") \
  X(realm_file_bad,    7, err,  "the realm file cannot be used, see above") \
  X(start_failed,      8, err,  "cannot start: {}") \
  X(thread_failed,     9, err,  "the {} thread failed: {}") \
  X(packets_missing,  10, warn, "{} of {} packet buffers did not come back") \
  X(no_huge_pages,    11, warn, "no free huge pages: ordinary memory is used, which costs speed") \
  X(realm_file_doubt, 12, warn, "{}") \
  X(not_pinned,       13, warn, "{} could not be pinned to CPU {}") \
  X(interface_gone,   14, err,  "port {}: the interface of {} is gone; it is taken up again when there is one of its name") \
  X(program_gone,     15, err,  "port {}: the XDP program of {} is gone; it is put there again") \
  X(few_huge_pages,   17, warn, "huge pages of {} MiB are free and {} MiB are needed: ordinary memory is used, which costs speed") \
  X(reloaded,         18, info, "the realm file was read again: {} keys changed, {} sessions ended") \
  X(reload_refused,   19, err,  "the realm file was read again, and the gateway goes on as it was: {}") \
  X(thread_stands,    20, err,  "the {} thread stands still; the service manager hears nothing until it goes on") \
  X(thread_turns_again, 21, info, "the {} thread goes on") \
  X(hosts_put_aside,  22, warn, "{}: {}; it is now {}.broken, and the hosts that were added are gone") \
  X(interface_back,   23, info, "port {}: the interface of {} is in use again") \
  X(interface_refused, 24, err, "port {}: its interface cannot be used again: {}; it is tried again every {} s") \
  X(updates_unreadable, 26, warn, "{}: {} lines of what updates have made cannot be read and are left out; a copy of the file is beside it, .broken") \
  X(library_error,    40, err,  "{}: {}") \
  X(library_warning,  41, warn, "{}: {}") \
  X(library_notice,   42, info, "{}: {}") \
  X(realm_file_mistake, 43, err, "{}") \
  X(trouble_over,     59, info, "over after {} s{}: {}") \
  X(link_down,        60, warn, "port {}: no link") \
  X(router_lost,      61, warn, "the router {} does not answer") \
  X(pool_exhausted,   62, warn, "queries find no address in the pool{}") \
  X(ports_exhausted,  63, warn, "sessions find no external port or proxy address{}") \
  X(sessions_full,    64, warn, "a worker has no room for another session{}") \
  X(reservations_full, 65, warn, "a worker has no room for a reservation{}") \
  X(upstreams_failing, 66, warn, "upstreams give no useful answer{}") \
  X(control_overloaded, 67, warn, "the rings to the control thread are full{}") \
  X(workers_overloaded, 68, warn, "the rings to workers, or to a port, are full{}") \
  X(no_buffers,       69, err,  "no packet buffer is free{}") \
  X(alg_full,         70, warn, "ALGs have no room for a session, a pinhole or text{}") \
  X(kernel_forwards,  71, err,  "{}") \
  X(upstream_dead,    72, warn, "the upstream {} does not answer") \
  X(www_not_written,  73, err,  "nginx's configuration is not written: {}") \
  X(session_log_lost, 85, err,  "records of the session log are lost{}") \
  X(session_log_stuck, 86, err, "the session log waits for {}; realmgwctl log tells why") \
  X(updates_not_kept, 74, err,  "DNS updates fail, for the state directory cannot be written{}")
// clang-format on

enum class LogMessage : std::uint8_t {
#define RGW_LOG_ENUM(name, id, severity, text) name,
  RGW_LOG_MESSAGES(RGW_LOG_ENUM)
#undef RGW_LOG_ENUM
};

struct LogMessageInfo {
  unsigned id;
  spdlog::level::level_enum level;
  std::string_view text;
};

inline constexpr auto log_messages = std::to_array<LogMessageInfo>({
#define RGW_LOG_INFO(name, id, severity, text) {id, spdlog::level::severity, text},
    RGW_LOG_MESSAGES(RGW_LOG_INFO)
#undef RGW_LOG_INFO
});

/// A message without its id.
template <class... Arguments>
[[nodiscard]] std::string text_of(LogMessage message, const Arguments&... arguments) {
  return fmt::format(fmt::runtime(log_messages[static_cast<std::size_t>(message)].text), arguments...);
}

/// Writes a message under its id: `RGW-0004 ready`. Never on the packet path.
template <class... Arguments>
void log(LogMessage message, const Arguments&... arguments) {
  const LogMessageInfo& info = log_messages[static_cast<std::size_t>(message)];
  spdlog::log(info.level, "RGW-{:04} {}", info.id, text_of(message, arguments...));
}

/// To stderr. `level`: trace, debug, info, warning, error, critical, off. Where stderr is the journal, each
/// line begins with its priority (sd-daemon(3)), which the journal takes off; else with the local time and
/// the level.
void start_log(spdlog::level::level_enum level);

/// Is this open file the stream that `journal_stream`, the variable JOURNAL_STREAM, names as "device:inode"?
[[nodiscard]] bool is_journal(int file, const char* journal_stream);

}  // namespace rgw::app
