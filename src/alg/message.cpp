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
    Compact{'v', "Via"},          Compact{'x', "Session-Expires"}};

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

/// The fields from `at` up to the empty line before `head`.
Message::State read_fields(std::string_view text, std::size_t at, std::size_t head,
                           std::vector<Field>& fields) {
  while (at < head) {
    std::size_t end = std::min(text.find('\n', at), head);
    while (end + 1 < head && (text[end + 1] == ' ' || text[end + 1] == '\t'))
      end = std::min(text.find('\n', end + 1), head);
    const std::string_view line = text.substr(at, end - at);
    const std::size_t colon = line.find(':');
    if (!trimmed(line).empty()) {
      if (colon == npos) return Message::State::malformed;
      if (fields.size() == Message::most_fields) return Message::State::over_limit;
      const Piece value = Piece{line.substr(colon + 1), at + colon + 1}.trimmed();
      fields.push_back({long_form(trimmed(line.substr(0, colon))), value.text, value.at});
    }
    at = end + 1;
  }
  return Message::State::complete;
}

const Field* find_field(const std::vector<Field>& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const Field& field) { return same_word(field.name, name); });
  return found == fields.end() ? nullptr : &*found;
}

/// The word of a start line by its number; white space between them.
Piece word_of(std::string_view line, unsigned number) {
  Piece rest{line, 0};
  for (;; --number) {
    rest = rest.trimmed();
    const std::size_t end = std::min(rest.text.find_first_of(" \t"), rest.text.size());
    if (number == 0) return rest.sub(0, end);
    rest = rest.sub(end);
  }
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

  const std::size_t at = std::min(text.find('\n'), head);
  start_line_ = trimmed(text.substr(0, at));
  text_ = text;
  if (const State state = read_fields(text, at + 1, head, fields_); state != State::complete) return state;

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
  return find_field(fields_, name);
}

std::string_view Message::value(std::string_view name) const {
  const Field* field = find(name);
  return field == nullptr ? std::string_view{} : field->value;
}

std::optional<unsigned> Message::status() const {
  const std::string_view version = word_of(start_line_, 0).text;
  if (!begins_with_word(version, "SIP/") && !begins_with_word(version, "RTSP/")) return std::nullopt;
  return to_number<unsigned>(word_of(start_line_, 1).text.substr(0, 3));
}

std::string_view Message::method() const {
  return word_of(start_line_, 0).text;
}

Piece Message::uri() const {
  const std::string_view uri = word_of(start_line_, 1).text;
  return {uri, static_cast<std::size_t>(uri.data() - text_.data())};
}

std::string host_port_text(std::string_view host, std::optional<std::uint16_t> port) {
  std::string text{host};
  if (host.find(':') != npos) text = "[" + text + "]";
  if (port) text += ":" + std::to_string(*port);
  return text;
}

namespace {

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

  bool walk(HeaderValue type, Piece body, std::size_t depth) {
    if (!is_media_type(type, "multipart", "")) {
      found_.push_back({std::move(type), body});
      return true;
    }
    const std::string_view boundary = type.find("boundary").value_or(Piece{}).text;
    if (boundary.empty() || boundary.size() > 70) return false;  // RFC 2046 section 5.1.1
    if (depth == deepest_multipart) return false;
    const std::string delimiter = "--" + std::string{boundary};
    std::size_t begin = find_delimiter(body.text, delimiter, 0);
    while (begin != npos) {
      begin += delimiter.size();
      const std::size_t end = find_delimiter(body.text, delimiter, begin);
      if (end == npos) return true;  // after the last
      if (++count_ > most_parts) return false;
      if (!part(body.sub(begin, end - begin), depth)) return false;
      begin = end;
    }
    return true;
  }

 private:
  bool part(Piece piece, std::size_t depth) {
    const std::size_t head = end_of_head(piece.text, 0);
    if (head == npos) return true;
    std::vector<Field> fields;
    const std::size_t first_line = std::min(piece.text.find('\n') + 1, head);  // the rest of the delimiter's
    if (read_fields(piece.text, first_line, head, fields) == Message::State::over_limit) return false;
    const Field* type = find_field(fields, "Content-Type");
    return walk(type == nullptr ? HeaderValue{} : parse_value({type->value, piece.at + type->at}),
                piece.sub(head), depth + 1);
  }

  std::vector<BodyPart>& found_;
  std::size_t count_ = 0;
};

}  // namespace

bool find_parts(Piece content_type, Piece body, std::vector<BodyPart>& found) {
  return Parts{found}.walk(parse_value(content_type), body, 0);
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
