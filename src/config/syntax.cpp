#include "syntax.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "text.hpp"

namespace rgw::config {
namespace {

constexpr std::string_view blanks = " \t";

std::string blanks_text(std::size_t count) {
  return count == 1 ? "1 blank" : std::to_string(count) + " blanks";
}

/// A line that says something, outside brackets and quotes that began above it.
struct Line {
  int number = 0;
  std::size_t indent = 0;
  std::string_view text;  ///< without indentation, comment, and blanks at its end

  [[nodiscard]] Position at(std::size_t offset = 0) const {
    return {number, static_cast<int>(indent + offset) + 1};
  }
  /// Behind the dashes of list items.
  [[nodiscard]] std::size_t content() const {
    std::size_t at = 0;
    while (at < text.size() && text[at] == '-' && (at + 1 == text.size() || text[at + 1] == ' '))
      at = std::min(text.find_first_not_of(' ', at + 1), text.size());
    return at;
  }
};

struct Opening {
  char what;
  Position at;
};

/// Where the colon of a `key: value` stands in a text; npos where there is none.
std::size_t key_colon(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ':' && (i + 1 == text.size() || text[i + 1] == ' ')) return i;
  }
  return text.npos;
}

/// What is wrong with a value that is written without quotes; nothing where it may be.
std::optional<std::string> why_quotes(std::string_view value) {
  if (value.empty()) return std::nullopt;
  if (value.back() == ':') return "a value that ends in a colon needs quotes: " + quote(value);
  if (value.find(": ") != value.npos)
    return "two keys on one line, or a value with a colon in it that needs quotes: " + quote(value);
  if (value.front() == '@' || value.front() == '`' || value.front() == '%')
    return std::string{"a value that begins with "} + value.front() + " needs quotes: " + quote(value);
  return std::nullopt;
}

/// Reads the text as the operator sees it, up to the place where the parser gave up.
class Reading {
 public:
  Reading(std::string_view text, Position failed) : failed_{failed} {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    int number = 0;
    while (!text.empty() && !mistake_) {
      const auto end = text.find('\n');
      auto line = text.substr(0, end);
      text.remove_prefix(end == text.npos ? text.size() : end + 1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      read(line, ++number);
    }
  }

  [[nodiscard]] std::optional<SyntaxError> quotation() const {
    if (!quote_ || has_text_) return std::nullopt;
    return SyntaxError{quote_->at, "the quotation mark is not closed"};
  }

  [[nodiscard]] std::optional<SyntaxError> mistake() const {
    if (mistake_) return mistake_;
    if (auto open = quotation()) return open;
    if (!open_.empty()) return unclosed(open_.back());
    for (const auto look : {&Reading::value_without_quotes, &Reading::colon, &Reading::indentation}) {
      if (auto found = (this->*look)()) return found;
    }
    return std::nullopt;
  }

 private:
  static SyntaxError unclosed(const Opening& opening) {
    return {opening.at, std::string{"the bracket \""} + opening.what + "\" is not closed"};
  }

  void read(std::string_view raw, int number) {
    const std::size_t indent = std::min(raw.find_first_not_of(blanks), raw.size());
    const bool says_something = indent < raw.size() && raw[indent] != '#';
    const bool in_block = open_.empty() && !quote_;
    if (in_block && says_something) {
      const auto tab = raw.substr(0, indent).find('\t');
      if (tab != raw.npos) {
        mistake_ = SyntaxError{{number, static_cast<int>(tab) + 1},
                               "a tab at the beginning of a line: YAML is indented with blanks alone"};
        return;
      }
    }
    // A line that begins a key where a bracket of a line above it is open, and not deeper than that one
    // began.
    if (says_something && !open_.empty() && !quote_ && indent <= opened_indent_) {
      const auto text = raw.substr(indent);
      const auto colon = key_colon(text);
      if (colon != text.npos && text.find_first_of("[]{},\"' ") > colon) {
        mistake_ = unclosed(open_.back());
        return;
      }
    }
    const std::size_t end = walk(raw, indent, number);
    if (!in_block || !says_something || number > failed_.line) return;
    auto text = raw.substr(indent, end - indent);
    while (!text.empty() && blanks.find(text.back()) != blanks.npos) text.remove_suffix(1);
    lines_.push_back({number, indent, text});
  }

  /// Follows quotes and brackets through a line. Returns where its comment begins, or its end.
  std::size_t walk(std::string_view raw, std::size_t indent, int number) {
    bool begins = true;  // may a value begin here?
    for (std::size_t i = indent; i < raw.size(); ++i) {
      const char c = raw[i];
      const Position here{number, static_cast<int>(i) + 1};
      if (quote_) {
        if (c == '\\' && quote_->what == '"') {
          ++i;
        } else if (c == quote_->what) {
          if (c == '\'' && i + 1 < raw.size() && raw[i + 1] == '\'') {
            ++i;
          } else {
            quote_.reset();
            begins = false;
          }
        }
        continue;
      }
      if (c == '#' && (i == 0 || blanks.find(raw[i - 1]) != blanks.npos)) return i;
      if (blanks.find(c) != blanks.npos) continue;
      const bool in_flow = !open_.empty();
      // Lines of text follow, in which a quotation mark is one.
      if (begins && !in_flow && (c == '|' || c == '>')) has_text_ = true;
      if (begins && (c == '"' || c == '\'')) {
        quote_ = Opening{c, here};
      } else if ((begins || in_flow) && (c == '[' || c == '{')) {
        if (open_.empty()) opened_indent_ = indent;
        open_.push_back({c, here});
        begins = true;
      } else if (c == ']' || c == '}') {
        if (!in_flow) {
          if (!begins) continue;  // part of a word
          mistake_ = SyntaxError{here, std::string{"\""} + c + "\" without a bracket that it closes"};
          return raw.size();
        }
        const char opening = c == ']' ? '[' : '{';
        if (open_.back().what != opening) {
          mistake_ = SyntaxError{here, std::string{"\""} + c + "\" cannot close the \"" + open_.back().what +
                                           "\" of line " + std::to_string(open_.back().at.line)};
          return raw.size();
        }
        open_.pop_back();
        begins = false;
      } else if (in_flow && c == ',') {
        begins = true;
      } else {
        const bool ends_key = c == ':' && (i + 1 == raw.size() || blanks.find(raw[i + 1]) != blanks.npos);
        const bool dash = c == '-' && i + 1 < raw.size() && raw[i + 1] == ' ' && begins;
        begins = ends_key || dash;
      }
    }
    return raw.size();
  }

  /// The lines that the parser may have stumbled over: the one where it gave up, and the one above.
  [[nodiscard]] std::vector<const Line*> suspects() const {
    std::vector<const Line*> found;
    for (auto line = lines_.rbegin(); line != lines_.rend() && found.size() < 2; ++line) {
      if (line->number <= failed_.line) found.push_back(&*line);
    }
    std::reverse(found.begin(), found.end());
    return found;
  }

  [[nodiscard]] std::optional<SyntaxError> value_without_quotes() const {
    for (const Line* line : suspects()) {
      const std::size_t begin = line->content();
      const auto content = line->text.substr(begin);
      const auto colon = key_colon(content);
      if (colon == content.npos) continue;
      const std::size_t at = content.find_first_not_of(' ', colon + 1);
      if (at == content.npos) continue;
      const auto value = content.substr(at);
      if (value.front() == '"' || value.front() == '\'') {
        const auto close = value.find(value.front(), 1);
        const auto behind = close == value.npos ? close : value.find_first_not_of(' ', close + 1);
        if (behind != value.npos)
          return SyntaxError{line->at(begin + at + behind),
                             "text behind a value in quotes: " + quote(value.substr(behind))};
      } else if (value.front() == '[' || value.front() == '{') {
        if (auto found = within_brackets(*line, begin + at)) return found;
      } else if (auto why = why_quotes(value)) {
        return SyntaxError{line->at(begin + at), std::move(*why)};
      }
    }
    return std::nullopt;
  }

  /// The same for the values between the brackets of one line.
  static std::optional<SyntaxError> within_brackets(const Line& line, std::size_t begin) {
    const auto text = line.text;
    int depth = 0;
    for (std::size_t i = begin; i < text.size();) {
      if (text[i] == '"' || text[i] == '\'') {
        i = std::min(text.find(text[i], i + 1), text.size() - 1) + 1;
        continue;
      }
      depth += text[i] == '[' || text[i] == '{' ? 1 : text[i] == ']' || text[i] == '}' ? -1 : 0;
      if (depth == 0) {
        const auto behind = text.find_first_not_of(' ', i + 1);
        if (behind == text.npos) return std::nullopt;
        return SyntaxError{line.at(behind), "text behind the last bracket: " + quote(text.substr(behind))};
      }
      if (std::string_view{"[]{}, "}.find(text[i]) != std::string_view::npos) {
        ++i;
        continue;
      }
      const auto end = std::min(text.find_first_of("[]{},", i), text.size());
      auto word = text.substr(i, end - i);
      while (word.ends_with(' ')) word.remove_suffix(1);
      const auto colon = key_colon(word);
      const auto value = colon == word.npos ? word.npos : word.find_first_not_of(' ', colon + 1);
      if (value != word.npos) {
        if (auto why = why_quotes(word.substr(value)))
          return SyntaxError{line.at(i + value), std::move(*why)};
      }
      i = end;
    }
    return std::nullopt;
  }

  /// A key without a colon, or without the blank behind it.
  [[nodiscard]] std::optional<SyntaxError> colon() const {
    for (const Line* line : suspects()) {
      const std::size_t begin = line->content();
      const auto content = line->text.substr(begin);
      const bool is_item = begin != 0;
      if (is_item || content.empty() || key_colon(content) != content.npos) continue;
      if (std::string_view{"[]{}\"'#"}.find(content.front()) != std::string_view::npos) continue;
      const bool has_colon = content.find(':') != content.npos;
      return SyntaxError{line->at(), (has_colon ? "a blank is missing behind the colon: "
                                                : "a key has a colon behind it: ") +
                                         quote(content)};
    }
    return std::nullopt;
  }

  /// A line that stands neither beside one above it nor below it.
  [[nodiscard]] std::optional<SyntaxError> indentation() const {
    std::vector<const Line*> open;  // lines that the next one may stand beside
    for (const Line& line : lines_) {
      const Line* above = nullptr;
      if (!open.empty()) above = open.back();
      while (!open.empty() && open.back()->indent > line.indent) open.pop_back();
      const bool beside = !open.empty() && open.back()->indent == line.indent;
      if (above != nullptr && !beside && !may_hold(*above, line)) {
        const Line* other = open.empty() || above->indent < line.indent ? above : open.back();
        return SyntaxError{line.at(), "indented by " + blanks_text(line.indent) + ", but line " +
                                          std::to_string(other->number) + " by " +
                                          blanks_text(other->indent) +
                                          ": lines that belong together begin in one column"};
      }
      if (beside) open.pop_back();
      open.push_back(&line);
    }
    return std::nullopt;
  }

  /// May `line` be a part of what begins on `above`?
  static bool may_hold(const Line& above, const Line& line) {
    if (line.indent <= above.indent) return false;
    const std::size_t begin = above.content();
    // Keys of a list's item stand below its first.
    if (begin != 0 && line.indent == above.indent + begin) return true;
    return above.text.ends_with(':') || begin == above.text.size();
  }

  Position failed_;
  std::vector<Line> lines_;
  std::vector<Opening> open_;
  std::size_t opened_indent_ = 0;  // of the line on which the outermost open bracket stands
  std::optional<Opening> quote_;
  bool has_text_ = false;
  std::optional<SyntaxError> mistake_;
};

}  // namespace

SyntaxError explain_syntax(std::string_view text, Position failed, std::string_view reason) {
  SyntaxError error = Reading{text, failed}.mistake().value_or(SyntaxError{failed, std::string{reason}});
  error.message = "not YAML: " + error.message;
  return error;
}

std::optional<SyntaxError> open_quotation(std::string_view text) {
  auto error = Reading{text, {}}.quotation();
  if (error) error->message = "not YAML: " + error->message;
  return error;
}

}  // namespace rgw::config
