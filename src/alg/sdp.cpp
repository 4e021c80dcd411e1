#include "realmgw/alg/sdp.hpp"

#include "realmgw/alg/address_text.hpp"
#include "realmgw/alg/message.hpp"
#include "realmgw/alg/text.hpp"

#include <algorithm>

namespace rgw::alg {
namespace {

// Far beyond what a user agent sends; a video conference has a dozen media.
constexpr std::size_t most_media = 32;
constexpr std::size_t most_lines = 2000;
constexpr unsigned most_ports = 8;

struct Line {
  char type;
  std::string_view value;
  std::size_t at;    ///< of the value, in the body
  std::size_t next;  ///< where the next line begins
};

/// The words of a value, at most eight.
std::vector<Piece> words(const Line& line) {
  std::vector<Piece> found;
  for (std::size_t i = 0; i < line.value.size() && found.size() < 8;) {
    if (is_space(line.value[i])) {
      ++i;
      continue;
    }
    const std::size_t end = std::min(line.value.find_first_of(" \t", i), line.value.size());
    found.push_back({line.value.substr(i, end - i), line.at + i});
    i = end;
  }
  return found;
}

/// "IN IP4 192.0.2.1[/127]" from `first` on. `at` and `length` cover type and address.
struct Connection {
  IpAddress address;
  std::size_t at, length;
};
std::optional<Connection> connection(const std::vector<Piece>& list, std::size_t first) {
  if (list.size() < first + 3 || !same_word(list[first].text, "IN")) return std::nullopt;
  const Piece& type = list[first + 1];
  const Piece& address = list[first + 2];
  std::string_view text = address.text.substr(0, address.text.find('/'));
  // SIPp writes an IPv6 address as in a URI; it is one all the same, and shall not be seen outside.
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  const auto parsed = IpAddress::parse(text);
  // A name stays (RFC 8866 section 5.7), and so does a group.
  if (!parsed || parsed->is_multicast()) return std::nullopt;
  return Connection{*parsed, type.at, address.at + address.text.size() - type.at};
}

std::string written(const IpAddress& address) {
  return (address.is_v4() ? "IP4 " : "IP6 ") + address.to_string();
}

class Translation {
 public:
  Translation(std::string_view body, std::size_t base, SdpView& view, std::vector<Edit>& edits)
      : body_{body}, base_{base}, view_{view}, edits_{edits} {}

  SdpResult run() {
    if (!read()) return SdpResult::over_limit;
    const std::size_t media = next_media(0);
    session(media);
    for (std::size_t begin = media; begin < lines_.size();) {
      if (media_.size() == most_media) return SdpResult::over_limit;
      const std::size_t end = next_media(begin + 1);
      if (!read_medium(begin, end)) return SdpResult::malformed;
      begin = end;
    }
    share_ports();
    for (const Medium& medium : media_) {
      if (!write_medium(medium)) return SdpResult::refused;
    }
    if (session_connection_) {
      const auto seen = session_view_ ? session_view_ : view_.address(session_connection_->address);
      if (seen) write(*session_connection_, *seen);
    }
    std::sort(fresh_.begin(), fresh_.end(), [](const Edit& a, const Edit& b) { return a.at < b.at; });
    for (Edit& edit : fresh_) {
      edit.at += base_;
      edits_.push_back(std::move(edit));
    }
    return SdpResult::good;
  }

 private:
  /// Lines [begin, end), and what they say.
  struct Medium {
    std::size_t begin = 0, end = 0;
    SdpStream stream;
    Piece port;
    bool placed = false;  ///< a c= line says where
    std::optional<Connection> own;
    std::optional<Piece> rtcp_port;
    std::optional<Connection> rtcp_address;
  };

  bool read() {
    for (std::size_t at = 0; at < body_.size();) {
      if (lines_.size() == most_lines) return false;
      const std::size_t end = std::min(body_.find('\n', at), body_.size());
      const std::size_t next = std::min(end + 1, body_.size());
      std::string_view text = body_.substr(at, end - at);
      if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
      if (text.size() >= 2 && text[1] == '=') lines_.push_back({text[0], text.substr(2), at + 2, next});
      at = next;
    }
    return true;
  }
  [[nodiscard]] std::size_t next_media(std::size_t from) const {
    while (from < lines_.size() && lines_[from].type != 'm') ++from;
    return from;
  }
  void write(const Connection& place, const IpAddress& address) {
    if (body_.substr(place.at, place.length) != written(address))
      replace(place.at, place.length, written(address));
  }
  /// Where a c= line says that media go. The zero of an old hold (RFC 3264 section 8.4), and of an RTSP
  /// server that sends from where it was asked (RFC 2326 section C.1.7), is no place; but a player makes
  /// sockets of its family.
  std::optional<Connection> place_of(const Line& line) {
    const auto found = connection(words(line), 0);
    if (!found || !found->address.is_unspecified()) return found;
    write(*found, view_.none());
    return std::nullopt;
  }
  void replace(std::size_t at, std::size_t length, std::string text) {
    fresh_.push_back({at, length, std::move(text)});
  }

  void session(std::size_t end) {
    for (std::size_t i = 0; i < end; ++i) {
      const Line& line = lines_[i];
      if (line.type == 'c' && !session_connection_) session_connection_ = place_of(line);
      if (line.type != 'o') continue;
      if (const auto origin = connection(words(line), 3); origin && !origin->address.is_unspecified()) {
        if (const auto seen = view_.address(origin->address)) write(*origin, *seen);
      }
    }
  }

  bool read_medium(std::size_t begin, std::size_t end) {
    const auto head = words(lines_[begin]);
    if (head.size() < 3) return false;
    std::string_view count = head[1].text;
    Medium medium;
    medium.begin = begin;
    medium.end = end;
    medium.port = {take_until(count, '/'), head[1].at};
    const auto number = to_number<std::uint16_t>(medium.port.text);
    const auto pairs = count.empty() ? std::optional{1u} : to_number<unsigned>(count);
    if (!number || !pairs || *pairs == 0 || *pairs > most_ports / 2) return false;

    const bool rtp = find_word(head[2].text, "rtp/") != std::string_view::npos;
    const bool tcp = begins_with_word(head[2].text, "TCP");
    SdpStream& stream = medium.stream;
    stream.index = static_cast<unsigned>(media_.size());
    stream.protocol = tcp ? net::Protocol::tcp : net::Protocol::udp;
    stream.ports = static_cast<std::uint8_t>(*pairs * (rtp && !tcp ? 2 : 1));
    stream.media.port = *number;

    for (std::size_t i = begin + 1; i < end; ++i) {
      const Line& line = lines_[i];
      if (line.type == 'c' && !medium.own) medium.own = place_of(line);
      if (line.type == 'a' && begins_with_word(line.value, "rtcp:")) {
        const auto list = words({'a', line.value.substr(5), line.at + 5, line.next});
        if (list.empty() || !to_number<std::uint16_t>(list[0].text)) return false;
        medium.rtcp_port = list[0];
        medium.rtcp_address = connection(list, 1);
        if (medium.rtcp_address && medium.rtcp_address->address.is_unspecified()) medium.rtcp_address.reset();
      }
    }
    if (const auto& place = medium.own ? medium.own : session_connection_) {
      medium.placed = true;
      stream.media.address = place->address;
      if (medium.rtcp_port) {
        const Endpoint rtcp{medium.rtcp_address ? medium.rtcp_address->address : place->address,
                            to_number<std::uint16_t>(medium.rtcp_port->text).value()};
        const bool follows = rtcp.address == place->address && rtcp.port == *number + 1;
        if (!follows && rtcp.port != 0) stream.rtcp = rtcp;
      }
    }
    media_.push_back(std::move(medium));
    return true;
  }

  /// Media of one port (RFC 9143 section 7) are one place: as many ports as the one that needs most.
  void share_ports() {
    for (Medium& one : media_) {
      for (Medium& other : media_) {
        if (one.placed && other.placed && one.stream.media == other.stream.media &&
            one.stream.protocol == other.stream.protocol && one.stream.media.port != 0)
          one.stream.ports = other.stream.ports = std::max(one.stream.ports, other.stream.ports);
      }
    }
  }

  /// False where it cannot be passed on.
  bool write_medium(const Medium& medium) {
    const SdpStream& stream = medium.stream;
    const bool rejected = stream.media.port == 0;
    // A name, a group, or on hold: nothing to open.
    const auto seen = medium.placed || rejected ? view_.media(stream) : std::nullopt;
    attributes(medium, rejected ? std::nullopt : seen);
    if (!medium.placed) return true;
    if (rejected) {
      if (medium.own) {
        if (const auto address = view_.address(medium.own->address)) write(*medium.own, *address);
      }
      return true;
    }
    if (!seen) return false;

    const std::string text = std::to_string(seen->media.port);
    if (text != medium.port.text) replace(medium.port.at, medium.port.text.size(), text);
    if (!medium.own && session_view_ && *session_view_ != seen->media.address) {
      // The session's c= line speaks for another medium already.
      const Line& line = lines_[medium.begin];
      const std::size_t last = line.value.size() - 1;
      replace(line.at + last, 1,
              std::string{line.value.substr(last)} + "\r\nc=IN " + written(seen->media.address));
    }
    if (medium.own) write(*medium.own, seen->media.address);
    if (!medium.own && !session_view_) session_view_ = seen->media.address;
    if (medium.rtcp_port) {
      const Endpoint rtcp = seen->rtcp.value_or(
          Endpoint{seen->media.address, static_cast<std::uint16_t>(seen->media.port + 1)});
      if (std::to_string(rtcp.port) != medium.rtcp_port->text)
        replace(medium.rtcp_port->at, medium.rtcp_port->text.size(), std::to_string(rtcp.port));
      if (medium.rtcp_address) write(*medium.rtcp_address, rtcp.address);
    }
    return true;
  }

  void attributes(const Medium& medium, const std::optional<SdpView::Place>& seen) {
    for (std::size_t i = medium.begin + 1; i < medium.end; ++i) {
      const Line& line = lines_[i];
      if (line.type != 'a' || begins_with_word(line.value, "rtcp:")) continue;
      if (begins_with_word(line.value, "candidate:")) {
        candidate(line);
      } else if (begins_with_word(line.value, "ssrc:") &&
                 find_word(line.value, " cname:") != std::string_view::npos) {
        source(line);
      } else if (find_uris({line.value, line.at}, 1).empty()) {  // those are their reader's business
        places(line, medium.stream.media, seen);
      }
    }
  }

  /// A medium's own place in any attribute, such as the URI of MSRP (RFC 4975 section 8). What says where
  /// another thing is goes, where it may not be shown.
  void places(const Line& line, const Endpoint& media, const std::optional<SdpView::Place>& seen) {
    const Piece piece{line.value, line.at};
    const auto wanted = [&](const IpAddress& address) {
      return !view_.shows(address) || (seen && address == media.address);
    };
    std::vector<Edit> edits;
    for (const AddressToken& token : find_addresses(piece, wanted)) {
      for (const auto& place : token.places) {
        auto [at, length] = token.raw_of(place.at, place.length);
        const std::string_view after = line.value.substr(at + length - line.at);
        const std::size_t count = after.starts_with(':') ? digits(after.substr(1)) : 0;
        const bool whole =
            count != 0 && seen &&
            Endpoint{place.address, to_number<std::uint16_t>(after.substr(1, count)).value_or(0)} == media;
        const auto instead = seen && place.address == media.address ? std::optional{seen->media.address}
                                                                    : view_.address(place.address);
        const bool fits = instead && (whole || (count == 0 && instead->family() == place.address.family()));
        if (!fits) {
          if (view_.shows(place.address)) continue;
          return take_out(line);
        }
        std::string text = whole ? host_port_text(instead->to_string(), seen->media.port)
                                 : address_instead(token, place, *instead);
        if (whole) length += 1 + count;
        if (body_.substr(at, length) != text) edits.push_back({at, length, std::move(text)});
      }
    }
    for (Edit& edit : edits) fresh_.push_back(std::move(edit));
  }

  void take_out(const Line& line) { replace(line.at - 2, line.next - (line.at - 2), ""); }

  void candidate(const Line& line) {
    bool shown = true;
    // Its own address, and the base behind a reflexive one (RFC 8839 section 5.1: raddr).
    std::string_view rest = line.value;
    while (!rest.empty()) {
      if (const auto address = IpAddress::parse(take_until(rest, ' ')))
        shown = shown && view_.shows(*address);
    }
    if (!shown) take_out(line);
  }

  // RFC 5576 section 6.1: a canonical name, which may be of the form user@address. It is for RTCP to tell, so
  // the line can go where it may not be shown.
  void source(const Line& line) {
    const std::size_t at = find_word(line.value, " cname:");
    std::string_view rest = line.value.substr(at + 7);
    while (!rest.empty()) {
      std::string_view word = rest.substr(0, rest.find_first_of(" @;"));
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
      if (word.size() > 2 && word.front() == '[') word = word.substr(1, word.find(']') - 1);
      const auto address = IpAddress::parse(word);
      if (address && !view_.shows(*address)) return take_out(line);
    }
  }

  std::string_view body_;
  std::size_t base_;
  SdpView& view_;
  std::vector<Edit>& edits_;
  std::vector<Edit> fresh_;
  std::vector<Line> lines_;
  std::vector<Medium> media_;
  std::optional<Connection> session_connection_;
  std::optional<IpAddress> session_view_;  ///< what the session's c= line is to say
};

}  // namespace

SdpResult translate_sdp(std::string_view body, std::size_t base, SdpView& view, std::vector<Edit>& edits) {
  return Translation{body, base, view, edits}.run();
}

}  // namespace rgw::alg
