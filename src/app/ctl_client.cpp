#include "realmgw/app/ctl_client.hpp"

#include "realmgw/base/file_descriptor.hpp"

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

using SteadyClock = std::chrono::steady_clock;

/// No call on the socket waits longer than that.
void limit_waits(const FileDescriptor& socket, std::chrono::milliseconds longest) {
  const auto us = std::chrono::microseconds{longest}.count();
  const timeval timeout{us / 1'000'000, us % 1'000'000};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

/// A socket on which the request has been sent. No call on it waits longer than that.
FileDescriptor asked(const std::string& path, const std::string& request, std::chrono::milliseconds longest) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw failure(path, ENAMETOOLONG);
  std::ranges::copy(path, address.sun_path);
  FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  limit_waits(socket, longest);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw failure(path, errno);
  const std::string line = request + "\n";
  if (send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
    throw failure(path, errno);
  return socket;
}

}  // namespace

void stream_from_gateway(const std::string& socket_path, const std::string& request,
                         const std::function<bool(std::span<const char>)>& use,
                         const std::function<bool()>& stopped) {
  const auto socket = asked(socket_path, request, std::chrono::milliseconds{200});
  std::array<char, 65536> piece;
  while (!stopped()) {
    const auto got = recv(socket.get(), piece.data(), piece.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) throw failure(socket_path, errno);
    if (got == 0 || !use(std::span{piece}.first(static_cast<std::size_t>(got)))) return;
  }
}

std::string ask_gateway(const std::string& socket_path, const std::string& request,
                        std::chrono::seconds patience) {
  return ask_gateway(socket_path, request, AnswerLimits{.silence = patience});
}

std::string ask_gateway(const std::string& socket_path, const std::string& request,
                        const AnswerLimits& limits) {
  using std::chrono::milliseconds;
  const auto begun = SteadyClock::now();
  const auto left = [&] {
    return limits.whole - std::chrono::duration_cast<milliseconds>(SteadyClock::now() - begun);
  };
  const auto socket = asked(socket_path, request, std::min(limits.silence, left()));
  std::string answer;
  std::array<char, 65536> piece;
  for (;;) {
    const auto got = recv(socket.get(), piece.data(), piece.size(), 0);
    if (got < 0) throw failure(socket_path, errno);
    if (got == 0) return answer;
    answer.append(piece.data(), static_cast<std::size_t>(got));
    if (answer.size() > limits.bytes)
      throw Unreachable{"what answers at " + socket_path + " is no gateway: its answer does not end"};
    const milliseconds rest = left();
    if (rest <= milliseconds{0}) throw failure(socket_path, EAGAIN);
    limit_waits(socket, std::min(limits.silence, rest));  // zero would be no limit
  }
}

}  // namespace rgw::app
