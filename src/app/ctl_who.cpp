#include "realmgw/app/ctl_who.hpp"

#include "realmgw/app/ctl_client.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

namespace rgw::app {
namespace {

using nlohmann::ordered_json;
using session_log::Question;
using session_log::Search;
using session_log::Tenure;
using session_log::to_text;

/// The gateway's answer to a line; nothing where it is none.
ordered_json asked(const std::string& socket, const std::string& line) {
  ordered_json answer = ordered_json::parse(ask_gateway(socket, line), nullptr, false);
  if (answer.is_discarded()) throw Unreachable{socket + ": the gateway broke off"};
  return answer;
}

/// The sessions that have the port now.
std::vector<Tenure> live(const std::string& socket, const Question& question) {
  std::string line = "sessions port " + std::to_string(question.port);
  if (question.protocol) line += " proto " + net::to_string(*question.protocol);
  const std::string external = net::Endpoint{question.address, question.port}.to_string();
  std::vector<Tenure> found;
  for (const auto& session : asked(socket, line)) {
    if (session.value("external", "") != external) continue;
    Tenure one{.host = session.value("inside", ""),
               .external = external,
               .protocol = session.value("protocol", ""),
               .remote = session.value("remote", ""),
               .by = session.value("origin", ""),
               .ports = {},
               .from = {},
               .to = {}};
    const auto with = net::Endpoint::parse(one.remote);
    if (question.remote && (!with || with->address != *question.remote)) continue;
    found.push_back(std::move(one));
  }
  return found;
}

void search(Search& search, const std::string& file, std::vector<std::string>& notices) {
  const auto files = session_log::files_of(file);
  if (files.empty()) notices.push_back(file + " is not there");
  for (const auto& path : files) {
    std::ifstream lines{path};
    if (!lines) notices.push_back(path.string() + " cannot be read");
    search.read(lines);
  }
}

/// What may be missing, or be more than one would think.
void add_notices(const Search& search, WhoAnswer& answer) {
  auto& notices = answer.notices;
  if (search.begins_too_late()) notices.emplace_back("the log begins later than that");
  if (search.unreadable() != 0)
    notices.push_back(std::to_string(search.unreadable()) + " lines cannot be read");
  std::uint64_t lost = 0;
  const auto gaps = search.gaps();
  for (const auto& gap : gaps) lost += gap.count;
  if (lost != 0)
    notices.push_back(std::to_string(lost) + " records were lost before that, the last of them between " +
                      to_text(gaps.back().from) + " and " + to_text(gaps.back().to));
  std::set<std::string> hosts;
  for (const auto& one : answer.log) hosts.insert(one.host.substr(0, one.host.rfind(':')));
  if (hosts.size() > 1 && answer.log.front().by != "block" && answer.log.back().by == "block") {
    notices.emplace_back(
        "a session of the port itself stands above the block of its port: the address is the pool's, too");
  } else if (hosts.size() > 1) {
    notices.emplace_back(
        "several hosts: they shared the port; --remote tells them apart, where the log has destinations");
  }
}

std::string line_of(const Tenure& one) {
  std::string text = one.host + "  " + (one.protocol == "any" ? "" : one.protocol + "  ") + one.by;
  if (!one.ports.empty()) text += " " + one.ports;
  if (!one.remote.empty()) text += "  with " + one.remote;
  text += "  from " + (one.from ? to_text(*one.from) : std::string{"before the log begins"});
  text += one.to ? "  to " + to_text(*one.to) : "  still";
  return text + (one.end_is_known ? "" : " at the latest") + "\n";
}

ordered_json json_of(const Tenure& one) {
  const auto time = [](const std::optional<session_log::WallTime>& when) {
    return when ? ordered_json(to_text(*when)) : ordered_json(nullptr);
  };
  ordered_json json{
      {"host", one.host}, {"external", one.external}, {"protocol", one.protocol}, {"by", one.by}};
  if (!one.ports.empty()) json["ports"] = one.ports;
  if (!one.remote.empty()) json["remote"] = one.remote;
  json["from"] = time(one.from);
  json["to"] = time(one.to);
  json["end_is_known"] = one.end_is_known;
  return json;
}

}  // namespace

std::variant<Question, std::string> parse_who(const std::string& words, const std::string& remote) {
  std::istringstream rest{words};
  std::string word;
  rest >> word;
  const auto endpoint = net::Endpoint::parse(word);
  if (!endpoint) return word + " is no address and port, like 198.51.100.1:4711 or [2001:db8::1]:4711";
  Question question{.address = endpoint->address, .port = endpoint->port};
  while (rest >> word) {
    if (word.starts_with('@')) {
      question.at = session_log::parse_time(word.substr(1));
      if (!question.at)
        return word + " is no time, like @2026-11-30T14:38:55Z (UTC), or @1796049535, seconds since 1970";
    } else {
      question.protocol = net::parse_protocol(word);
      if (!question.protocol) return word + " is not tcp, udp, icmp or sctp";
    }
  }
  if (!remote.empty()) {
    question.remote = net::IpAddress::parse(remote);
    if (!question.remote) return remote + " is not an address";
  }
  return question;
}

std::string who_text(const WhoAnswer& answer) {
  std::string text;
  for (const auto& one : answer.log) text += line_of(one);
  for (const auto& one : answer.live)
    text += one.host + "  " + one.protocol + "  " + one.by + "  with " + one.remote + "  now\n";
  return text;
}

ordered_json who_json(const WhoAnswer& answer) {
  ordered_json log = ordered_json::array(), live = ordered_json::array();
  for (const auto& one : answer.log) log.push_back(json_of(one));
  for (const auto& one : answer.live)
    live.push_back({{"host", one.host}, {"protocol", one.protocol}, {"by", one.by}, {"remote", one.remote}});
  return {{"log", log}, {"now", live}, {"notices", answer.notices}};
}

std::string run_who(const CtlRequest& request) {
  const auto parsed =
      parse_who(request.argument, request.has("remote") ? request.options.at("remote") : std::string{});
  if (const auto* mistake = std::get_if<std::string>(&parsed)) return *mistake;
  Question question = std::get<Question>(parsed);
  WhoAnswer answer;
  const bool now = !question.at;
  std::string file = request.has("log") ? request.options.at("log") : std::string{};
  // A log that is named is read wherever it is: no gateway need be there.
  if (file.empty()) {
    const ordered_json kept = asked(request.socket, "log");
    if (kept.contains("file") && kept["file"].is_string()) file = kept["file"].get<std::string>();
    if (now) answer.live = live(request.socket, question);
    if (file.empty() && !now) return "the gateway keeps no session log in a file (log.sessions.file)";
  }
  if (now) question.at = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  if (!file.empty()) {
    Search found{question};
    search(found, file, answer.notices);
    answer.log = found.answer();
    add_notices(found, answer);
  }
  const std::string text = request.json ? who_json(answer).dump(2) + "\n" : who_text(answer);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
  if (!request.json) {
    for (const auto& notice : answer.notices)
      std::fprintf(stderr, "realmgwctl: notice: %s\n", notice.c_str());
  }
  return answer.log.empty() && answer.live.empty() ? "nobody, as far as is known" : std::string{};
}

}  // namespace rgw::app
