#include "realmgw/app/ctl_client.hpp"

#include "realmgw/control/file_descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

namespace rgw::app {
namespace {

Unreachable failure(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
    case ECONNREFUSED:
      return Unreachable{"no gateway is running: nobody listens at " + path +
                         " (start realmgwd, or name its socket with --socket PATH)"};
    case EACCES:
      return Unreachable{"you may not ask the gateway at " + path + " (" + std::strerror(error) +
                         "): be root, or of the group of the socket"};
    case EAGAIN:
      return Unreachable{"the gateway at " + path + " does not answer"};
    case EPIPE:
    case ECONNRESET:
      return Unreachable{"the gateway at " + path + " broke off"};
    default:
      return Unreachable{path + ": " + std::strerror(error)};
  }
}

}  // namespace

std::string ask_gateway(const std::string& socket_path, const std::string& request,
                        std::chrono::seconds patience) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) throw failure(socket_path, ENAMETOOLONG);
  std::ranges::copy(socket_path, address.sun_path);
  const control::FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const timeval timeout{patience.count(), 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw failure(socket_path, errno);
  const std::string line = request + "\n";
  if (send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
    throw failure(socket_path, errno);
  std::string answer;
  std::array<char, 65536> piece;
  for (;;) {
    const auto got = recv(socket.get(), piece.data(), piece.size(), 0);
    if (got < 0) throw failure(socket_path, errno);
    if (got == 0) return answer;
    answer.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace rgw::app
