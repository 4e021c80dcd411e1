#include "realmgw/app/notify.hpp"

#include "realmgw/base/file_descriptor.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace rgw::app {

bool notify_service_manager(std::string_view state) {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) return true;
  const std::string_view name{path};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() < 2 || name.size() >= sizeof address.sun_path) return false;
  std::ranges::copy(name, address.sun_path);
  if (name.front() == '@') address.sun_path[0] = '\0';  // the abstract name space
  const FileDescriptor socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  return socket && sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL, to, length) ==
                       static_cast<ssize_t>(state.size());
}

namespace {

std::optional<long> number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  const std::string_view digits{text};
  long value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value <= 0) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::chrono::microseconds> watchdog_patience() {
  const auto patience = number_in("WATCHDOG_USEC");
  // Inherited from a parent, the variables mean that one.
  if (!patience || (std::getenv("WATCHDOG_PID") != nullptr && number_in("WATCHDOG_PID") != getpid()))
    return std::nullopt;
  return std::chrono::microseconds{*patience};
}

}  // namespace rgw::app
