#include "realmgw/alg/header_text.hpp"

#include "realmgw/alg/text.hpp"

#include <algorithm>

namespace rgw::alg {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::size_t most_values = 256;

bool is_separator(char c) {
  return is_space(c) || std::string_view{"(),/:;<=>?@[]\""}.find(c) != npos;
}
/// What ends a host in a URI.
bool ends_host(char c) {
  return is_space(c) || std::string_view{">;,?/\"<&"}.find(c) != npos;
}

/// How long the quoted string, comment or bracketed URI is that begins here: to the end of the text where it
/// has none, so that no text is read twice. 1 where none begins.
std::size_t unit(std::string_view text) {
  const char open = text.front();
  if (open != '"' && open != '(' && open != '<') return 1;
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && open != '<') {
      ++i;
    } else if (open == '(' && c == '(') {
      ++depth;
    } else if ((open == '(' && c == ')' && --depth == 0) || (open == '<' && c == '>') ||
               (open == '"' && c == '"' && i != 0)) {
      return i + 1;
    }
  }
  return text.size();
}

/// What is before the first `separator` that separates, which is taken too.
Piece take_piece(Piece& rest, std::string_view separators) {
  std::size_t end = 0;
  while (end < rest.text.size() && separators.find(rest.text[end]) == npos)
    end += unit(rest.text.substr(end));
  const Piece taken = rest.sub(0, end);
  rest = rest.sub(end);
  return taken;
}

Parameter parse_parameter(Piece piece) {
  Parameter parameter{take_piece(piece, "=").trimmed(), {}};
  if (!piece.empty()) piece = piece.sub(1);
  parameter.value = piece.trimmed();
  const std::string_view value = parameter.value.text;
  if (value.size() >= 2 && value.front() == '"' && unit(value) == value.size())
    parameter.value = parameter.value.sub(1, value.size() - 2);
  return parameter;
}

/// "[2001:db8::1]" or "192.0.2.1" or a name, without a port.
std::optional<HostPort> parse_host(Piece piece) {
  const std::string_view text = piece.text;
  HostPort found;
  found.at = piece.at;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == npos) return std::nullopt;
    found.host = text.substr(1, close - 1);
    found.host_length = close + 1;
  } else {
    std::size_t end = 0;
    while (end < text.size() && text[end] != ':' && !ends_host(text[end])) ++end;
    found.host = text.substr(0, end);
    found.host_length = end;
  }
  if (found.host.empty()) return std::nullopt;
  found.length = found.host_length;
  return found;
}

/// The port in `digits_at` of the piece. False where there is a number that is none.
bool take_port(HostPort& found, Piece piece, std::size_t digits_at) {
  const std::string_view text = piece.text.substr(std::min(digits_at, piece.text.size()));
  const std::size_t count = digits(text);
  found.port = to_number<std::uint16_t>(text.substr(0, count));
  if (found.port) found.length = digits_at + count;
  return count == 0 || found.port;
}

}  // namespace

Piece Piece::trimmed() const {
  Piece piece = *this;
  while (!piece.text.empty() && is_space(piece.text.front())) piece = piece.sub(1);
  while (!piece.text.empty() && is_space(piece.text.back())) piece.text.remove_suffix(1);
  return piece;
}

std::optional<Piece> HeaderValue::find(std::string_view name) const {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [&](const Parameter& one) { return same_word(one.name.text, name); });
  return found == parameters.end() ? std::nullopt : std::optional{found->value};
}

std::vector<HeaderValue> parse_values(Piece field) {
  std::vector<HeaderValue> values;
  std::size_t count = 0;
  while (!field.empty() && count < most_values) {
    HeaderValue value;
    value.head = take_piece(field, ",;").trimmed();
    while (!field.empty() && field.text.front() == ';' && ++count < most_values) {
      field = field.sub(1);
      value.parameters.push_back(parse_parameter(take_piece(field, ",;")));
    }
    if (!field.empty()) field = field.sub(1);
    ++count;
    values.push_back(std::move(value));
  }
  return values;
}

HeaderValue parse_value(Piece field) {
  auto values = parse_values(field);
  return values.empty() ? HeaderValue{} : std::move(values.front());
}

void HeaderReader::skip_space() {
  while (!rest_.empty() && is_space(rest_.text.front())) rest_ = rest_.sub(1);
}

Piece HeaderReader::word() {
  skip_space();
  std::size_t end = 0;
  while (end < rest_.text.size() && !is_separator(rest_.text[end])) ++end;
  const Piece taken = rest_.sub(0, end);
  rest_ = rest_.sub(end);
  return taken;
}

bool HeaderReader::take(char separator) {
  skip_space();
  if (rest_.empty() || rest_.text.front() != separator) return false;
  rest_ = rest_.sub(1);
  skip_space();
  return true;
}

Piece HeaderReader::rest() {
  skip_space();
  return rest_;
}

bool is_media_type(const HeaderValue& value, std::string_view type, std::string_view subtype) {
  HeaderReader reader{value.head};
  return same_word(reader.word().text, type) && reader.take('/') &&
         (subtype.empty() || same_word(reader.word().text, subtype));
}

std::optional<HostPort> parse_host_port(Piece piece) {
  auto found = parse_host(piece);
  if (!found || !piece.text.substr(found->host_length).starts_with(':')) return found;
  return take_port(*found, piece, found->host_length + 1) ? found : std::nullopt;
}

std::optional<HostPort> parse_sent_by(Piece piece) {
  auto found = parse_host(piece);
  if (!found) return found;
  HeaderReader reader{piece.sub(found->host_length)};
  if (!reader.take(':')) return found;
  return take_port(*found, piece, reader.rest().at - piece.at) ? found : std::nullopt;
}

std::vector<HostPort> find_uris(Piece piece, std::size_t limit) {
  const std::string_view text = piece.text;
  std::vector<HostPort> found;
  for (std::size_t i = text.find(':'); i != npos && found.size() < limit; i = text.find(':', i + 1)) {
    const auto begins_at = [&](std::string_view scheme) {
      return i >= scheme.size() && same_word(text.substr(i - scheme.size(), scheme.size()), scheme)
                 ? i - scheme.size()
                 : npos;
    };
    std::size_t host = i + 1;
    std::size_t begin = std::min({begins_at("sip"), begins_at("sips")});
    bool hierarchical = false;
    if (begin == npos) {
      begin = std::min({begins_at("rtsp"), begins_at("rtspu")});
      if (begin == npos || !text.substr(host).starts_with("//")) continue;
      host += 2;
      hierarchical = true;
    }
    // In angle brackets a comma may be part of the user (RFC 3261 sections 20.10 and 25.1).
    const bool bracketed = trimmed(text.substr(0, begin)).ends_with('<');
    const std::string_view ends = hierarchical ? "> \t\r\n,\"/?" : bracketed ? "> \t\r\n" : "> \t\r\n,\"";
    std::string_view authority = text.substr(host, text.substr(host).find_first_of(ends));
    // What is before the last @ is the user part (RFC 3261 section 19.1.1); headers, which begin with a
    // question mark behind it, may have an @ that should have been escaped.
    if (const std::size_t at = authority.find('@'); at != npos) {
      authority = authority.substr(0, authority.find('?', at));
      host += authority.rfind('@') + 1;
    }
    if (const auto place = parse_host_port(piece.sub(host))) found.push_back(*place);
    i = host - 1;
  }
  return found;
}

}  // namespace rgw::alg
