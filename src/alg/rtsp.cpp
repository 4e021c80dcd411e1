#include "realmgw/alg/rtsp.hpp"

#include "realmgw/alg/message.hpp"
#include "realmgw/alg/sdp.hpp"
#include "realmgw/alg/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>

namespace rgw::alg {
namespace {

using namespace std::chrono_literals;
constexpr auto npos = std::string_view::npos;

constexpr std::uint16_t default_port = 554;  // RFC 2326 section 3.2
constexpr Duration default_timeout = 60s;    // RFC 2326 section 12.37
constexpr Duration longest_timeout = 3600s;
constexpr Duration grace = 30s;  // after which a silent session's media may not come anew
constexpr Duration answer_wait = 60s;
constexpr std::size_t most_pending = 32;
constexpr std::size_t most_tracks = 64;
constexpr std::size_t most_transports = 8;

/// A medium that was set up.
struct Track {
  std::string session;
  std::string uri;
  Pinhole hole;
  Duration timeout{};
  Instant deadline{};
};

/// A request that waits for its response.
struct Pending {
  std::string method;
  std::string uri;
  std::string session;
  std::string ports;          ///< as the client wrote them
  std::string ports_outside;  ///< as the server reads them
  Pinhole hole;
  std::uint8_t count = 0;             ///< of the pinhole's ports
  std::uint16_t remote_port = 0;      ///< the first one of the other end, where it has been told
  std::optional<IpAddress> source{};  ///< from where the server sends, if not from its own address
};

std::string range_text(std::uint16_t first, std::uint8_t count) {
  std::string text = std::to_string(first);
  if (count > 1) text += "-" + std::to_string(first + count - 1);
  return text;
}

/// "4588" or "4588-4589": the first, and how many (one or two).
std::optional<std::pair<std::uint16_t, std::uint8_t>> port_range(std::string_view text) {
  const auto first = to_number<std::uint16_t>(take_until(text, '-'));
  if (!first || *first == 0) return std::nullopt;
  if (text.empty()) return std::pair{*first, std::uint8_t{1}};
  const auto last = to_number<std::uint16_t>(text);
  if (!last || *last != *first + 1) return std::nullopt;
  return std::pair{*first, std::uint8_t{2}};
}

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
      const bool strange = first.size() < rest.size() && first.find("RTSP/1.0") == npos;
      if (state == Message::State::incomplete && !strange) break;
      if (state != Message::State::complete || strange) {
        ++(state == Message::State::over_limit ? tally_.over_limit : tally_.malformed);
        decision.finished = true;
        break;
      }
      way.scanned = 0;
      std::vector<Edit> edits;
      handle(from, message, now, edits);
      if (!finish_edits(message, edits)) edits.clear();
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
      track.hole.leave();
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
    if (!status) {
      const auto [at, uri] = message.uri();
      urls(uri, at, edits);
    }
    for (const char* name : {"Content-Base", "Content-Location", "Location", "RTP-Info"}) {
      if (const Field* field = message.find(name)) urls(field->value, field->at, edits);
    }
    std::vector<BodyPart> parts;
    if (message.find("Content-Encoding") == nullptr &&
        find_sdp(message.value("Content-Type"), message.body(), message.body_at(), parts)) {
      for (const BodyPart& part : parts) {
        const std::size_t before = edits.size();
        if (translate_sdp(part.text, part.at, *this, edits) != SdpResult::good) {
          ++tally_.malformed;
          edits.resize(before);
        }
        urls(part.text, part.at, edits);
      }
    }
    std::string_view session = message.value("Session");
    const std::string_view id = trimmed(take_until(session, ';'));
    Duration lasts = default_timeout;
    if (const std::size_t at = find_word(session, "timeout="); at != npos) {
      const std::string_view text = session.substr(at + 8);
      if (const auto seconds = to_number<std::uint32_t>(text.substr(0, digits(text))))
        lasts = std::min<Duration>(std::chrono::seconds{*seconds}, longest_timeout);
    }
    refresh(id, now);
    if (from == talk_.opener && !status) request(message, id, now, edits);
    if (from != talk_.opener && status) response(message, *status, id, lasts, now, edits);
  }

  void refresh(std::string_view session, Instant now) {
    for (Track& track : tracks_) {
      if (session.empty() || track.session != session) continue;
      track.deadline = now + track.timeout + grace;
      track.hole.extend(track.deadline);
    }
  }

  void request(const Message& message, std::string_view session, Instant now, Edits& edits) {
    const std::string_view sequence = message.value("CSeq");
    const std::string_view method = message.method();
    if (method != "SETUP" && method != "TEARDOWN") return;
    if (sequence.empty() || sequence.size() > 32 || message.uri().second.size() > 2048 ||
        session.size() > 256 || pending_.size() >= most_pending) {
      ++tally_.over_limit;
      return;
    }
    Pending& pending = pending_[std::string{sequence}];
    pending = Pending{
        std::string{method}, std::string{message.uri().second}, std::string{session}, {}, {}, {}, 0, 0, {}};
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
    if (!pending.hole || session.empty() || session.size() > 256) return;
    if (tracks_.size() >= most_tracks) {
      ++tally_.over_limit;
      return;
    }
    Track track{std::string{session}, pending.uri, std::move(pending.hole), lasts, now + lasts + grace};
    track.hole.extend(track.deadline);
    // A second SETUP of a track moves it.
    std::erase_if(tracks_,
                  [&](const Track& old) { return old.session == track.session && old.uri == track.uri; });
    tracks_.push_back(std::move(track));
  }

  /// Tells the pinhole who is at its other end.
  void introduce(Pending& pending) {
    if (!pending.hole || pending.remote_port == 0) return;
    const IpAddress remote = pending.source.value_or(talk_.remote.address);
    for (std::uint8_t n = 0; n < pending.count; ++n)
      pending.hole.meet(n, {remote, static_cast<std::uint16_t>(pending.remote_port + n)});
  }

  /// Of one track, where its URI says so, or of the whole session.
  void teardown(const Pending& pending) {
    const auto is_track = [&](const Track& t) {
      return t.session == pending.session && t.uri == pending.uri;
    };
    const bool one = std::any_of(tracks_.begin(), tracks_.end(), is_track);
    std::erase_if(tracks_, [&](const Track& t) { return one ? is_track(t) : t.session == pending.session; });
  }

  /// RFC 2326 section 12.39: alternatives by commas, each a list of parameters.
  void transports(const Field& field, Pending& pending, Instant now, Edits& edits) {
    std::string_view rest = field.value;
    for (std::size_t count = 0; !rest.empty() && count < most_transports; ++count) {
      const std::string_view one = take_until(rest, ',');
      if (find_word(one, "interleaved=") != npos || find_word(one, "rtp/avp/tcp") != npos) continue;
      std::string_view parameters = one;
      while (!parameters.empty()) {
        const std::string_view written = take_until(parameters, ';');
        std::string_view value = trimmed(written);
        if (value.find('=') == npos) continue;
        const std::string_view name = take_until(value, '=');
        if (const auto text = parameter(name, value, pending, now); text && *text != value)
          edits.push_back(
              {field.at + static_cast<std::size_t>(value.data() - field.value.data()), value.size(), *text});
      }
    }
  }

  std::optional<std::string> parameter(std::string_view name, std::string_view value, Pending& pending,
                                       Instant now) {
    const bool from_client = reader_ != talk_.opener;
    if (value.empty()) return std::nullopt;
    const bool client_told = same_word(name, "client_port") && from_client;
    const bool server_told = same_word(name, "server_port") && !from_client;
    if (client_inside() ? server_told : client_told) {
      if (const auto range = port_range(value)) pending.remote_port = range->first;
    }
    if (same_word(name, "source") && client_inside() && !from_client)
      pending.source = IpAddress::parse(value);
    if (same_word(name, "client_port")) {
      if (!client_inside()) return std::nullopt;
      if (!from_client) return value == pending.ports_outside ? std::optional{pending.ports} : std::nullopt;
      if (pending.hole) return std::nullopt;
      pending.ports = value;
      const auto seen = open(value, pending, now);
      pending.ports_outside = seen.value_or(pending.ports);
      return seen;
    }
    if (same_word(name, "server_port")) {
      if (client_inside() || from_client) return std::nullopt;
      return open(value, pending, now);
    }
    if (same_word(name, "source")) return address_text(value);
    if (same_word(name, "destination")) {
      // Media for a third party would be a bounce: it goes to the client, and to nobody else.
      const IpAddress& client = client_inside() ? talk_.host.address : talk_.remote.address;
      const auto given = IpAddress::parse(value);
      if (from_client && (!given || *given != client)) {
        ++tally_.refused;
        return (client_inside() ? talk_.host_outside : talk_.remote_inside).address.to_string();
      }
      return address_text(value);
    }
    return std::nullopt;
  }

  /// A pinhole for RTP and RTCP of the inside end, as the outside addresses it.
  std::optional<std::string> open(std::string_view value, Pending& pending, Instant now) {
    const auto range = port_range(value);
    if (!range) {
      ++tally_.malformed;
      return std::nullopt;
    }
    PinholeRequest request;
    request.target = {talk_.host.address, range->first};
    request.from = talk_.remote.address;
    request.external = talk_.host_outside.address;
    request.preferred_port = range->first;
    request.ports = range->second;
    request.single_use = false;
    request.deadline = now + answer_wait;
    auto hole = Pinhole::open(book_, request);
    if (!hole) {
      ++tally_.refused;
      return std::nullopt;
    }
    pending.hole = std::move(*hole);
    pending.count = range->second;
    return range_text(pending.hole.external().port, range->second);
  }

  /// One of the four ends' addresses as the reader knows it.
  [[nodiscard]] std::optional<std::string> address_text(std::string_view value) {
    const auto given = IpAddress::parse(value);
    const auto seen = given ? address(*given) : std::nullopt;
    return seen ? std::optional{seen->to_string()} : std::nullopt;
  }

  void urls(std::string_view text, std::size_t at, Edits& edits) {
    for (const HostPort& place : find_uris(text, at)) {
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
      if (seen.empty() || seen == text.substr(place.at - at, place.length)) continue;
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
