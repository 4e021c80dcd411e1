#include "realmgw/alg/ftp.hpp"

#include "realmgw/alg/text.hpp"

#include <chrono>
#include <deque>

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
constexpr std::string_view refused_passive = "425 Can't open data connection.";

class FtpInspector final : public Inspector {
 public:
  FtpInspector(const Conversation& conversation, AddressBook& book, Tally& tally)
      : talk_{conversation}, book_{book}, tally_{tally} {}

  Decision on_bytes(Side from, std::string_view window, Instant now) override {
    Decision decision;
    Way& way = ways_[static_cast<std::size_t>(from)];
    while (!encrypted_) {
      const std::size_t end = window.find('\n', decision.decided + way.scanned);
      if (end == std::string_view::npos) break;
      const std::size_t begin = decision.decided;
      way.scanned = 0;
      decision.decided = end + 1;
      if (std::exchange(way.overlong, false)) continue;
      std::string_view line = window.substr(begin, end - begin);
      while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      ++tally_.messages;
      auto edit = from == talk_.opener ? command(line, now) : reply(line, now);
      if (!edit) continue;
      ++tally_.edited;
      edit->at += begin;
      decision.edits.push_back(std::move(*edit));
    }
    way.scanned = window.size() - decision.decided;
    if (way.scanned > longest_line) {
      if (!way.overlong) ++tally_.over_limit;
      way.overlong = true;
      way.scanned = 0;
      decision.decided = window.size();
    }
    decision.finished = encrypted_;
    return decision;
  }

  // A pinhole has its own deadline; nothing else here grows old without the session.
  void on_time(Instant) override {}

 private:
  enum class Kind : std::uint8_t { other, auth, pasv, epsv };
  struct Way {
    std::size_t scanned = 0;  ///< so much of the window holds no end of line
    bool overlong = false;    ///< within a line that passes unread
  };
  using MaybeEdit = std::optional<Edit>;

  [[nodiscard]] bool client_inside() const { return talk_.opener == Side::inside; }
  [[nodiscard]] net::Family client_family() const {
    return client_inside() ? talk_.host.address.family() : talk_.remote.address.family();
  }
  [[nodiscard]] net::Family server_family() const {
    return client_inside() ? talk_.remote.address.family() : talk_.host.address.family();
  }

  static MaybeEdit whole(std::string_view line, std::string text) {
    return Edit{0, line.size(), std::move(text)};
  }
  MaybeEdit refuse(std::string_view line, std::string_view instead) {
    ++tally_.refused;
    return whole(line, std::string{instead});
  }

  MaybeEdit command(std::string_view line, Instant now) {
    // Telnet's interrupt and synch before ABOR and STAT (RFC 959 section 4.1.3).
    std::string_view text = line;
    while (text.size() >= 2 && text.front() == '\xff') text.remove_prefix(2);
    const std::string_view word = text.substr(0, text.find(' '));
    const std::string_view argument = trimmed(text.substr(word.size()));
    Kind kind = Kind::other;
    MaybeEdit edit;
    if (same_word(word, "PORT")) {
      edit = active(line, ftp::parse_port(argument), false, now);
    } else if (same_word(word, "EPRT")) {
      edit = active(line, ftp::parse_eprt(argument), true, now);
    } else if (same_word(word, "PASV")) {
      kind = Kind::pasv;
      if (client_family() == net::Family::v4 && server_family() == net::Family::v6)
        edit = whole(line, "EPSV");
    } else if (same_word(word, "EPSV")) {
      kind = Kind::epsv;
      edit = extended_passive(line, argument, kind);
    } else if (same_word(word, "AUTH")) {
      kind = Kind::auth;
    }
    if (outstanding_.size() < most_outstanding) {
      outstanding_.push_back(kind);
    } else if (!lost_) {
      lost_ = true;
      ++tally_.over_limit;
    }
    return edit;
  }

  /// EPSV, EPSV 1, EPSV 2, EPSV ALL. Across families the server is asked in its own way (RFC 6384 section 4),
  /// and ALL promises what the gateway keeps by itself: the server is asked for a yes that means nothing
  /// else.
  MaybeEdit extended_passive(std::string_view line, std::string_view argument, Kind& kind) const {
    if (client_family() == server_family()) {
      if (same_word(argument, "ALL")) kind = Kind::other;
      return std::nullopt;
    }
    if (same_word(argument, "ALL")) {
      kind = Kind::other;
      return whole(line, "NOOP");
    }
    if (server_family() == net::Family::v4) return whole(line, "PASV");
    if (argument.empty()) return std::nullopt;
    return whole(line, "EPSV 2");
  }

  /// PORT and EPRT: the client listens; the server will connect to it.
  MaybeEdit active(std::string_view line, const std::optional<Endpoint>& announced, bool extended,
                   Instant now) {
    if (!announced) {
      ++tally_.malformed;
      return std::nullopt;  // the server says so itself
    }
    const std::string_view refusal = extended ? refused_eprt : refused_port;
    const IpAddress& client = client_inside() ? talk_.host.address : talk_.remote.address;
    if (announced->address != client || announced->port < lowest_data_port) return refuse(line, refusal);

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
    if (!pinhole) return refuse(line, refusal);
    data_ = std::move(*pinhole);
    seen = client_inside() ? data_.external() : Endpoint{talk_.remote_inside.address, announced->port};
    if (seen == *announced) return std::nullopt;
    const bool stays_extended = extended && seen.address.family() == announced->address.family();
    if (stays_extended || seen.address.is_v6()) return whole(line, "EPRT " + ftp::eprt_text(seen));
    return whole(line, "PORT " + ftp::port_text(seen));
  }

  MaybeEdit reply(std::string_view line, Instant now) {
    const bool coded = line.size() >= 3 && is_digit(line[0]) && is_digit(line[1]) && is_digit(line[2]);
    const std::string_view code = line.substr(0, 3);
    const bool last = coded && (line.size() == 3 || line[3] == ' ');
    if (!multiline_.empty()) {  // RFC 959 section 4.2: until the same code and a space
      if (last && code == multiline_) {
        multiline_.clear();
        answered(code);
      }
      return std::nullopt;
    }
    if (!coded) return std::nullopt;
    if (!last) {
      if (line[3] == '-') multiline_ = code;
      return std::nullopt;
    }
    const Kind kind = outstanding_.empty() || lost_ ? Kind::other : outstanding_.front();
    MaybeEdit edit;
    if ((kind == Kind::pasv || kind == Kind::epsv) && (code == "227" || code == "229"))
      edit = passive(line, kind, now);
    answered(code);
    return edit;
  }

  void answered(std::string_view code) {
    if (code.front() == '1' || outstanding_.empty()) return;  // a preliminary reply, or a greeting
    // RFC 4217 section 4: 234 ends the part that can be read.
    if (outstanding_.front() == Kind::auth && code == "234") encrypted_ = true;
    outstanding_.pop_front();
  }

  /// 227 and 229: the server listens; the client will connect to it.
  MaybeEdit passive(std::string_view line, Kind asked, Instant now) {
    const bool is_227 = line.starts_with("227");
    const Endpoint& server = client_inside() ? talk_.remote : talk_.host;
    std::optional<Endpoint> announced;
    std::size_t at = 0;
    std::size_t length = 0;
    if (is_227) {
      // RFC 1123 section 4.1.2.6: the numbers stand anywhere in the text.
      for (at = 4; at < line.size() && !announced; ++at) {
        if (is_digit(line[at]) && !is_digit(line[at - 1])) announced = ftp::parse_port(line.substr(at));
      }
      --at;
      length = std::min(line.find_first_not_of("0123456789,", at), line.size()) - at;
    } else if (const auto port = ftp::parse_epsv_reply(line.substr(3))) {
      announced = Endpoint{server.address, *port};
    }
    if (!announced || announced->port == 0) {
      ++tally_.malformed;
      return std::nullopt;
    }
    // A server that was told its public address announces that one.
    if (!client_inside() && announced->address == talk_.host_outside.address)
      announced->address = server.address;
    if (announced->address != server.address || announced->port < lowest_data_port)
      return refuse(line, refused_passive);

    Endpoint seen{talk_.remote_inside.address, announced->port};
    if (!client_inside()) {
      PinholeRequest request{
          .protocol = net::Protocol::tcp, .target = *announced, .deadline = now + data_wait};
      request.from = talk_.remote.address;
      request.external = talk_.host_outside.address;
      request.preferred_port = announced->port;
      auto pinhole = Pinhole::open(book_, request);
      if (!pinhole) return refuse(line, refused_passive);
      data_ = std::move(*pinhole);
      seen = data_.external();
    }
    if (asked == Kind::epsv) {
      const std::string text = "229 Entering Extended Passive Mode (|||" + std::to_string(seen.port) + "|)";
      if (!is_227 && seen.port == announced->port) return std::nullopt;
      return whole(line, text);
    }
    if (!is_227) return whole(line, "227 Entering Passive Mode (" + ftp::port_text(seen) + ")");
    if (line.substr(at, length) == ftp::port_text(seen)) return std::nullopt;
    return Edit{at, length, ftp::port_text(seen)};
  }

  const Conversation talk_;
  AddressBook& book_;
  Tally& tally_;
  Way ways_[2];
  std::deque<Kind> outstanding_;  ///< commands without a final reply
  bool lost_ = false;             ///< too many of them: replies can no longer be told apart
  bool encrypted_ = false;
  std::string multiline_;  ///< the code of the reply that goes on
  Pinhole data_;           ///< the one data port that is announced (RFC 959 section 3.2)
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
