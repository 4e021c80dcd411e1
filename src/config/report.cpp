#include "report.hpp"

#include <algorithm>
#include <tuple>

namespace rgw::config {
namespace {

bool earlier(const Problem& a, const Problem& b) {
  return std::tie(a.line, a.column) < std::tie(b.line, b.column);
}

// Names and values of the file stand in messages: no terminal is to obey them.
void make_printable(std::string& text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
}

void make_printable(std::vector<Problem>& problems) {
  for (Problem& problem : problems) {
    for (std::string* text : {&problem.file, &problem.key, &problem.message}) make_printable(*text);
  }
}

}  // namespace

std::string Problem::to_string() const {
  std::string text = file;
  if (line > 0) text += ":" + std::to_string(line) + ":" + std::to_string(column);
  text += ": ";
  if (!key.empty()) text += key + ": ";
  return text + message;
}

std::string LoadResult::to_string() const {
  std::vector<Problem> all = problems;
  for (Problem warning : warnings) {
    warning.key = "warning: " + warning.key;
    all.push_back(std::move(warning));
  }
  // The last problem may be the note that there are more (line 0): it stays last.
  std::stable_sort(all.begin(), all.end(), [](const Problem& a, const Problem& b) {
    return a.line != 0 && (b.line == 0 || earlier(a, b));
  });
  std::string text;
  for (const Problem& problem : all) text += problem.to_string() + "\n";
  return text;
}

Problem Report::make(const Where& where, std::string message) const {
  return {file_, where.at.line, where.at.column, where.key, std::move(message)};
}

void Report::problem(const Where& where, std::string message) {
  add(make(where, std::move(message)));
}

void Report::problem_in(const std::string& file, int line, std::string key, std::string message) {
  add({file, line, 1, std::move(key), std::move(message)});
}

void Report::add(Problem problem) {
  if (problems_.size() == max_problems) {
    overflow_ = true;
    return;
  }
  problems_.push_back(std::move(problem));
}

void Report::warning(const Where& where, std::string message) {
  if (warnings_.size() < max_problems) warnings_.push_back(make(where, std::move(message)));
}

bool Report::clean_besides(std::string_view key, std::initializer_list<std::string_view> leaves) const {
  const auto is_below = [key](std::string_view other) {
    return other.starts_with(key) &&
           (other.size() == key.size() || other[key.size()] == '.' || other[key.size()] == '[');
  };
  const auto concerns = [&](std::string_view other) {
    return is_below(other) && std::none_of(leaves.begin(), leaves.end(),
                                           [other](std::string_view leaf) { return other.ends_with(leaf); });
  };
  return !overflow_ && std::none_of(meant_.begin(), meant_.end(), concerns) &&
         std::none_of(problems_.begin(), problems_.end(),
                      [&](const Problem& problem) { return concerns(problem.key); });
}

Where Report::where(const std::string& key) const {
  std::string_view written = key;
  while (true) {
    if (const auto found = places_.find(written); found != places_.end()) return {found->second, key};
    const auto cut = written.find_last_of(".[");
    if (cut == std::string_view::npos) return {{}, key};
    written = written.substr(0, cut);
  }
}

Where Report::where(const std::string& list, std::size_t index) const {
  const auto found = items_.find(list);
  if (found != items_.end() && index < found->second.size()) return found->second[index];
  return where(list);
}

void Report::finish(LoadResult& result) {
  std::stable_sort(problems_.begin(), problems_.end(), earlier);
  std::stable_sort(warnings_.begin(), warnings_.end(), earlier);
  if (overflow_) problems_.push_back({file_, 0, 0, {}, "more problems than these; the rest is not shown"});
  make_printable(problems_);
  make_printable(warnings_);
  result.problems = std::move(problems_);
  result.warnings = std::move(warnings_);
}

}  // namespace rgw::config
