#include "document.hpp"

#include "realmgw/config/loader.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include "syntax.hpp"
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace rgw::config {
namespace {

Position position(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

// Ends the parse from within an event.
struct Refusal {
  SyntaxError error;
};

[[noreturn]] void refuse(Position at, std::string message) {
  throw Refusal{{at, std::move(message)}};
}

// The parser's events, rather than its Node, because Node forgets duplicate keys and keeps aliases alive.
class TreeBuilder final : public YAML::EventHandler {
 public:
  [[nodiscard]] Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string&) override { no_aliases(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { no_aliases(mark); }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    add({Node::Kind::nothing, position(mark), {}, {}});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    no_tags(mark, tag);
    if (std::ranges::any_of(value, is_control)) refuse(position(mark), "a value with a control character");
    add({Node::Kind::scalar, position(mark), value, {}});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, tag);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark, tag);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  static void no_aliases(const YAML::Mark& mark) {
    refuse(position(mark),
           "anchors (&) and aliases (*) are not used in a realm file; quote a value that begins so");
  }
  // yaml-cpp marks a plain scalar with "?", a quoted one with "!".
  static void no_tags(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      refuse(position(mark), "tags (!) are not used in a realm file");
  }

  // Is the next node a map's key?
  [[nodiscard]] bool at_key() const {
    return !open_.empty() && open_.back().kind == Node::Kind::map && open_.back().items.size() % 2 == 0;
  }

  void count(Position at) {
    if (++nodes_ > max_nodes) refuse(at, "more than " + std::to_string(max_nodes) + " values");
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    no_tags(mark, tag);
    count(position(mark));
    if (at_key()) refuse(position(mark), "a key must be plain text");
    if (open_.size() == max_depth) {
      refuse(position(mark), "nested deeper than " + std::to_string(max_depth) + " levels");
    }
    open_.push_back({kind, position(mark), {}, {}});
  }

  void close() {
    Node node = std::move(open_.back());
    open_.pop_back();
    place(std::move(node));
  }

  void add(Node node) {
    count(node.at);
    if (at_key() && node.kind != Node::Kind::scalar) refuse(node.at, "a key must be plain text");
    place(std::move(node));
  }

  void place(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Node& parent = open_.back();
    // The mark of an absent value is the token after it, often on the next line: its key says better where it
    // is.
    if (node.kind == Node::Kind::nothing && parent.kind == Node::Kind::map) node.at = parent.items.back().at;
    parent.items.push_back(std::move(node));
  }

  std::vector<Node> open_;
  Node root_;
  std::size_t nodes_ = 0;
};

// yaml-cpp takes 0x04 for the end of the text and reads UTF-16 and UTF-32 by their byte-order mark, so that
// what it reads could differ from what an editor shows. It also keeps every token of a bracketed collection
// in memory until the bracket closes: the imbalance is bounded before it begins.
void check_bytes(std::string_view text) {
  constexpr std::ptrdiff_t max_imbalance = 1000;
  if (text.starts_with("\xfe\xff") || text.starts_with("\xff\xfe")) refuse({}, "not UTF-8");
  Position at;
  std::ptrdiff_t open_brackets = 0;
  for (const char c : text) {
    if (is_control(c) && c != '\n' && c != '\r') refuse(at, "a control character");
    if (c == '[' || c == '{') ++open_brackets;
    if (c == ']' || c == '}') open_brackets = std::max<std::ptrdiff_t>(open_brackets - 1, 0);
    if (open_brackets > max_imbalance) refuse(at, "too many open brackets");
    at = c == '\n' ? Position{at.line + 1, 1} : Position{at.line, at.column + 1};
  }
}

Node parse_or_throw(std::string_view text) {
  if (text.size() > max_file_bytes)
    refuse({}, "longer than " + std::to_string(max_file_bytes >> 20) + " MiB");
  check_bytes(text);
  std::istringstream stream{std::string{text}};
  YAML::Parser parser{stream};
  TreeBuilder builder;
  if (!parser.HandleNextDocument(builder)) return {};
  TreeBuilder second;
  if (parser.HandleNextDocument(second)) refuse(second.take().at, "a second document; a realm file is one");
  return builder.take();
}

}  // namespace

std::variant<Node, SyntaxError> parse_document(std::string_view text) {
  try {
    Node root = parse_or_throw(text);
    if (auto open = open_quotation(text)) return *open;
    return root;
  } catch (const Refusal& refusal) {
    return refusal.error;
  } catch (const YAML::Exception& error) {
    return explain_syntax(text, position(error.mark), error.msg);
  }
}

}  // namespace rgw::config
