// The operator's socket: one line asked, one JSON value answered, and the connection closes.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/control/event_loop.hpp"

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rgw::control {

/// An answer that comes piece by piece, a bounded one a turn.
class CtlReply {
 public:
  enum class Progress : std::uint8_t {
    more,      ///< there is more to append, in a later turn
    finished,  ///< the answer is whole, but for the newline at its end
    whole      ///< the same, and it is no line
  };
  virtual ~CtlReply() = default;
  /// Appends the next piece, if it is there yet.
  virtual Progress append_to(std::string& text) = 0;
};

/// An answer that is there at once.
class CtlText final : public CtlReply {
 public:
  explicit CtlText(std::string text) : text_{std::move(text)} {}
  Progress append_to(std::string& text) override {
    text += text_;
    return Progress::finished;
  }

 private:
  std::string text_;
};

/// `{"error": "..."}`.
[[nodiscard]] std::unique_ptr<CtlReply> ctl_error(std::string_view what);

/// Listens on a unix socket. A client sends `COMMAND [ARGUMENT ...]` and a newline. What clients can make it
/// keep is bounded by their number, the length of a line, and the text that one of them has not taken yet.
class CtlServer {
 public:
  /// Who may give a command: whoever gets at the socket, or only root and the gateway's own user (by
  /// SO_PEERCRED).
  enum class Right : std::uint8_t { anyone, owner };
  /// Gets the words after the command's name, which is of one word or two.
  using Command = std::function<std::unique_ptr<CtlReply>(std::span<const std::string_view> arguments)>;

  static constexpr std::size_t max_clients = 16;         ///< one more closes the one that came first
  static constexpr std::size_t max_line = 512;           ///< bytes
  static constexpr std::size_t max_unsent = 256 * 1024;  ///< bytes beyond which an answer pauses
  static constexpr std::chrono::seconds patience{10};    ///< without a byte either way a client is closed

  /// Makes the socket at `path`, with mode 0660, and its directory. Throws std::system_error, or
  /// std::runtime_error where another process answers there.
  CtlServer(EventLoop& loop, const Clock& clock, std::string path);
  CtlServer(const CtlServer&) = delete;
  CtlServer& operator=(const CtlServer&) = delete;
  ~CtlServer();

  /// Who answers at `path`: "process 1234". Nothing where nobody does.
  [[nodiscard]] static std::optional<std::string> holder_of(const std::string& path);

  void add(std::string name, Command command) { add(std::move(name), Right::anyone, std::move(command)); }
  void add(std::string name, Right right, Command command) {
    commands_[std::move(name)] = {right, std::move(command)};
  }
  /// Goes on with unfinished answers. True where it did something.
  bool step(Instant now);

 private:
  struct Client {
    FileDescriptor socket;
    Instant progress;
    std::string line;
    std::string unsent;
    std::unique_ptr<CtlReply> reply;
    bool answering = false;
    bool owner = false;  ///< it is root, or the gateway's own user
  };
  using Place = std::list<Client>::iterator;

  void accept();
  void handle(Place place, std::uint32_t events);
  [[nodiscard]] std::unique_ptr<CtlReply> run(std::string_view line, bool owner);
  bool flush(Client& client);
  void close(Place place);

  EventLoop& loop_;
  const Clock& clock_;
  std::string path_;
  FileDescriptor listener_;
  struct Known {
    Right right;
    Command command;
  };
  std::map<std::string, Known, std::less<>> commands_;
  std::list<Client> clients_;  // the one that came first, first
};

}  // namespace rgw::control
