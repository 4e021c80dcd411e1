// The word to the service manager (sd_notify(3)'s protocol: one datagram).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace rgw::app {

/// Sends `state` ("READY=1") to the socket that NOTIFY_SOCKET names, if any. False where it could not be
/// sent.
bool notify_service_manager(std::string_view state);

/// A service manager that watches this process (WATCHDOG_USEC) wants to hear "WATCHDOG=1" more often than
/// this. Nothing where none does.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_patience();

}  // namespace rgw::app
