#include "realmgw/alg/ftp.hpp"

#include "realmgw/alg/text.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <utility>
#include <vector>

namespace rgw::alg {
namespace {

using namespace std::chrono_literals;

// A line longer than this passes unread. RFC 959 sets no limit; servers refuse far shorter ones (vsftpd:
// 4096).
constexpr std::size_t longest_line = 4096;
// Commands without a reply. A client that pipelines more is no longer followed.
constexpr std::size_t most_outstanding = 64;
// How long a data connection may take to come.
constexpr Duration data_wait = 60s;
// RFC 2577 section 3: no data connection to a well-known port.
constexpr std::uint16_t lowest_data_port = 1024;
// What a server refuses in its own words, so that the dialogue stays in step.
constexpr std::string_view refused_port = "PORT 0,0,0,0,0,0";
constexpr std::string_view refused_eprt = "EPRT |1|0.0.0.0|0|";
constexpr std::string_view refused_lprt = "LPRT 0";
constexpr std::string_view refused_passive = "425 Can't open data connection.";

class FtpInspector final : public Inspector {
 public:
  FtpInspector(const Conversation& conversation, AddressBook& book, Tally& tally)
      : talk_{conversation}, book_{book}, tally_{tally} {}

  Decision on_bytes(Side from, std::string_view window, Instant now) override {
    Decision decision;
    Way& way = ways_[static_cast<std::size_t>(from)];
    const bool commands = from == talk_.opener;
    while (!over_) {
      const std::string_view rest = window.substr(decision.decided);
      if (rest.find('\n', way.scanned) == npos) {
        way.scanned = rest.size();
        if (rest.size() > longest_line) {
          if (!way.overlong) begin_overlong(rest, commands);
          way = {0, true};
          decision.decided = window.size();
        }
        break;
      }
      std::size_t size = rest.find('\n') + 1;
      if (std::exchange(way.overlong, false)) {
        way.scanned = 0;
        decision.decided += size;
        continue;
      }
      std::string_view line = ftp::without_end(rest.substr(0, size));
      if (!commands && announces(line)) {  // all its lines are one reply
        const std::size_t whole = ftp::reply_size(rest.substr(0, longest_line));
        if (whole == npos && rest.size() <= longest_line) {
          way.scanned = rest.size();
          break;
        }
        if (whole != npos) size = whole;
        line = ftp::without_end(rest.substr(0, size));
      }
      way.scanned = 0;
      ++tally_.messages;
      const std::size_t before = decision.edits.size();
      if (commands) {
        command(line, now, decision.edits);
      } else {
        reply(line, now, decision.edits);
      }
      if (strange_) break;
      for (std::size_t i = before; i < decision.edits.size(); ++i) decision.edits[i].at += decision.decided;
      if (decision.edits.size() > before) ++tally_.edited;
      decision.decided += size;
    }
    if (strange_) decision.decided = window.size();
    decision.finished = over_;
    return decision;
  }

  // A pinhole has its own deadline; nothing else here grows old without the session.
  void on_time(Instant) override {}

 private:
  enum class Kind : std::uint8_t { other, auth, pasv, epsv, lpsv };
  struct Way {
    std::size_t scanned = 0;  ///< so much of the window holds no end of line, or of a reply
    bool overlong = false;    ///< within a line that passes unread
  };
  using Edits = std::vector<Edit>;
  static constexpr auto npos = std::string_view::npos;

  [[nodiscard]] bool client_inside() const { return talk_.opener == Side::inside; }
  [[nodiscard]] net::Family client_family() const {
    return client_inside() ? talk_.host.address.family() : talk_.remote.address.family();
  }
  [[nodiscard]] net::Family server_family() const {
    return client_inside() ? talk_.remote.address.family() : talk_.host.address.family();
  }

  /// It is no FTP. Whoever writes to a server of anything else (a browser that was told to post a form, say)
  /// may write what looks like a command further on, so nothing is read any more and nothing stays open.
  void set_aside() {
    ++tally_.malformed;
    over_ = strange_ = true;
    data_.close();
  }
  /// What goes on from here passes unread to the end of its line.
  void begin_overlong(std::string_view line, bool commands) {
    const auto coded = ftp::parse_reply_line(line);
    ++tally_.over_limit;
    if (commands ? !ftp::is_command(ftp::first_word(line)) : multiline_.empty() && !coded) return set_aside();
    if (!commands && multiline_.empty() && !coded->last) multiline_ = coded->code;
  }

  static void whole(std::string_view line, std::string text, Edits& edits) {
    edits.push_back({0, line.size(), std::move(text)});
  }
  void refuse(std::string_view line, std::string_view instead, Edits& edits) {
    ++tally_.refused;
    whole(line, std::string{instead}, edits);
  }

  void command(std::string_view line, Instant now, Edits& edits) {
    const std::string_view text = ftp::without_telnet(line);
    const std::string_view word = ftp::first_word(text);
    if (!ftp::is_command(word)) return set_aside();
    const std::string_view argument = trimmed(text.substr(word.size()));
    Kind kind = Kind::other;
    if (same_word(word, "PORT")) {
      active(line, ftp::parse_port(argument), false, now, edits);
    } else if (same_word(word, "EPRT")) {
      active(line, ftp::parse_eprt(argument), true, now, edits);
    } else if (same_word(word, "LPRT")) {
      refuse(line, refused_lprt, edits);
    } else if (same_word(word, "PASV")) {
      kind = Kind::pasv;
      if (client_family() == net::Family::v4 && server_family() == net::Family::v6)
        whole(line, "EPSV", edits);
    } else if (same_word(word, "EPSV")) {
      kind = Kind::epsv;
      extended_passive(line, argument, kind, edits);
    } else if (same_word(word, "LPSV")) {
      kind = Kind::lpsv;
    } else if (same_word(word, "AUTH")) {
      kind = Kind::auth;
    }
    if (outstanding_.size() < most_outstanding) {
      outstanding_.push_back(kind);
    } else if (!lost_) {
      lost_ = true;
      ++tally_.over_limit;
    }
  }

  /// EPSV, EPSV 1, EPSV 2, EPSV ALL. Across families the server is asked in its own way (RFC 6384 section 4),
  /// and ALL promises what the gateway keeps by itself: the server is asked for a yes that means nothing
  /// else.
  void extended_passive(std::string_view line, std::string_view argument, Kind& kind, Edits& edits) const {
    const bool all = same_word(argument, "ALL");
    if (all) kind = Kind::other;
    if (client_family() == server_family()) return;
    if (all) return whole(line, "NOOP", edits);
    if (server_family() == net::Family::v4) return whole(line, "PASV", edits);
    if (!argument.empty()) whole(line, "EPSV 2", edits);
  }

  /// PORT and EPRT: the client listens; the server will connect to it.
  void active(std::string_view line, const std::optional<Endpoint>& announced, bool extended, Instant now,
              Edits& edits) {
    if (!announced) {
      ++tally_.malformed;
      return;  // the server says so itself
    }
    const std::string_view refusal = extended ? refused_eprt : refused_port;
    const IpAddress& client = client_inside() ? talk_.host.address : talk_.remote.address;
    if (!greeted_ || announced->address != client || announced->port < lowest_data_port)
      return refuse(line, refusal, edits);

    PinholeRequest request{.protocol = net::Protocol::tcp, .target = *announced, .deadline = now + data_wait};
    request.external = talk_.host_outside.address;
    Endpoint seen;
    if (client_inside()) {
      request.arrival = Side::outside;
      request.from = talk_.remote.address;
      request.preferred_port = announced->port;
    } else {
      request.arrival = Side::inside;
      request.from = talk_.host.address;
    }
    auto pinhole = Pinhole::open(book_, request);
    if (!pinhole) return refuse(line, refusal, edits);
    data_ = std::move(*pinhole);
    seen = client_inside() ? data_.external() : Endpoint{talk_.remote_inside.address, announced->port};
    if (seen == *announced) return;
    const bool stays_extended = extended && seen.address.family() == announced->address.family();
    if (stays_extended || seen.address.is_v6()) return whole(line, "EPRT " + ftp::eprt_text(seen), edits);
    whole(line, "PORT " + ftp::port_text(seen), edits);
  }

  /// What the next reply answers.
  [[nodiscard]] Kind asked() const {
    return !greeted_ || lost_ || outstanding_.empty() ? Kind::other : outstanding_.front();
  }
  /// Does a reply that the inspector wants to see whole begin here?
  [[nodiscard]] bool announces(std::string_view line) const {
    const auto coded = ftp::parse_reply_line(line);
    if (!multiline_.empty() || !coded) return false;
    if (asked() == Kind::lpsv) return coded->code == "228";
    return (asked() == Kind::pasv || asked() == Kind::epsv) && (coded->code == "227" || coded->code == "229");
  }

  /// A line, or a whole reply that `announces`.
  void reply(std::string_view text, Instant now, Edits& edits) {
    const auto coded = ftp::parse_reply_line(ftp::without_telnet(text));
    if (!multiline_.empty()) {  // RFC 959 section 4.2: until the same code and a space
      if (!coded || !coded->last || coded->code != multiline_) return;
      multiline_.clear();
      return answered(coded->code);
    }
    if (!coded) return set_aside();
    if (announces(text)) {
      if (ftp::reply_size(text) == npos) {
        ++tally_.over_limit;
      } else if (asked() == Kind::lpsv) {
        refuse(text, refused_passive, edits);
        return answered(coded->code);
      } else {
        passive(text, coded->code == "227", now, edits);
        return answered(coded->code);
      }
    }
    if (!coded->last) {
      multiline_ = coded->code;
      return;
    }
    answered(coded->code);
  }

  void answered(std::string_view code) {
    if (code.front() == '1') return;  // a preliminary reply
    if (!greeted_) {  // RFC 959 section 5.4: 220, after a 120 perhaps; 421 where there is none
      greeted_ = code == "220";
      if (!greeted_ && code.front() < '4') set_aside();
      return;
    }
    if (outstanding_.empty()) return;
    // RFC 4217 section 4: 234 ends the part that can be read.
    if (outstanding_.front() == Kind::auth && code == "234") over_ = true;
    outstanding_.pop_front();
  }

  /// What a 227 or a 229 announces; nothing where that is not one endpoint.
  [[nodiscard]] std::optional<Endpoint> announced(std::string_view text,
                                                  const std::vector<ftp::Numbers>& numbers) const {
    if (text.starts_with("229")) {
      const auto port = ftp::parse_epsv_reply(text);
      return port
                 ? std::optional{Endpoint{client_inside() ? talk_.remote.address : talk_.host.address, *port}}
                 : std::nullopt;
    }
    const bool one = !numbers.empty() && std::all_of(numbers.begin(), numbers.end(), [&](const auto& other) {
      return other.endpoint == numbers.front().endpoint;
    });
    return one ? std::optional{numbers.front().endpoint} : std::nullopt;
  }

  /// Whose address a server announces. An outside one that has a private address and does not know it, or
  /// that names a third party, is reached where it is; clients that do not trust the address do the same. An
  /// inside one that was told its public address, whichever that is, means itself. Another inside address is
  /// nobody's that a pinhole may be opened for.
  [[nodiscard]] std::optional<Endpoint> of_server(Endpoint announced) {
    const IpAddress& server = client_inside() ? talk_.remote.address : talk_.host.address;
    if (announced.port < lowest_data_port) return std::nullopt;
    if (announced.address == server) return announced;
    if (client_inside()) {
      ++tally_.refused;
    } else if (book_.is_inside(announced.address)) {
      return std::nullopt;
    }
    return Endpoint{server, announced.port};
  }

  /// 227 and 229: the server listens; the client will connect to it.
  void passive(std::string_view text, bool is_227, Instant now, Edits& edits) {
    const Kind kind = asked();
    const auto numbers = ftp::find_numbers(text);
    const auto said = announced(text, numbers);
    if (!said && (!is_227 || numbers.empty())) {
      ++tally_.malformed;
      return;
    }
    const auto target = said ? of_server(*said) : std::nullopt;
    if (!target) return refuse(text, refused_passive, edits);

    Endpoint seen{talk_.remote_inside.address, target->port};
    if (!client_inside()) {
      PinholeRequest request{.protocol = net::Protocol::tcp, .target = *target, .deadline = now + data_wait};
      request.from = talk_.remote.address;
      request.external = talk_.host_outside.address;
      request.preferred_port = target->port;
      auto pinhole = Pinhole::open(book_, request);
      if (!pinhole) return refuse(text, refused_passive, edits);
      data_ = std::move(*pinhole);
      seen = data_.external();
    }
    if (kind == Kind::epsv) {
      if (!is_227 && seen.port == target->port) return;
      return whole(text, "229 Entering Extended Passive Mode (|||" + std::to_string(seen.port) + "|)", edits);
    }
    if (!is_227) return whole(text, "227 Entering Passive Mode (" + ftp::port_text(seen) + ")", edits);
    for (const auto& place : numbers) {
      if (text.substr(place.at, place.length) != ftp::port_text(seen))
        edits.push_back({place.at, place.length, ftp::port_text(seen)});
    }
  }

  const Conversation talk_;
  AddressBook& book_;
  Tally& tally_;
  Way ways_[2];
  std::deque<Kind> outstanding_;  ///< commands without a final reply
  bool lost_ = false;             ///< too many of them: replies can no longer be told apart
  bool greeted_ = false;          ///< the server has said 220
  bool over_ = false;             ///< nothing is read any more: TLS, or no FTP
  bool strange_ = false;          ///< no FTP
  std::string multiline_;         ///< the code of the reply that goes on
  Pinhole data_;                  ///< the one data port that is announced (RFC 959 section 3.2)
};

class Ftp final : public Alg {
 public:
  std::unique_ptr<Inspector> inspect(const Conversation& conversation, AddressBook& book) override {
    return std::make_unique<FtpInspector>(conversation, book, tally_);
  }
};

}  // namespace

std::unique_ptr<Alg> make_ftp(const Options&) {
  return std::make_unique<Ftp>();
}

}  // namespace rgw::alg
