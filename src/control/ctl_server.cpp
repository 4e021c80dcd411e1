#include "realmgw/control/ctl_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace rgw::control {

namespace {

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw std::invalid_argument{path + ": too long for a socket's path"};
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

FileDescriptor unix_socket() {
  return checked(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "unix socket");
}

/// A socket that a killed daemon left behind is taken away; one that somebody listens on is not.
void clear_path(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) throw std::runtime_error{path + ": is there, and is no socket"};
  if (const auto other = CtlServer::holder_of(path))
    throw std::runtime_error{path + ": another gateway answers there, " + *other};
  unlink(path.c_str());
}

FileDescriptor listen_at(const std::string& path) {
  const sockaddr_un address = unix_address(path);
  const auto directory = std::filesystem::path{path}.parent_path();
  if (!directory.empty()) std::filesystem::create_directories(directory);
  clear_path(path);
  FileDescriptor socket = unix_socket();
  fchmod(socket.get(), 0660);  // before the name appears, so that nobody else ever gets in
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw last_error(path);
  if (chmod(path.c_str(), 0660) != 0 || listen(socket.get(), 16) != 0) throw last_error(path);
  return socket;
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  constexpr std::string_view blank = " \t\r";
  for (auto from = line.find_first_not_of(blank); from != line.npos;
       from = line.find_first_not_of(blank, from)) {
    const auto to = std::min(line.find_first_of(blank, from), line.size());
    found.push_back(line.substr(from, to - from));
    from = to;
  }
  return found;
}

/// Is who has connected root, or of the gateway's own user?
bool is_owner(const FileDescriptor& socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

std::unique_ptr<CtlReply> ctl_error(std::string_view what) {
  using nlohmann::json;
  return std::make_unique<CtlText>(
      json{{"error", what}}.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::optional<std::string> CtlServer::holder_of(const std::string& path) {
  const sockaddr_un address = unix_address(path);
  const FileDescriptor probe = unix_socket();
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return errno == EAGAIN ? std::optional{std::string{"which is busy"}} : std::nullopt;
  ucred peer{};
  socklen_t length = sizeof peer;
  if (getsockopt(probe.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.pid <= 0)
    return "another process";
  return "process " + std::to_string(peer.pid);
}

CtlServer::CtlServer(EventLoop& loop, const Clock& clock, std::string path)
    : loop_{loop}, clock_{clock}, path_{std::move(path)}, listener_{listen_at(path_)} {
  loop_.add(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
}

CtlServer::~CtlServer() {
  while (!clients_.empty()) close(clients_.begin());
  loop_.remove(listener_.get());
  unlink(path_.c_str());
}

void CtlServer::accept() {
  FileDescriptor socket{accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!socket) return;
  if (clients_.size() >= max_clients) close(clients_.begin());
  const int fd = socket.get();
  const bool owner = is_owner(socket);
  clients_.push_back({std::move(socket), clock_.now(), {}, {}, nullptr, false, owner});
  const Place place = std::prev(clients_.end());
  loop_.add(fd, EPOLLIN, [this, place](std::uint32_t events) { handle(place, events); });
}

void CtlServer::handle(Place place, std::uint32_t events) {
  Client& client = *place;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) return close(place);
  client.progress = clock_.now();
  if (client.answering) {
    if (!flush(client)) close(place);
    return;
  }
  std::array<char, max_line> piece;
  const auto got = recv(client.socket.get(), piece.data(), piece.size(), 0);
  if (got < 0 && would_block()) return;
  if (got < 0) return close(place);
  client.line.append(piece.data(), static_cast<std::size_t>(got));
  const auto end = client.line.find('\n');
  if (end == client.line.npos && got > 0 && client.line.size() < max_line) return;
  client.reply = end > max_line && end != client.line.npos
                     ? ctl_error("the request is too long")
                     : run(std::string_view{client.line}.substr(0, end), client.owner);
  client.answering = true;
  loop_.change(client.socket.get(), 0);  // `step` asks for EPOLLOUT where the client is slow
}

std::unique_ptr<CtlReply> CtlServer::run(std::string_view line, bool owner) {
  if (line.size() >= max_line) return ctl_error("the request is too long");
  const auto request = words(line);
  if (request.empty()) return ctl_error("an empty request");
  // A name of two words comes before one of the first of them.
  std::size_t named = std::min<std::size_t>(request.size(), 2);
  auto command =
      named == 2 ? commands_.find(std::string{request[0]} + " " + std::string{request[1]}) : commands_.end();
  if (command == commands_.end()) {
    command = commands_.find(request.front());
    named = 1;
  }
  if (command == commands_.end()) return ctl_error("unknown command: " + std::string{request.front()});
  if (command->second.right == Right::owner && !owner)
    return ctl_error(command->first + ": only root and the gateway's own user may do that");
  return command->second.command(std::span{request}.subspan(named));
}

bool CtlServer::step(Instant now) {
  bool busy = false;
  for (Place place = clients_.begin(); place != clients_.end();) {
    const Place current = place++;
    Client& client = *current;
    if (client.reply && client.unsent.size() < max_unsent) {
      const std::size_t before = client.unsent.size();
      const auto progress = client.reply->append_to(client.unsent);
      if (progress == CtlReply::Progress::more) {
        client.progress = now;  // it waits for us
      } else {
        if (progress == CtlReply::Progress::finished) client.unsent += '\n';
        client.reply.reset();
      }
      if (client.unsent.size() != before) {
        busy = true;
        client.progress = now;
        if (!flush(client)) {
          close(current);
          continue;
        }
      }
    }
    const bool done = client.answering && !client.reply && client.unsent.empty();
    if (done || client.progress + patience <= now) close(current);
  }
  return busy;
}

/// Sends what the client takes now. False where it has gone.
bool CtlServer::flush(Client& client) {
  if (!client.unsent.empty()) {
    const auto sent = ::send(client.socket.get(), client.unsent.data(), client.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0 && !would_block()) return false;
    if (sent > 0) client.unsent.erase(0, static_cast<std::size_t>(sent));
  }
  loop_.change(client.socket.get(), client.unsent.empty() ? 0U : std::uint32_t{EPOLLOUT});
  return true;
}

void CtlServer::close(Place place) {
  loop_.remove(place->socket.get());
  clients_.erase(place);
}

}  // namespace rgw::control
