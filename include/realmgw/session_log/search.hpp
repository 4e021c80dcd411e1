// Finds in the session log who had an external port at a time. Reads the files once, line by line; what it
// remembers is bounded by how many had that very port.
#pragma once

#include "realmgw/session_log/line.hpp"

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace rgw::session_log {

struct Question {
  net::IpAddress address;
  std::uint16_t port = 0;
  std::optional<net::Protocol> protocol{};
  std::optional<WallTime> at{};            ///< nothing: whenever
  std::optional<net::IpAddress> remote{};  ///< with whom, where the log has destinations
};

/// One who had the port.
struct Tenure {
  std::string host;  ///< "10.0.0.42:40000"; of a block, "10.0.0.42"
  std::string external;
  std::string protocol;          ///< "any" of a block: tcp, udp and icmp
  std::string remote;            ///< empty: not written
  std::string by;                ///< "outbound", "inbound" or "local"; "block"
  std::string ports;             ///< of a block
  std::optional<WallTime> from;  ///< nothing: before the oldest file begins
  std::optional<WallTime> to;    ///< nothing: it has it still, as far as the log tells
  bool end_is_known = true;      ///< false: the gateway stopped without a word, at `to` at the latest
};

/// When records were lost.
struct Gap {
  std::uint64_t count = 0;
  WallTime from, to;
};

class Search {
 public:
  explicit Search(Question question) : question_{std::move(question)} {}
  /// The lines of one file after the other, the oldest first.
  void read(std::istream& lines);
  void read(std::string_view line);

  /// All that fit the question. A session that is no block's comes before a block: it is the narrower word.
  [[nodiscard]] std::vector<Tenure> answer() const;
  /// Losses that may hide an answer: at the asked time, or all.
  [[nodiscard]] std::vector<Gap> gaps() const;
  /// Is the asked time older than what was read?
  [[nodiscard]] bool begins_too_late() const;
  [[nodiscard]] std::size_t unreadable() const { return unreadable_; }

 private:
  struct Kept {
    Tenure tenure;
    std::string name;  ///< of a session: worker and number; of a block: its first port
    bool open = true;
  };
  void session(const Line& line, bool begins);
  void block(const Line& line, bool begins);
  /// What a line says of a tenure. `told.from`: where the line ends it, what it says of the beginning, which
  /// may be in no file, or was lost.
  void note(Tenure told, std::string name, bool begins, WallTime at);

  Question question_;
  std::vector<Kept> kept_;
  std::vector<Gap> gaps_;
  std::optional<WallTime> first_;
  std::size_t unreadable_ = 0;
};

/// The log's files, the oldest first: FILE.10, ..., FILE.1, FILE, those that there are. A file that logrotate
/// has compressed is not read.
[[nodiscard]] std::vector<std::filesystem::path> files_of(const std::filesystem::path& file);

}  // namespace rgw::session_log
