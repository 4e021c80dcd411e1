#include "realmgw/alg/sdp.hpp"

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

/// A piece of a line, and where it is in the body.
struct Word {
  std::string_view text;
  std::size_t at = 0;
};

/// The words of a value, at most eight.
std::vector<Word> words(const Line& line) {
  std::vector<Word> found;
  for (std::size_t i = 0; i < line.value.size() && found.size() < 8;) {
    if (line.value[i] == ' ') {
      ++i;
      continue;
    }
    const std::size_t end = std::min(line.value.find(' ', i), line.value.size());
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
std::optional<Connection> connection(const std::vector<Word>& list, std::size_t first) {
  if (list.size() < first + 3 || !same_word(list[first].text, "IN")) return std::nullopt;
  const Word& type = list[first + 1];
  const Word& address = list[first + 2];
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
      if (index_ == most_media) return SdpResult::over_limit;
      const std::size_t end = next_media(begin + 1);
      if (const auto result = medium(begin, end); result != SdpResult::good) return result;
      ++index_;
      begin = end;
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

  SdpResult medium(std::size_t begin, std::size_t end) {
    const auto head = words(lines_[begin]);
    if (head.size() < 3) return SdpResult::malformed;
    std::string_view count = head[1].text;
    const Word port{take_until(count, '/'), head[1].at};
    const auto number = to_number<std::uint16_t>(port.text);
    const auto pairs = count.empty() ? std::optional{1u} : to_number<unsigned>(count);
    if (!number || !pairs || *pairs == 0 || *pairs > most_ports / 2) return SdpResult::malformed;

    const bool rtp = find_word(head[2].text, "rtp/") != std::string_view::npos;
    const bool tcp = begins_with_word(head[2].text, "TCP");
    SdpStream stream{index_, tcp ? net::Protocol::tcp : net::Protocol::udp, {}, 1, {}};
    stream.ports = static_cast<std::uint8_t>(*pairs * (rtp && !tcp ? 2 : 1));
    stream.media.port = *number;

    std::optional<Connection> own;
    std::optional<Word> rtcp_port;
    std::optional<Connection> rtcp_address;
    for (std::size_t i = begin + 1; i < end; ++i) {
      const Line& line = lines_[i];
      if (line.type == 'c' && !own) own = place_of(line);
      if (line.type == 'a' && begins_with_word(line.value, "rtcp:")) {
        const auto list = words({'a', line.value.substr(5), line.at + 5, line.next});
        if (list.empty() || !to_number<std::uint16_t>(list[0].text)) return SdpResult::malformed;
        rtcp_port = list[0];
        rtcp_address = connection(list, 1);
        if (rtcp_address && rtcp_address->address.is_unspecified()) rtcp_address.reset();
      }
      if (line.type == 'a' && begins_with_word(line.value, "candidate:")) candidate(line);
      if (line.type == 'a' && begins_with_word(line.value, "ssrc:")) source(line);
    }
    const auto& place = own ? own : session_connection_;
    if (!place) {  // a name, a group, or on hold: nothing to open
      if (*number == 0) (void)view_.media(stream);
      return SdpResult::good;
    }
    stream.media.address = place->address;
    if (rtcp_port) {
      const Endpoint rtcp{rtcp_address ? rtcp_address->address : place->address,
                          to_number<std::uint16_t>(rtcp_port->text).value()};
      const bool follows = rtcp.address == place->address && rtcp.port == *number + 1;
      if (!follows && rtcp.port != 0) stream.rtcp = rtcp;
    }
    const auto seen = view_.media(stream);
    if (*number == 0) {
      if (own) {
        if (const auto address = view_.address(own->address)) write(*own, *address);
      }
      return SdpResult::good;
    }
    if (!seen) return SdpResult::refused;

    std::string text = std::to_string(seen->media.port);
    const bool elsewhere = !own && session_view_ && *session_view_ != seen->media.address;
    if (elsewhere) {  // the session's c= line speaks for another medium already
      const Line& line = lines_[begin];
      text += line.value.substr(port.at + port.text.size() - line.at);
      replace(port.at, line.at + line.value.size() - port.at,
              text + "\r\nc=IN " + written(seen->media.address));
    } else if (text != port.text) {
      replace(port.at, port.text.size(), text);
    }
    if (own) write(*own, seen->media.address);
    if (!own && !session_view_) session_view_ = seen->media.address;
    if (rtcp_port) {
      const Endpoint rtcp = seen->rtcp.value_or(
          Endpoint{seen->media.address, static_cast<std::uint16_t>(seen->media.port + 1)});
      if (std::to_string(rtcp.port) != rtcp_port->text)
        replace(rtcp_port->at, rtcp_port->text.size(), std::to_string(rtcp.port));
      if (rtcp_address) write(*rtcp_address, rtcp.address);
    }
    return SdpResult::good;
  }

  void candidate(const Line& line) {
    bool shown = true;
    // Its own address, and the base behind a reflexive one (RFC 8839 section 5.1: raddr).
    std::string_view rest = line.value;
    while (!rest.empty()) {
      if (const auto address = IpAddress::parse(take_until(rest, ' ')))
        shown = shown && view_.shows(*address);
    }
    if (!shown) replace(line.at - 2, line.next - (line.at - 2), "");
  }

  // RFC 5576 section 6.1: a canonical name, which may be of the form user@address. It is for RTCP to tell, so
  // the line can go where it may not be shown.
  void source(const Line& line) {
    const std::size_t at = find_word(line.value, " cname:");
    if (at == std::string_view::npos) return;
    std::string_view rest = line.value.substr(at + 7);
    while (!rest.empty()) {
      std::string_view word = rest.substr(0, rest.find_first_of(" @;"));
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
      if (word.size() > 2 && word.front() == '[') word = word.substr(1, word.find(']') - 1);
      const auto address = IpAddress::parse(word);
      if (address && !view_.shows(*address)) return replace(line.at - 2, line.next - (line.at - 2), "");
    }
  }

  std::string_view body_;
  std::size_t base_;
  SdpView& view_;
  std::vector<Edit>& edits_;
  std::vector<Edit> fresh_;
  std::vector<Line> lines_;
  unsigned index_ = 0;
  std::optional<Connection> session_connection_;
  std::optional<IpAddress> session_view_;  ///< what the session's c= line is to say
};

}  // namespace

SdpResult translate_sdp(std::string_view body, std::size_t base, SdpView& view, std::vector<Edit>& edits) {
  return Translation{body, base, view, edits}.run();
}

}  // namespace rgw::alg
