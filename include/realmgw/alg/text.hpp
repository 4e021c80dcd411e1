// Words, numbers and addresses in the text of protocols. ASCII; views into what they are given.
#pragma once

#include "realmgw/net/address.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rgw::alg {

[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

[[nodiscard]] constexpr bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}
[[nodiscard]] constexpr bool begins_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && same_word(text.substr(0, word.size()), word);
}
/// Where `word` (in lower case) begins in `text`, in any case.
[[nodiscard]] constexpr std::size_t find_word(std::string_view text, std::string_view word,
                                              std::size_t from = 0) {
  for (std::size_t at = from; at + word.size() <= text.size(); ++at) {
    if (same_word(text.substr(at, word.size()), word)) return at;
  }
  return std::string_view::npos;
}

[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}
/// Removes and returns what is before the first `separator`; all of it where there is none.
[[nodiscard]] constexpr std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t at = std::min(text.find(separator), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

/// Decimal digits and nothing else.
template <class Number>
[[nodiscard]] std::optional<Number> to_number(std::string_view text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || !is_digit(text.front()) || error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

/// How many digits the text begins with.
[[nodiscard]] constexpr std::size_t digits(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  return count;
}

}  // namespace rgw::alg
