#include "records.hpp"

#include "realmgw/net/address.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "text.hpp"

namespace rgw::config {
namespace {

enum class Field : unsigned char { none, ipv4, ipv6, name, number, text, texts, digits };

struct Form {
  std::string_view type;
  std::array<Field, 6> fields;
  std::string_view expected;
};

constexpr auto forms = std::to_array<Form>({
    {"A", {Field::ipv4}, "an IPv4 address"},                                 // RFC 1035 section 3.4.1
    {"AAAA", {Field::ipv6}, "an IPv6 address"},                              // RFC 3596 section 2.2
    {"NS", {Field::name}, "a domain name"},                                  // RFC 1035 section 3.3.11
    {"CNAME", {Field::name}, "a domain name"},                               // RFC 1035 section 3.3.1
    {"PTR", {Field::name}, "a domain name"},                                 // RFC 1035 section 3.3.12
    {"MX", {Field::number, Field::name}, "a preference and a domain name"},  // RFC 1035 section 3.3.9
    {"TXT", {Field::texts}, "one or more texts, each within quotes"},        // RFC 1035 section 3.3.14
    {"DS",
     {Field::number, Field::number, Field::number, Field::digits},
     "a key tag, an algorithm, a digest type and a digest in hexadecimal"},  // RFC 4034 section 5.3
    {"CDS",
     {Field::number, Field::number, Field::number, Field::digits},
     "a key tag, an algorithm, a digest type and a digest in hexadecimal"},  // RFC 7344 section 3.1
    {"SRV",
     {Field::number, Field::number, Field::number, Field::name},
     "priority, weight, port and a domain name"},  // RFC 2782
    {"NAPTR",
     {Field::number, Field::number, Field::text, Field::text, Field::text, Field::name},
     "order, preference, three texts within quotes and a domain name"},  // RFC 3403 section 4.1
});

// Words and quoted texts; a quoted one keeps its first quote, so that it is told from a word. A backslash
// takes the next character with it (RFC 1035 section 5.1). Absent where a quote is not closed.
std::optional<std::vector<std::string_view>> split(std::string_view data) {
  std::vector<std::string_view> tokens;
  std::size_t i = 0;
  while (true) {
    i = data.find_first_not_of(" \t", i);
    if (i == std::string_view::npos) return tokens;
    const std::size_t begin = i;
    const bool quoted = data[i] == '"';
    if (quoted) ++i;
    while (i < data.size() && (quoted ? data[i] != '"' : data[i] != ' ' && data[i] != '\t')) {
      i += data[i] == '\\' && i + 1 < data.size() ? 2 : 1;
    }
    if (quoted && i >= data.size()) return std::nullopt;
    tokens.push_back(data.substr(begin, i - begin));
    if (quoted) ++i;
  }
}

bool is_text(std::string_view token) {
  constexpr std::size_t longest = 255;  // RFC 1035 section 3.3: <character-string>
  return token.size() - (token.starts_with('"') ? 1 : 0) <= longest;
}

bool is_name(std::string_view token) {
  return token == "." || token == "@" || parse_record_name(token);
}

bool fits(Field field, std::string_view token) {
  switch (field) {
    case Field::none:
      return false;
    case Field::ipv4:
      return net::Ipv4Address::parse(token).has_value();
    case Field::ipv6:
      return net::Ipv6Address::parse(token).has_value();
    case Field::name:
      return is_name(token);
    case Field::number: {
      const auto number = parse_number(token);
      return number && *number <= 65'535;
    }
    case Field::digits:
      return std::ranges::all_of(token,
                                 [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; });
    case Field::text:
    case Field::texts:
      return is_text(token);
  }
  return false;
}

bool fits(const Form& form, const std::vector<std::string_view>& tokens) {
  if (form.fields[0] == Field::texts) {
    return !tokens.empty() && std::all_of(tokens.begin(), tokens.end(), is_text);
  }
  const auto count = static_cast<std::size_t>(std::count_if(
      form.fields.begin(), form.fields.end(), [](Field field) { return field != Field::none; }));
  return tokens.size() == count &&
         std::equal(tokens.begin(), tokens.end(), form.fields.begin(),
                    [](std::string_view token, Field field) { return fits(field, token); });
}

}  // namespace

std::optional<std::string> expected_record_data(std::string_view type, std::string_view data) {
  const auto form =
      std::find_if(forms.begin(), forms.end(), [type](const Form& f) { return f.type == type; });
  if (form == forms.end())
    return data.empty() ? std::optional<std::string>{"the record's data"} : std::nullopt;
  const auto tokens = split(data);
  if (tokens && fits(*form, *tokens)) return std::nullopt;
  return std::string{form->expected};
}

std::optional<std::string> parse_record_type(std::string_view text) {
  std::string type;
  for (const char c : text) type += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  const auto allowed = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  const bool good = !type.empty() && type.size() <= 16 && std::all_of(type.begin(), type.end(), allowed) &&
                    !(type.front() >= '0' && type.front() <= '9');
  return good ? std::optional{type} : std::nullopt;
}

}  // namespace rgw::config
