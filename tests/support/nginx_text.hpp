// Reads a configuration of nginx as nginx does (src/core/ngx_conf_file.c of its source): words, quotes,
// comments, blocks. So a test sees what nginx would see, not what the writer meant.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rgw::test {

struct NginxDirective {
  std::vector<std::string> words;  ///< without quotes
  std::vector<NginxDirective> block;
  bool has_block = false;

  [[nodiscard]] bool is(std::string_view name) const { return words.front() == name; }
};

class NginxText {
 public:
  /// Nothing where nginx would refuse the text.
  [[nodiscard]] static std::optional<std::vector<NginxDirective>> read(std::string_view text) {
    NginxText reader{text};
    auto directives = reader.directives(false);
    if (!reader.good_) return std::nullopt;
    return directives;
  }

 private:
  explicit NginxText(std::string_view text) : rest_{text} {}

  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

  void skip() {
    while (!rest_.empty() && (is_blank(rest_.front()) || rest_.front() == '#')) {
      if (rest_.front() == '#')
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
      else
        rest_.remove_prefix(1);
    }
  }

  std::string word() {
    std::string text;
    const char quote = rest_.front() == '"' || rest_.front() == '\'' ? rest_.front() : '\0';
    if (quote != '\0') rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (quote != '\0' ? c == quote : is_blank(c) || c == ';' || c == '{') break;
      if (c == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      text += rest_.front();
      rest_.remove_prefix(1);
    }
    if (quote == '\0') return text;
    if (rest_.empty()) {
      good_ = false;
      return text;
    }
    rest_.remove_prefix(1);
    if (!rest_.empty() && !is_blank(rest_.front()) && rest_.front() != ';' && rest_.front() != '{' &&
        rest_.front() != ')')
      good_ = false;
    return text;
  }

  std::vector<NginxDirective> directives(bool inner) {
    std::vector<NginxDirective> all;
    NginxDirective next;
    while (good_) {
      skip();
      if (rest_.empty()) {
        good_ = !inner && next.words.empty();
        return all;
      }
      const char c = rest_.front();
      if (c == ';' || c == '{' || c == '}') rest_.remove_prefix(1);
      if (c == '}') {
        good_ = inner && next.words.empty();
        return all;
      }
      if (c != ';' && c != '{') {
        next.words.push_back(word());
        continue;
      }
      if (next.words.empty()) good_ = false;
      if (c == '{') {
        next.has_block = true;
        next.block = directives(true);
      }
      if (good_) all.push_back(std::move(next));
      next = {};
    }
    return all;
  }

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace rgw::test
