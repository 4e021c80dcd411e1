#include "realmgw/alg/rtsp.hpp"

#include "realmgw/alg/address_text.hpp"
#include "realmgw/alg/message.hpp"
#include "realmgw/alg/sdp.hpp"
#include "realmgw/alg/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace rgw::alg {
namespace {

using namespace std::chrono_literals;
constexpr auto npos = std::string_view::npos;

constexpr std::uint16_t default_port = 554;  // RFC 2326 section 3.2
constexpr std::array url_fields{std::string_view{"Content-Base"}, std::string_view{"Content-Location"},
                                std::string_view{"Location"}, std::string_view{"RTP-Info"}};
constexpr Duration default_timeout = 60s;  // RFC 2326 section 12.37
constexpr Duration longest_timeout = 3600s;
constexpr Duration grace = 30s;  // after which a silent session's media may not come anew
constexpr Duration answer_wait = 60s;
constexpr std::size_t most_pending = 32;
constexpr std::size_t most_tracks = 64;
constexpr std::size_t most_transports = 16;
constexpr std::uint8_t most_ports = 8;  // of one range: pairs for each layer of a layered encoding

/// Ports as a Transport field writes them: "4588", "4588-4589".
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  bool written_whole = false;  ///< with its last one

  [[nodiscard]] std::string to_string() const {
    return std::to_string(first) + (written_whole ? "-" + std::to_string(last) : "");
  }
  [[nodiscard]] PortRange moved(int by) const {
    return {static_cast<std::uint16_t>(first + by), static_cast<std::uint16_t>(last + by), written_whole};
  }
};

std::optional<PortRange> port_range(Piece value) {
  HeaderReader reader{value};  // white space may stand around the hyphen (RFC 2326 section 15.1)
  std::string_view text = reader.word().text;
  const auto first = to_number<std::uint16_t>(take_until(text, '-'));
  if (!first || *first == 0) return std::nullopt;
  const std::string_view rest = trimmed(value.text.substr(digits(value.text)));
  if (rest.empty()) return PortRange{*first, *first, false};
  if (rest.front() != '-') return std::nullopt;
  const auto last = to_number<std::uint16_t>(trimmed(rest.substr(1)));
  if (!last || *last < *first || *last - *first >= int{most_ports}) return std::nullopt;
  return PortRange{*first, *last, true};
}

/// Ports of the inside end, from `inside` on, as the outside reads them.
struct Hole {
  std::uint16_t inside = 0;
  std::uint8_t ports = 0;
  std::shared_ptr<Pinhole> pinhole;

  [[nodiscard]] int moved() const { return pinhole->external().port - inside; }
  /// Are these outside ports its own?
  [[nodiscard]] bool has(const PortRange& outside) const {
    const unsigned first = pinhole->external().port;
    return outside.first >= first && outside.last < first + ports;
  }
};

/// A medium that was set up.
struct Track {
  std::string session;
  std::string uri;
  std::vector<Hole> holes;
  Duration timeout{};
  Instant deadline{};

  void extend(Instant until) {
    deadline = until;
    for (const Hole& hole : holes) hole.pinhole->extend(until);
  }
};

/// A request that waits for its response.
struct Pending {
  std::string method;
  std::string uri;
  std::string session;
  std::vector<Hole> holes;            ///< of its alternatives
  std::uint16_t remote_port = 0;      ///< the first one of the other end, where it has been told
  std::optional<IpAddress> source{};  ///< from where the server sends, if not from its own address
};

class RtspInspector final : public Inspector, private SdpView {
 public:
  RtspInspector(const Conversation& conversation, AddressBook& book, Tally& tally)
      : talk_{conversation}, book_{book}, tally_{tally} {}

  Decision on_bytes(Side from, std::string_view window, Instant now) override {
    Decision decision;
    Way& way = ways_[static_cast<std::size_t>(from)];
    while (decision.decided < window.size()) {
      const std::string_view rest = window.substr(decision.decided);
      if (way.skip != 0 || is_space(rest.front())) {
        const std::size_t part = way.skip == 0 ? 1 : std::min(way.skip, rest.size());
        decision.decided += part;
        way.skip -= std::min(way.skip, part);
        way.scanned = 0;
        continue;
      }
      if (rest.front() == '$') {  // RFC 2326 section 10.12: a channel, a length, so many bytes
        if (rest.size() < 4) break;
        const auto byte = [&](std::size_t i) { return std::size_t{static_cast<std::uint8_t>(rest[i])}; };
        way.skip = 4 + (byte(2) << 8 | byte(3));
        continue;
      }
      Message message;
      const auto state = message.read(rest, false, way.scanned);
      const std::string_view first = rest.substr(0, rest.find('\n'));
      const bool strange = first.size() < rest.size() && find_word(first, "rtsp/1.0") == npos;
      if (state == Message::State::incomplete && !strange) break;
      if (state != Message::State::complete || strange) {
        ++(state == Message::State::over_limit ? tally_.over_limit : tally_.malformed);
        decision.finished = true;
        break;
      }
      way.scanned = 0;
      std::vector<Edit> edits;
      handle(from, message, now, edits);
      if (!finish_edits(message, edits)) {
        ++tally_.malformed;
        edits.clear();
      }
      if (!edits.empty()) ++tally_.edited;
      for (Edit& edit : edits) {
        edit.at += decision.decided;
        decision.edits.push_back(std::move(edit));
      }
      decision.decided += message.size();
    }
    return decision;
  }

  /// A session that is silent for its timeout: what uses its media lives on, nothing new begins.
  void on_time(Instant now) override {
    std::erase_if(tracks_, [&](Track& track) {
      if (track.deadline > now) return false;
      for (const Hole& hole : track.holes) hole.pinhole->leave();
      return true;
    });
  }

 private:
  struct Way {
    std::size_t scanned = 0;
    std::size_t skip = 0;  ///< of an interleaved frame
  };
  using Edits = std::vector<Edit>;

  [[nodiscard]] bool client_inside() const { return talk_.opener == Side::inside; }

  void handle(Side from, const Message& message, Instant now, Edits& edits) {
    ++tally_.messages;
    reader_ = net::other(from);
    const auto status = message.status();
    if (!status) urls(message.uri(), edits);
    for (const Field& field : message.fields()) {
      if (std::any_of(url_fields.begin(), url_fields.end(),
                      [&](std::string_view name) { return same_word(name, field.name); }))
        urls(field.piece(), edits);
    }
    std::vector<BodyPart> parts;
    const Field* type = message.find("Content-Type");
    if (message.find("Content-Encoding") == nullptr &&
        find_parts(type == nullptr ? Piece{} : type->piece(), {message.body(), message.body_at()}, parts)) {
      std::erase_if(parts,
                    [](const BodyPart& part) { return !is_media_type(part.type, "application", "sdp"); });
      for (const BodyPart& part : parts) {
        const std::size_t before = edits.size();
        if (translate_sdp(part.text.text, part.text.at, *this, edits) != SdpResult::good) {
          ++tally_.malformed;
          edits.resize(before);
        }
        for (const Piece& piece : between(part.text, ranges(edits))) urls(piece, edits);
      }
    }
    const HeaderValue session = parse_value({message.value("Session")});
    const std::string_view id = session.head.text;
    Duration lasts = default_timeout;
    if (const auto timeout = session.find("timeout")) {
      if (const auto seconds = to_number<std::uint32_t>(timeout->text))
        lasts = std::min<Duration>(std::chrono::seconds{*seconds}, longest_timeout);
    }
    refresh(id, now);
    if (from == talk_.opener && !status) request(message, id, now, edits);
    if (from != talk_.opener && status) response(message, *status, id, lasts, now, edits);
    if (reader_ == Side::outside) conceal(message, parts, edits);
  }

  static Ranges ranges(const Edits& edits) {
    Ranges found;
    for (const Edit& edit : edits) found.emplace_back(edit.at, edit.at + edit.length);
    std::sort(found.begin(), found.end());
    return found;
  }

  /// An inside address in any other place.
  void conceal(const Message& message, const std::vector<BodyPart>& parts, Edits& edits) {
    const Ranges changed = ranges(edits);
    std::vector<Piece> pieces{{message.text().substr(0, message.body_at()), 0}};
    for (const BodyPart& part : parts) pieces.push_back(part.text);
    for (const Piece& piece : pieces) {
      for (const Piece& rest : between(piece, changed)) {
        for (const AddressToken& token :
             find_addresses(rest, [&](const IpAddress& given) { return book_.is_inside(given); })) {
          for (const auto& place : token.places) {
            const auto [at, length] = token.raw_of(place.at, place.length);
            const IpAddress seen = address(place.address).value_or(talk_.host_outside.address);
            edits.push_back({at, length, address_instead(token, place, seen)});
          }
        }
      }
    }
  }

  void refresh(std::string_view session, Instant now) {
    for (Track& track : tracks_) {
      if (session.empty() || track.session != session) continue;
      track.extend(now + track.timeout + grace);
    }
  }

  void request(const Message& message, std::string_view session, Instant now, Edits& edits) {
    const std::string_view sequence = message.value("CSeq");
    const std::string_view method = message.method();
    if (method != "SETUP" && method != "TEARDOWN") return;
    if (sequence.empty() || sequence.size() > 32 || message.uri().text.size() > 2048 ||
        session.size() > 256 || pending_.size() >= most_pending) {
      ++tally_.over_limit;
      return;
    }
    Pending& pending = pending_[std::string{sequence}];
    pending = Pending{std::string{method}, std::string{message.uri().text}, std::string{session}, {}, 0, {}};
    const Field* transport = message.find("Transport");
    if (method == "SETUP" && transport != nullptr) transports(*transport, pending, now, edits);
  }

  void response(const Message& message, unsigned status, std::string_view session, Duration lasts,
                Instant now, Edits& edits) {
    auto node = pending_.extract(std::string{message.value("CSeq")});
    if (node.empty() || status < 200) {
      if (!node.empty()) pending_.insert(std::move(node));
      return;
    }
    Pending& pending = node.mapped();
    if (status >= 300) return;  // what was opened for it closes
    if (pending.method == "TEARDOWN") return teardown(pending);
    const Field* transport = message.find("Transport");
    if (transport != nullptr) transports(*transport, pending, now, edits);
    introduce(pending);
    if (pending.holes.empty() || session.empty() || session.size() > 256) return;
    if (tracks_.size() >= most_tracks) {
      ++tally_.over_limit;
      return;
    }
    Track track{std::string{session}, pending.uri, std::move(pending.holes), lasts, {}};
    track.extend(now + lasts + grace);
    // A second SETUP of a track moves it.
    std::erase_if(tracks_,
                  [&](const Track& old) { return old.session == track.session && old.uri == track.uri; });
    tracks_.push_back(std::move(track));
  }

  /// Tells the pinhole of what the server took who is at its other end.
  void introduce(const Pending& pending) {
    if (pending.holes.size() != 1 || pending.remote_port == 0) return;
    const Hole& hole = pending.holes.front();
    const IpAddress remote = pending.source.value_or(talk_.remote.address);
    for (std::uint8_t n = 0; n < hole.ports; ++n)
      hole.pinhole->meet(n, {remote, static_cast<std::uint16_t>(pending.remote_port + n)});
  }

  /// Of one track, where its URI says so, or of the whole session.
  void teardown(const Pending& pending) {
    const auto is_track = [&](const Track& t) {
      return t.session == pending.session && t.uri == pending.uri;
    };
    const bool one = std::any_of(tracks_.begin(), tracks_.end(), is_track);
    std::erase_if(tracks_, [&](const Track& t) { return one ? is_track(t) : t.session == pending.session; });
  }

  /// RFC 2326 section 12.39: alternatives, of which the server takes one.
  void transports(const Field& field, Pending& pending, Instant now, Edits& edits) {
    const bool from_client = (reader_ == Side::outside) == client_inside();
    const auto alternatives = parse_values(field.piece());
    if (alternatives.size() > most_transports) ++tally_.over_limit;
    if (from_client && client_inside()) open_all(alternatives, "client_port", pending, now);
    if (!from_client && !client_inside()) open_all(alternatives, "server_port", pending, now);
    for (const HeaderValue& one : alternatives) {
      for (const auto& [name, value] : one.parameters) {
        if (value.empty()) continue;
        const auto text = parameter(name.text, value, pending, !from_client);
        if (text && *text != value.text) edits.push_back({value.at, value.text.size(), *text});
      }
    }
    // What the server did not take closes.
    if (!from_client && client_inside() && taken_) {
      std::erase_if(pending.holes, [&](const Hole& hole) { return hole.inside != *taken_; });
    }
    taken_.reset();
  }

  /// Is it one that puts media on ports of their own? The others go by the control connection
  /// (section 10.12).
  [[nodiscard]] static bool has_ports(const HeaderValue& transport) {
    HeaderReader reader{transport.head};
    std::string_view last = reader.word().text;
    while (reader.take('/')) last = reader.word().text;
    return !same_word(last, "tcp") && !transport.find("interleaved");
  }

  /// Pinholes for the ports of the inside end, in all alternatives. Alternatives that begin at one port share
  /// them.
  void open_all(const std::vector<HeaderValue>& alternatives, std::string_view name, Pending& pending,
                Instant now) {
    std::map<std::uint16_t, std::uint8_t> wanted;
    for (std::size_t i = 0; i < alternatives.size() && i < most_transports; ++i) {
      const auto value = has_ports(alternatives[i]) ? alternatives[i].find(name) : std::nullopt;
      if (!value) continue;
      const auto range = port_range(*value);
      if (!range) {
        ++tally_.malformed;
        continue;
      }
      // One port stands for a pair: RTCP has the next (RFC 3550 section 11).
      const int ports = range->last != range->first ? range->last - range->first + 1
                        : range->first == 0xffff    ? 1
                                                    : 2;
      auto& most = wanted[range->first];
      most = std::max(most, static_cast<std::uint8_t>(ports));
    }
    for (const auto& [first, ports] : wanted) {
      PinholeRequest request;
      request.target = {talk_.host.address, first};
      request.from = talk_.remote.address;
      request.external = talk_.host_outside.address;
      request.preferred_port = first;
      request.ports = ports;
      request.single_use = false;
      request.deadline = now + answer_wait;
      auto hole = Pinhole::open(book_, request);
      if (!hole) {
        ++tally_.refused;
        continue;
      }
      pending.holes.push_back({first, ports, std::make_shared<Pinhole>(std::move(*hole))});
    }
  }

  std::optional<std::string> parameter(std::string_view name, Piece value, Pending& pending, bool of_server) {
    if (same_word(name, client_inside() ? "client_port" : "server_port"))
      return ports(value, pending, of_server);
    if (same_word(name, client_inside() ? "server_port" : "client_port")) {
      if (const auto range = port_range(value)) pending.remote_port = range->first;
      return std::nullopt;
    }
    if (same_word(name, "source")) {
      if (client_inside() && of_server) pending.source = IpAddress::parse(value.text);
      return address_text(value.text);
    }
    if (same_word(name, "destination")) {
      // Media for a third party would be a bounce: it goes to the client, and to nobody else.
      const IpAddress& client = client_inside() ? talk_.host.address : talk_.remote.address;
      const auto given = IpAddress::parse(value.text);
      if (!of_server && (!given || *given != client)) {
        ++tally_.refused;
        return (client_inside() ? talk_.host_outside : talk_.remote_inside).address.to_string();
      }
      return address_text(value.text);
    }
    return std::nullopt;
  }

  /// Ports of the inside end: the outside reads those of a pinhole, the inside its own.
  std::optional<std::string> ports(Piece value, const Pending& pending, bool of_server) {
    const auto range = port_range(value);
    if (!range) return std::nullopt;
    for (const Hole& hole : pending.holes) {
      if (reader_ == Side::outside && hole.inside == range->first)
        return range->moved(hole.moved()).to_string();
      if (reader_ == Side::inside && hole.has(*range)) {
        if (of_server) taken_ = hole.inside;
        return range->moved(-hole.moved()).to_string();
      }
    }
    return std::nullopt;
  }

  /// One of the four ends' addresses as the reader knows it.
  [[nodiscard]] std::optional<std::string> address_text(std::string_view value) {
    const auto given = IpAddress::parse(value);
    const auto seen = given ? address(*given) : std::nullopt;
    return seen ? std::optional{seen->to_string()} : std::nullopt;
  }

  void urls(Piece piece, Edits& edits) {
    for (const HostPort& place : find_uris(piece)) {
      const auto given = IpAddress::parse(place.host);
      if (!given) continue;
      std::string seen;
      // The server's own port moves with its address; a port that was not written is 554.
      const Endpoint& host = reader_ == Side::outside ? talk_.host : talk_.host_outside;
      const Endpoint& view = reader_ == Side::outside ? talk_.host_outside : talk_.host;
      if (*given == host.address && !client_inside() && place.port.value_or(default_port) == host.port) {
        const bool bare = !place.port && view.port == default_port;
        seen = host_port_text(view.address.to_string(), bare ? std::nullopt : std::optional{view.port});
      } else if (const auto translated = address(*given)) {
        seen = host_port_text(translated->to_string(), place.port);
      }
      if (seen.empty() || seen == piece.text.substr(place.at - piece.at, place.length)) continue;
      edits.push_back({place.at, place.length, seen});
    }
  }

  // SdpView: addresses change, and ports are the business of SETUP (RFC 2326 section C.1.2).
  std::optional<IpAddress> address(const IpAddress& given) override {
    if (reader_ == Side::outside) {
      if (given == talk_.host.address) return talk_.host_outside.address;
      if (given == talk_.remote_inside.address) return talk_.remote.address;
      return book_.seen_outside(given);
    }
    if (given == talk_.host_outside.address) return talk_.host.address;
    if (given == talk_.remote.address) return talk_.remote_inside.address;
    return book_.seen_inside(given);
  }
  std::optional<Place> media(const SdpStream& stream) override {
    return Place{{address(stream.media.address).value_or(stream.media.address), stream.media.port},
                 stream.rtcp};
  }
  [[nodiscard]] bool shows(const IpAddress& given) const override {
    return reader_ == Side::inside || !book_.is_inside(given);
  }
  [[nodiscard]] IpAddress none() const override {
    return none_of((reader_ == Side::inside ? talk_.host : talk_.remote).address.family());
  }

  const Conversation talk_;
  AddressBook& book_;
  Tally& tally_;
  std::array<Way, 2> ways_;
  Side reader_ = Side::outside;             ///< of the message in hand
  std::map<std::string, Pending> pending_;  ///< by CSeq
  std::vector<Track> tracks_;
  std::optional<std::uint16_t> taken_;  ///< the inside ports that the response in hand names
};

class Rtsp final : public Alg {
 public:
  std::unique_ptr<Inspector> inspect(const Conversation& conversation, AddressBook& book) override {
    return std::make_unique<RtspInspector>(conversation, book, tally_);
  }
};

}  // namespace

std::unique_ptr<Alg> make_rtsp(const Options&) {
  return std::make_unique<Rtsp>();
}

}  // namespace rgw::alg
