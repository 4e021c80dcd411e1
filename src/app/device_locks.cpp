#include "realmgw/app/device_locks.hpp"

#include "realmgw/app/device_name.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <net/if.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>

namespace rgw::app {

namespace {

/// What a port takes for itself: a card, or the interface of the kernel that its driver sits on.
struct Lockable {
  std::string key;      ///< the same for each name that the thing has
  std::string meaning;  ///< for the operator
};

std::optional<Lockable> lockable(const std::string& device) {
  if (is_card(device)) {
    const std::string address = card_address(device);
    return Lockable{"pci/" + address, "the card " + address};
  }
  const auto name = interface_beneath(device);
  const unsigned index = name ? if_nametoindex(name->c_str()) : 0;
  if (index == 0) return std::nullopt;  // what is not there is told of elsewhere
  return Lockable{"interface/" + std::to_string(index), "the interface " + *name};
}

struct Address {
  sockaddr_un un{};
  socklen_t length;

  explicit Address(const std::string& key) {
    const std::string name = "realmgw/" + key;
    un.sun_family = AF_UNIX;
    std::memcpy(un.sun_path + 1, name.data(),
                std::min(name.size(), sizeof un.sun_path - 1));  // after a zero: abstract
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                    std::min(name.size(), sizeof un.sun_path - 1));
  }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&un); }
};

FileDescriptor new_socket() {
  return checked(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                 "socket of a device's lock");
}

constexpr pid_t nobody = -1, unknown = 0;

/// Who listens there. Unknown is a process in another PID namespace.
pid_t holder(const Address& address) {
  const auto socket = new_socket();
  if (::connect(socket.get(), address.get(), address.length) != 0)
    return errno == ECONNREFUSED ? nobody : unknown;
  ucred peer{};
  socklen_t length = sizeof peer;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? peer.pid : unknown;
}

std::string line_of(pid_t process, const char* file) {
  std::string line;
  std::getline(std::ifstream{"/proc/" + std::to_string(process) + "/" + file}, line);
  return line;
}

/// "process 1234 (realmgwd)"
std::string described(pid_t process) {
  if (process <= unknown) return "another process";
  if (process == ::getpid()) return "another port of this realm";
  const std::string command = line_of(process, "comm");
  return "process " + std::to_string(process) + (command.empty() ? "" : " (" + command + ")");
}

/// Does the kernel still clear up after it? Its sockets are closed last, after a second or more where its
/// memory is large.
bool is_ending(pid_t process) {
  if (process <= unknown) return process == nobody;
  const std::string stat = line_of(process, "stat");
  const auto state = stat.rfind(") ");
  return state == std::string::npos || stat[state + 2] == 'Z' || stat[state + 2] == 'X';
}

FileDescriptor lock(const config::Port& port, const Lockable& wanted) {
  using std::chrono::steady_clock;
  const auto patience = steady_clock::now() + std::chrono::seconds{10};
  const Address address{wanted.key};
  auto socket = new_socket();
  while (::bind(socket.get(), address.get(), address.length) != 0) {
    if (errno != EADDRINUSE) throw last_error("the lock of " + wanted.meaning);
    const pid_t process = holder(address);
    if (!is_ending(process) || steady_clock::now() > patience) {
      throw std::runtime_error{"port " + port.name + " (" + port.device + "): " + wanted.meaning +
                               " is held by " + described(process)};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  if (::listen(socket.get(), SOMAXCONN) != 0) throw last_error("the lock of " + wanted.meaning);
  return socket;
}

}  // namespace

std::optional<std::string> DeviceLocks::holder_of(const std::string& device) {
  const auto wanted = lockable(device);
  if (!wanted) return std::nullopt;
  const pid_t process = holder(Address{wanted->key});
  if (process == nobody) return std::nullopt;
  return described(process);
}

DeviceLocks::DeviceLocks(std::span<const config::Port> ports) {
  held_.resize(ports.size());
  for (std::size_t number = 0; number < ports.size(); ++number) renew(number, ports[number]);
}

void DeviceLocks::renew(std::size_t number, const config::Port& port) {
  held_[number] = {};
  if (const auto wanted = lockable(port.device)) held_[number] = lock(port, *wanted);
}

}  // namespace rgw::app
