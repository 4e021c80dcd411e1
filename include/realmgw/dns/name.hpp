// Domain names as they lie on the wire.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rgw::dns {

/// An absolute domain name in wire form, uncompressed, its case as it was written. A value without
/// allocation.
class Name {
 public:
  static constexpr std::size_t max_size = 255;    ///< bytes on the wire (RFC 1035 section 3.1)
  static constexpr std::size_t max_labels = 127;  ///< without the root

  /// The root.
  Name() { bytes_[0] = 0; }

  /// Presentation form, always taken as absolute; the final dot may be left out; `\.` and `\DDD` are
  /// understood (RFC 1035 section 5.1). Nothing where a label is empty or too long, or the whole is.
  [[nodiscard]] static std::optional<Name> from_text(std::string_view text);
  /// Reads a name at `at` and moves `at` behind it. Compression pointers are refused: the one name that the
  /// gateway reads from a stranger is a question's, which has nothing before it to point to.
  [[nodiscard]] static std::optional<Name> from_wire(std::span<const std::uint8_t> message, std::size_t& at);
  /// `labels` in order, and then those of `base`. Nothing where that is too long, or a label is empty or too
  /// long.
  [[nodiscard]] static std::optional<Name> join(std::span<const std::string_view> labels, const Name& base);

  /// Presentation form with the final dot.
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] std::span<const std::uint8_t> wire() const { return {bytes_.data(), size_}; }
  /// The wire form as a key for tables.
  [[nodiscard]] std::string_view key() const { return {reinterpret_cast<const char*>(bytes_.data()), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool is_root() const { return size_ == 1; }
  [[nodiscard]] std::size_t label_count() const;
  /// This name in lower case (RFC 4343: ASCII letters only), for comparison.
  [[nodiscard]] Name lower() const;
  /// The name without its first label; the root's parent is the root.
  [[nodiscard]] Name parent() const;

  /// The same name, or below `ancestor`, whatever the case.
  [[nodiscard]] bool is_within(const Name& ancestor) const;
  /// The same name, whatever the case (RFC 4343).
  friend bool operator==(const Name& a, const Name& b);

 private:
  [[nodiscard]] bool append(std::string_view label);

  std::array<std::uint8_t, max_size> bytes_;  // as far as `size_`; the rest is never read, nor cleared
  std::uint8_t size_ = 1;
};

/// The labels of a name, first one first, without the root.
class Labels {
 public:
  explicit Labels(const Name& name);
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view operator[](std::size_t i) const { return labels_[i]; }
  /// The first `count` labels. Valid as long as this and the name are.
  [[nodiscard]] std::span<const std::string_view> first(std::size_t count) const {
    return {labels_.data(), count};
  }

 private:
  union {  // written as far as there are labels, and no further: most names have three
    std::array<std::string_view, Name::max_labels> labels_;
  };
  std::size_t size_ = 0;
};

[[nodiscard]] constexpr std::uint8_t to_lower(std::uint8_t c) {
  return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + ('a' - 'A')) : c;
}

}  // namespace rgw::dns
