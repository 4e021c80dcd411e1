#include "realmgw/session_log/search.hpp"

#include <algorithm>
#include <charconv>
#include <istream>
#include <map>

namespace rgw::session_log {
namespace {

std::string text(std::string_view view) {
  return std::string{view};
}

std::uint64_t number(std::string_view digits) {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

}  // namespace

void Search::read(std::istream& lines) {
  for (std::string line; std::getline(lines, line);) read(line);
}

void Search::read(std::string_view text_line) {
  const auto line = Line::parse(text_line);
  if (!line) {
    ++unreadable_;
    return;
  }
  if (!first_) first_ = line->time();
  if (line->event() == "session-begin" || line->event() == "session-end") {
    session(*line, line->event() == "session-begin");
  } else if (line->event() == "block-begin" || line->event() == "block-end") {
    block(*line, line->event() == "block-begin");
  } else if (line->event() == "lost") {
    if (const auto since = parse_time(line->field("since")))
      gaps_.push_back({number(line->field("count")), *since, line->time()});
  } else if (line->event() == "log-begin" || line->event() == "log-end") {
    // The sessions of before are gone with the process, at its end or when it was last heard of.
    const bool known = line->event() == "log-end";
    for (Kept& kept : kept_) {
      if (!kept.open) continue;
      kept.open = false;
      kept.tenure.to = line->time();
      kept.tenure.end_is_known = known;
    }
  }
}

void Search::session(const Line& line, bool begins) {
  const std::string_view external = line.field("external");
  // Most lines are of others: the text tells as well, and sooner.
  const auto end = net::Endpoint::parse(external);
  if (!end || end->address != question_.address || end->port != question_.port) return;
  const std::string_view protocol = line.field("proto");
  if (question_.protocol && net::parse_protocol(protocol) != question_.protocol) return;
  const std::string_view remote = line.field("remote");
  if (question_.remote && !remote.empty()) {
    const auto with = net::Endpoint::parse(remote);
    if (!with || with->address != *question_.remote) return;
  }
  note({.host = text(line.field("host")),
        .external = text(external),
        .protocol = text(protocol),
        .remote = text(remote),
        .by = text(line.field("by")),
        .ports = {},
        .from = parse_time(line.field("began")),
        .to = {}},
       text(line.field("id")), begins, line.time());
}

void Search::block(const Line& line, bool begins) {
  if (net::IpAddress::parse(line.field("external")) != question_.address) return;
  const auto ports = BlockPorts::parse(line.field("ports"));
  if (!ports || !ports->contains(question_.port)) return;
  if (question_.protocol == net::Protocol::sctp) return;
  note({.host = text(line.field("host")),
        .external = text(line.field("external")),
        .protocol = "any",
        .remote = {},
        .by = "block",
        .ports = ports->to_string(),
        .from = {},
        .to = {}},
       "block " + ports->to_string(), begins, line.time());
}

void Search::note(Tenure told, std::string name, bool begins, WallTime at) {
  const auto open =
      std::ranges::find_if(kept_, [&](const Kept& kept) { return kept.open && kept.name == name; });
  if (open != kept_.end()) {
    open->open = false;
    open->tenure.to = at;
    if (!begins) return;
    open->tenure.end_is_known = false;  // the record of it was lost
  }
  (begins ? told.from : told.to) = at;
  kept_.push_back({.tenure = std::move(told), .name = std::move(name), .open = begins});
}

std::vector<Tenure> Search::answer() const {
  std::vector<Tenure> found;
  for (const Kept& kept : kept_) {
    const Tenure& one = kept.tenure;
    if (question_.at && ((one.from && *question_.at < *one.from) || (one.to && *question_.at >= *one.to)))
      continue;
    found.push_back(one);
  }
  std::ranges::stable_sort(found, {}, [](const Tenure& one) { return one.by == "block"; });
  return found;
}

std::vector<Gap> Search::gaps() const {
  if (!question_.at) return gaps_;
  // A beginning that was lost hides what began before the asked time, too, until its end is written.
  std::vector<Gap> found;
  for (const Gap& gap : gaps_) {
    if (gap.from <= *question_.at) found.push_back(gap);
  }
  return found;
}

bool Search::begins_too_late() const {
  return question_.at && (!first_ || *question_.at < *first_);
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& file) {
  namespace fs = std::filesystem;
  std::map<std::uint64_t, fs::path, std::greater<>> former;
  const std::string prefix = file.filename().string() + ".";
  std::error_code error;
  const fs::path directory = file.has_parent_path() ? file.parent_path() : fs::path{"."};
  for (const auto& entry : fs::directory_iterator{directory, error}) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const std::string digits = name.substr(prefix.size());
    if (!digits.empty() && digits.find_first_not_of("0123456789") == digits.npos)
      former.emplace(number(digits), entry.path());
  }
  std::vector<fs::path> all;
  for (const auto& [age, path] : former) all.push_back(path);
  if (fs::exists(file, error)) all.push_back(file);
  return all;
}

}  // namespace rgw::session_log
