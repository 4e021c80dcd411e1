#include "realmgw/dns/name.hpp"

#include <algorithm>
#include <memory>

namespace rgw::dns {
namespace {

constexpr std::size_t max_label = 63;

bool same_without_case(std::string_view a, std::string_view b) {
  // Length bytes are below 64, so folding them like letters changes none of them.
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return to_lower(static_cast<std::uint8_t>(x)) == to_lower(static_cast<std::uint8_t>(y));
         });
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The byte that the escape behind `text[at] == '\\'` means; moves `at` behind it.
std::optional<char> unescape(std::string_view text, std::size_t& at) {
  if (at + 1 >= text.size()) return std::nullopt;
  if (!is_digit(text[at + 1])) {
    at += 2;
    return text[at - 1];
  }
  if (at + 3 >= text.size() || !is_digit(text[at + 2]) || !is_digit(text[at + 3])) return std::nullopt;
  const int value = (text[at + 1] - '0') * 100 + (text[at + 2] - '0') * 10 + (text[at + 3] - '0');
  if (value > 255) return std::nullopt;
  at += 4;
  return static_cast<char>(value);
}

void print_label(std::string& out, std::string_view label) {
  for (const char c : label) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (c == '.' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte <= 0x20 || byte >= 0x7f) {
      out += '\\';
      out += static_cast<char>('0' + byte / 100);
      out += static_cast<char>('0' + byte / 10 % 10);
      out += static_cast<char>('0' + byte % 10);
    } else {
      out += c;
    }
  }
  out += '.';
}

}  // namespace

bool Name::append(std::string_view label) {
  if (label.empty() || label.size() > max_label || size_ + label.size() + 1 > max_size) return false;
  std::uint8_t* end = bytes_.data() + size_ - 1;  // the root's zero moves on
  *end++ = static_cast<std::uint8_t>(label.size());
  end = std::copy(label.begin(), label.end(), end);
  *end = 0;
  size_ = static_cast<std::uint8_t>(size_ + label.size() + 1);
  return true;
}

std::optional<Name> Name::from_text(std::string_view text) {
  Name name;
  if (text.empty()) return std::nullopt;
  if (text == ".") return name;
  std::string label;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '.') {
      if (!name.append(label)) return std::nullopt;
      label.clear();
      ++at;
    } else if (text[at] == '\\') {
      const auto byte = unescape(text, at);
      if (!byte) return std::nullopt;
      label += *byte;
    } else {
      label += text[at++];
    }
  }
  if (!label.empty() && !name.append(label)) return std::nullopt;
  return name;
}

std::optional<Name> Name::from_wire(std::span<const std::uint8_t> message, std::size_t& at) {
  std::size_t end = at;
  for (;;) {
    if (end >= message.size()) return std::nullopt;
    const std::uint8_t length = message[end];
    if (length > max_label)
      return std::nullopt;  // a pointer, or a label type that never came to be (RFC 6891 §5)
    const std::size_t next = end + 1 + length;
    if (next > message.size() || next - at > max_size) return std::nullopt;
    end = next;
    if (length == 0) break;
  }
  std::optional<Name> name{std::in_place};
  std::copy(message.begin() + static_cast<std::ptrdiff_t>(at),
            message.begin() + static_cast<std::ptrdiff_t>(end), name->bytes_.begin());
  name->size_ = static_cast<std::uint8_t>(end - at);
  at = end;
  return name;
}

std::optional<Name> Name::join(std::span<const std::string_view> labels, const Name& base) {
  Name name;
  for (const auto label : labels) {
    if (!name.append(label)) return std::nullopt;
  }
  if (name.size_ - 1U + base.size_ > max_size) return std::nullopt;
  std::copy_n(base.bytes_.begin(), base.size_, name.bytes_.begin() + name.size_ - 1);
  name.size_ = static_cast<std::uint8_t>(name.size_ - 1 + base.size_);
  return name;
}

std::string Name::to_string() const {
  if (is_root()) return ".";
  std::string text;
  text.reserve(size_);
  const Labels labels{*this};
  for (std::size_t i = 0; i < labels.size(); ++i) print_label(text, labels[i]);
  return text;
}

std::size_t Name::label_count() const {
  std::size_t count = 0;
  for (std::size_t at = 0; bytes_[at] != 0; at += 1U + bytes_[at]) ++count;
  return count;
}

Name Name::lower() const {
  Name name;
  name.size_ = size_;
  std::transform(bytes_.begin(), bytes_.begin() + size_, name.bytes_.begin(), to_lower);
  return name;
}

Name Name::parent() const {
  Name name;
  if (is_root()) return name;
  const std::size_t skip = 1U + bytes_[0];
  name.size_ = static_cast<std::uint8_t>(size_ - skip);
  std::copy(bytes_.begin() + static_cast<std::ptrdiff_t>(skip), bytes_.begin() + size_, name.bytes_.begin());
  return name;
}

bool Name::is_within(const Name& ancestor) const {
  std::size_t at = 0;
  while (size_ - at > ancestor.size_) at += 1U + bytes_[at];
  return same_without_case(key().substr(at), ancestor.key());
}

bool operator==(const Name& a, const Name& b) {
  return same_without_case(a.key(), b.key());
}

Labels::Labels(const Name& name) {
  const auto key = name.key();
  for (std::size_t at = 0; key[at] != 0; at += 1U + static_cast<std::uint8_t>(key[at])) {
    std::construct_at(&labels_[size_++], key.substr(at + 1, static_cast<std::uint8_t>(key[at])));
  }
}

}  // namespace rgw::dns
