#include "realmgw/app/ctl_client.hpp"

#include "realmgw/control/file_descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <system_error>

namespace rgw::app {

std::string ask_gateway(const std::string& socket_path, const std::string& request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) {
    throw std::system_error{ENAMETOOLONG, std::generic_category(), socket_path};
  }
  std::ranges::copy(socket_path, address.sun_path);
  const auto socket = control::checked(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  const timeval patience{30, 0};  // a reload of a large realm file takes some
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw control::last_error(socket_path);
  }
  const std::string line = request + "\n";
  if (send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    throw control::last_error(socket_path);
  }
  std::string answer;
  std::array<char, 65536> piece;
  for (;;) {
    const auto got = recv(socket.get(), piece.data(), piece.size(), 0);
    if (got < 0 && errno == EAGAIN) errno = ETIMEDOUT;
    if (got < 0) throw control::last_error(socket_path);
    if (got == 0) return answer;
    answer.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace rgw::app
