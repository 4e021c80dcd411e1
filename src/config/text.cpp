#include "text.hpp"

#include "realmgw/net/special_addresses.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace rgw::config {
namespace {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr bool is_hex(char c) {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

std::string lower(std::string_view text) {
  std::string result{text};
  for (char& c : result) c = lower(c);
  return result;
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// A number and one of `units`. The product fits 63 bits, so that it is a duration as well.
template <std::size_t N>
std::optional<std::uint64_t> parse_with_unit(std::string_view text, const std::array<Unit, N>& units) {
  const auto end_of_digits =
      static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  const auto number = parse_number(text.substr(0, end_of_digits));
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [&](const Unit& u) { return u.name == text.substr(end_of_digits); });
  if (!number || unit == units.end()) return std::nullopt;
  if (*number > std::numeric_limits<std::int64_t>::max() / unit->factor) return std::nullopt;
  return *number * unit->factor;
}

bool is_label(std::string_view label, bool underscores) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(), [underscores](char c) {
    return is_lower(c) || is_digit(c) || c == '-' || (underscores && c == '_');
  });
}

// RFC 1035 section 2.3.4: 255 octets on the wire are 253 characters.
constexpr std::size_t max_name = 253;

std::optional<std::string> parse_name(std::string_view text, bool underscores) {
  std::string name = lower(text);
  if (name.size() > 1 && name.back() == '.') name.pop_back();
  if (name.size() > max_name) return std::nullopt;
  std::string_view rest = name;
  if (underscores && (rest == "*" || rest.starts_with("*."))) rest.remove_prefix(rest == "*" ? 1 : 2);
  while (!rest.empty()) {
    const auto dot = rest.find('.');
    if (!is_label(rest.substr(0, dot), underscores)) return std::nullopt;
    if (dot == std::string_view::npos) return name;
    rest.remove_prefix(dot + 1);
  }
  return name == "*" ? std::optional{name} : std::nullopt;
}

}  // namespace

std::string shorten(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string{text};
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) --limit;
  return std::string{text.substr(0, limit)} + "...";
}

std::string quote(std::string_view text) {
  constexpr std::size_t longest = 64;
  return '"' + shorten(text, longest) + '"';
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  static constexpr std::array<Unit, 5> units{
      {{"", 1}, {"k", 1'000}, {"M", 1'000'000}, {"Ki", 1u << 10}, {"Mi", 1u << 20}}};
  return parse_with_unit(text, units);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  static constexpr std::array<Unit, 5> units{
      {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  if (text == "0") return std::chrono::milliseconds{0};
  const auto value = parse_with_unit(text, units);
  if (!value) return std::nullopt;
  return std::chrono::milliseconds{static_cast<std::int64_t>(*value)};
}

std::string to_string(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  if (count == 0) return "0";
  if (count % 3'600'000 == 0) return std::to_string(count / 3'600'000) + "h";
  if (count % 60'000 == 0) return std::to_string(count / 60'000) + "m";
  if (count % 1'000 == 0) return std::to_string(count / 1'000) + "s";
  return std::to_string(count) + "ms";
}

std::optional<std::pair<unsigned, unsigned>> parse_core_range(std::string_view text) {
  constexpr std::uint64_t highest = 1023;  // CPU_SETSIZE - 1
  const auto dash = text.find('-');
  const auto first = parse_number(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_number(text.substr(dash + 1));
  if (!first || !last || *last < *first || *last > highest) return std::nullopt;
  return std::pair{static_cast<unsigned>(*first), static_cast<unsigned>(*last)};
}

std::string reversed_range(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == text.npos) return {};
  const auto head = text.substr(0, dash), tail = text.substr(dash + 1);
  const auto dot = head.rfind('.');
  const bool is_short = dot != head.npos && tail.find_first_of(".:") == tail.npos;
  const auto common = head.substr(0, is_short ? dot + 1 : 0);
  return std::string{common}.append(tail).append("-").append(head.substr(common.size()));
}

std::string meant_duration(std::string_view text) {
  const auto digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == text.npos) return {};
  const auto word = lower(text.substr(std::min(text.find_first_not_of(' ', digits), text.size())));
  static constexpr std::pair<std::string_view, std::string_view> words[] = {{"millisecond", "ms"},
                                                                            {"msec", "ms"},
                                                                            {"second", "s"},
                                                                            {"sec", "s"},
                                                                            {"minute", "m"},
                                                                            {"min", "m"},
                                                                            {"hour", "h"},
                                                                            {"hr", "h"},
                                                                            {"day", "d"},
                                                                            {"ms", "ms"},
                                                                            {"s", "s"},
                                                                            {"m", "m"},
                                                                            {"h", "h"},
                                                                            {"d", "d"}};
  for (const auto& [name, unit] : words) {
    if (word == name || (word.ends_with('s') && word.substr(0, word.size() - 1) == name))
      return std::string{text.substr(0, digits)}.append(unit);
  }
  return {};
}

std::optional<net::Service> parse_service(std::string_view text) {
  const auto end_of_name =
      static_cast<std::size_t>(std::find_if(text.begin(), text.end(), is_digit) - text.begin());
  const auto protocol = net::parse_protocol(lower(text.substr(0, end_of_name)));
  if (!protocol) return std::nullopt;
  const auto digits = text.substr(end_of_name);
  if (digits.empty()) return net::Service{*protocol, 0};
  const auto port = parse_number(digits);
  if (*protocol == net::Protocol::icmp || !port || *port < 1 || *port > 65535 || digits.front() == '0') {
    return std::nullopt;
  }
  return net::Service{*protocol, static_cast<std::uint16_t>(*port)};
}

std::string to_string(net::Service service) {
  return net::to_string(service.protocol) + (service.port == 0 ? "" : std::to_string(service.port));
}

std::optional<std::string> parse_host_name(std::string_view text) {
  return parse_name(text, false);
}
std::optional<std::string> parse_record_name(std::string_view text) {
  return parse_name(text, true);
}

std::optional<std::string> parse_pci_address(std::string_view text) {
  std::string address = lower(text);
  if (address.size() == 7) address.insert(0, "0000:");
  constexpr std::string_view shape = "hhhh:hh:hh.f";  // a function number is one of 0 to 7
  if (address.size() != shape.size()) return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const char c = address[i];
    const bool fits = shape[i] == 'h' ? is_hex(c) : shape[i] == 'f' ? c >= '0' && c <= '7' : c == shape[i];
    if (!fits) return std::nullopt;
  }
  return address;
}

bool is_unicast(const net::IpAddress& address) {
  return net::is_host(address);
}

}  // namespace rgw::config
