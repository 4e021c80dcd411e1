// A YAML text as a tree that remembers where everything stood.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rgw::config {

/// A place in the text; both numbers count from 1.
struct Position {
  int line = 1;
  int column = 1;
  friend auto operator<=>(const Position&, const Position&) = default;
};

struct Node {
  enum class Kind : unsigned char { nothing, scalar, list, map };
  Kind kind = Kind::nothing;
  Position at;
  std::string text;         ///< of a scalar, quoted or not: the realm file makes no difference
  std::vector<Node> items;  ///< of a list; of a map key, value, key, value: in order, duplicates included
};

struct SyntaxError {
  Position at;
  std::string message;
};

/// Parses one YAML document. What a realm file does not need is refused, which also bounds the cost of a
/// hostile one: anchors and aliases ("billion laughs"), tags, several documents, keys that are no plain text,
/// control characters but the tab (written as escapes, too), nesting beyond `max_depth`, more than
/// `max_nodes` values. An empty text is a Node of kind nothing.
[[nodiscard]] std::variant<Node, SyntaxError> parse_document(std::string_view text);

}  // namespace rgw::config
