#include "realmgw/alg/message.hpp"

#include "realmgw/alg/text.hpp"

#include <algorithm>
#include <array>

namespace rgw::alg {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::size_t deepest_multipart = 4;
constexpr std::size_t most_parts = 32;

/// RFC 3261 section 7.3.3 and the registry it began.
struct Compact {
  char letter;
  std::string_view name;
};
constexpr std::array compact_forms{
    Compact{'c', "Content-Type"}, Compact{'e', "Content-Encoding"}, Compact{'f', "From"},
    Compact{'i', "Call-ID"},      Compact{'l', "Content-Length"},   Compact{'m', "Contact"},
    Compact{'r', "Refer-To"},     Compact{'b', "Referred-By"},      Compact{'t', "To"},
    Compact{'v', "Via"}};

std::string_view long_form(std::string_view name) {
  if (name.size() != 1) return name;
  for (const Compact& form : compact_forms) {
    if (lower(name.front()) == form.letter) return form.name;
  }
  return name;
}

/// Where the body begins: after the first empty line. Ends of line are CRLF; a bare LF is borne with.
std::size_t end_of_head(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find('\n', from); at != npos; at = text.find('\n', at + 1)) {
    if (at + 1 < text.size() && text[at + 1] == '\n') return at + 2;
    if (at + 2 < text.size() && text[at + 1] == '\r' && text[at + 2] == '\n') return at + 3;
  }
  return npos;
}

bool is_delimiter(char c) {
  return is_space(c) || std::string_view{">;,?/\"<"}.find(c) != npos;
}

}  // namespace

Message::State Message::read(std::string_view text, bool whole, std::size_t& scanned) {
  fields_.clear();
  const std::size_t head = end_of_head(text, scanned);
  if (head == npos ? text.size() > longest_head : head > longest_head) return State::over_limit;
  if (head == npos) {
    scanned = text.size() > 2 ? text.size() - 2 : 0;
    return whole ? State::malformed : State::incomplete;
  }
  scanned = head > 3 ? head - 4 : 0;  // finds the same end again while the body is not whole

  std::size_t at = std::min(text.find('\n'), head);
  start_line_ = trimmed(text.substr(0, at));
  for (++at; at < head;) {
    std::size_t end = text.find('\n', at);
    while (end + 1 < head && (text[end + 1] == ' ' || text[end + 1] == '\t')) end = text.find('\n', end + 1);
    const std::string_view line = text.substr(at, end - at);
    const std::size_t colon = line.find(':');
    if (!trimmed(line).empty()) {
      if (colon == npos) return State::malformed;
      if (fields_.size() == most_fields) return State::over_limit;
      std::string_view value = line.substr(colon + 1);
      std::size_t value_at = at + colon + 1;
      while (!value.empty() && is_space(value.front())) value.remove_prefix(1), ++value_at;
      fields_.push_back({long_form(trimmed(line.substr(0, colon))), trimmed(value), value_at});
    }
    at = end + 1;
  }

  std::size_t size = whole ? text.size() - head : 0;
  if (const Field* length = find("Content-Length")) {
    const auto number = to_number<std::size_t>(length->value);
    if (!number || (whole && *number > size)) return State::malformed;
    if (*number > longest_head) return State::over_limit;
    size = *number;
  }
  if (size > text.size() - head) return State::incomplete;
  text_ = text.substr(0, head + size);
  body_at_ = head;
  return start_line_.empty() ? State::malformed : State::complete;
}

const Field* Message::find(std::string_view name) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const Field& field) { return same_word(field.name, name); });
  return found == fields_.end() ? nullptr : &*found;
}

std::string_view Message::value(std::string_view name) const {
  const Field* field = find(name);
  return field == nullptr ? std::string_view{} : field->value;
}

std::optional<unsigned> Message::status() const {
  std::string_view line = start_line_;
  const auto version = take_until(line, ' ');
  if (!begins_with_word(version, "SIP/") && !begins_with_word(version, "RTSP/")) return std::nullopt;
  return to_number<unsigned>(trimmed(line).substr(0, 3));
}

std::pair<std::size_t, std::string_view> Message::uri() const {
  std::string_view line = start_line_;
  (void)take_until(line, ' ');
  const std::string_view uri = take_until(line, ' ');
  return {static_cast<std::size_t>(uri.data() - text_.data()), uri};
}

std::optional<HostPort> parse_host_port(std::string_view text, std::size_t at) {
  HostPort found;
  found.at = at;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == npos) return std::nullopt;
    found.host = text.substr(1, close - 1);
    found.host_length = close + 1;
  } else {
    std::size_t end = 0;
    while (end < text.size() && text[end] != ':' && !is_delimiter(text[end])) ++end;
    found.host = text.substr(0, end);
    found.host_length = end;
  }
  if (found.host.empty()) return std::nullopt;
  found.length = found.host_length;
  const std::string_view rest = text.substr(found.host_length);
  if (!rest.empty() && rest.front() == ':') {
    const std::size_t count = digits(rest.substr(1));
    found.port = to_number<std::uint16_t>(rest.substr(1, count));
    if (count != 0 && !found.port) return std::nullopt;
    if (found.port) found.length += 1 + count;
  }
  return found;
}

std::vector<HostPort> find_uris(std::string_view text, std::size_t at, std::size_t limit) {
  std::vector<HostPort> found;
  for (std::size_t i = text.find(':'); i != npos && found.size() < limit; i = text.find(':', i + 1)) {
    const auto ends_with = [&](std::string_view scheme) {
      return i >= scheme.size() && same_word(text.substr(i - scheme.size(), scheme.size()), scheme);
    };
    std::string_view rest = text.substr(i + 1);
    if (ends_with("rtsp") || ends_with("rtspu")) {
      if (!rest.starts_with("//")) continue;
      rest.remove_prefix(2);
    } else if (!ends_with("sip") && !ends_with("sips")) {
      continue;
    }
    // What is before the last @ is the user part (RFC 3261 section 19.1.1).
    const std::size_t end = std::min(rest.find_first_of("> \t\r\n,\""), rest.size());
    const std::size_t user = rest.substr(0, end).rfind('@');
    if (user != npos) rest.remove_prefix(user + 1);
    const auto place = parse_host_port(rest, at + static_cast<std::size_t>(rest.data() - text.data()));
    if (place) found.push_back(*place);
    i = static_cast<std::size_t>(rest.data() - text.data());
    if (i >= text.size()) break;
  }
  return found;
}

std::string host_port_text(std::string_view host, std::optional<std::uint16_t> port) {
  std::string text{host};
  if (host.find(':') != npos) text = "[" + text + "]";
  if (port) text += ":" + std::to_string(*port);
  return text;
}

namespace {

/// The boundary parameter of a multipart type; empty where there is none.
std::string_view boundary_of(std::string_view content_type) {
  const std::size_t at = find_word(content_type, "boundary=");
  if (at == npos) return {};
  std::string_view value = content_type.substr(at + 9);
  if (!value.empty() && value.front() == '"') {
    value.remove_prefix(1);
    return take_until(value, '"');
  }
  return trimmed(take_until(value, ';'));
}

/// Where a line begins with the delimiter, and not with a longer one.
std::size_t find_delimiter(std::string_view body, std::string_view delimiter, std::size_t from) {
  for (std::size_t at = body.find(delimiter, from); at != npos; at = body.find(delimiter, at + 1)) {
    const std::string_view after = body.substr(at + delimiter.size());
    const bool ends = after.empty() || is_space(after.front()) || after.starts_with("--");
    if ((at == 0 || body[at - 1] == '\n') && ends) return at;
  }
  return npos;
}

class Parts {
 public:
  explicit Parts(std::vector<BodyPart>& found) : found_{found} {}

  bool walk(std::string_view type, std::string_view body, std::size_t at, std::size_t depth) {
    if (begins_with_word(type, "application/sdp")) {
      found_.push_back({body, at});
      return true;
    }
    if (!begins_with_word(type, "multipart/")) return true;
    const std::string_view boundary = boundary_of(type);
    if (boundary.empty() || boundary.size() > 70) return false;  // RFC 2046 section 5.1.1
    if (depth == deepest_multipart) return false;
    const std::string delimiter = "--" + std::string{boundary};
    std::size_t begin = find_delimiter(body, delimiter, 0);
    while (begin != npos) {
      begin += delimiter.size();
      const std::size_t end = find_delimiter(body, delimiter, begin);
      if (end == npos) return true;  // after the last
      if (++count_ > most_parts) return false;
      if (!part(body.substr(begin, end - begin), at + begin, depth)) return false;
      begin = end;
    }
    return true;
  }

 private:
  bool part(std::string_view text, std::size_t at, std::size_t depth) {
    const std::size_t head = end_of_head(text, 0);
    if (head == npos) return true;
    std::string_view type;
    std::string_view lines = text.substr(0, head);
    while (!lines.empty()) {
      std::string_view line = take_until(lines, '\n');
      const std::string_view name = trimmed(take_until(line, ':'));
      if (same_word(long_form(name), "Content-Type")) type = trimmed(line);
    }
    return walk(type, text.substr(head), at + head, depth + 1);
  }

  std::vector<BodyPart>& found_;
  std::size_t count_ = 0;
};

}  // namespace

bool find_sdp(std::string_view content_type, std::string_view body, std::size_t at,
              std::vector<BodyPart>& found) {
  return Parts{found}.walk(content_type, body, at, 0);
}

bool finish_edits(const Message& message, std::vector<Edit>& edits) {
  std::ptrdiff_t growth = 0;
  for (const Edit& edit : edits) {
    if (edit.at >= message.body_at())
      growth += static_cast<std::ptrdiff_t>(edit.text.size()) - static_cast<std::ptrdiff_t>(edit.length);
  }
  if (const Field* length = message.find("Content-Length"); length != nullptr && growth != 0) {
    const auto size = static_cast<std::ptrdiff_t>(message.body().size()) + growth;
    edits.push_back({length->at, length->value.size(), std::to_string(size)});
  }
  std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) { return a.at < b.at; });
  return std::adjacent_find(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
           return b.at < a.at + a.length;
         }) == edits.end();
}

}  // namespace rgw::alg
