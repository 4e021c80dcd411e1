#include "realmgw/control/session_commands.hpp"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace rgw::control {
namespace {

template <class Number>
std::optional<Number> number(std::string_view digits) {
  Number value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::string quoted(std::string_view text) {
  return "\"" + std::string{text} + "\"";
}

/// A prefix of inside addresses, or all addresses of a host of the realm.
std::vector<net::Prefix> prefixes_of(std::string_view text, const pool::HostNames& hosts) {
  if (const auto prefix = net::Prefix::parse(text)) return {*prefix};
  std::vector<net::Prefix> prefixes;
  hosts.for_each([&](const pool::RealmHost& host) {
    if (host.name != text) return;
    for (const auto& address : host.addresses) prefixes.emplace_back(address, address.bits());
  });
  return prefixes;
}

/// What is wrong with a word; nothing where it has been taken.
std::optional<std::string> take(SessionsRequest& request, std::string_view key, std::string_view value,
                                const pool::HostNames& hosts) {
  auto& filter = request.filter;
  if (key == "host") {
    filter.hosts = prefixes_of(value, hosts);
    if (filter.hosts.empty())
      return quoted(value) + " is neither a host of the realm nor an address or prefix";
  } else if (key == "remote") {
    filter.remote = net::Prefix::parse(value);
    if (!filter.remote) return quoted(value) + " is not an address or prefix";
  } else if (key == "port") {
    filter.port = number<std::uint16_t>(value);
    if (!filter.port) return quoted(value) + " is not a port";
  } else if (key == "proto") {
    filter.protocol = net::parse_protocol(value);
    if (!filter.protocol) return quoted(value) + " is not tcp, udp, icmp or sctp";
  } else if (key == "limit") {
    request.limit = number<std::uint64_t>(value);
    if (!request.limit) return quoted(value) + " is not a number";
  } else {
    return "sessions knows no " + quoted(key);
  }
  return std::nullopt;
}

class DeletionReply final : public CtlReply {
 public:
  explicit DeletionReply(std::shared_ptr<const SessionDeletion::Report> report)
      : report_{std::move(report)} {}
  Progress append_to(std::string& text) override {
    if (!report_->done) return Progress::more;
    text += nlohmann::json{{"deleted", report_->ended}}.dump();
    return Progress::finished;
  }

 private:
  std::shared_ptr<const SessionDeletion::Report> report_;
};

}  // namespace

std::variant<SessionsRequest, std::string> parse_sessions_request(std::span<const std::string_view> words,
                                                                  const pool::HostNames& hosts) {
  SessionsRequest request;
  std::vector<std::string_view> seen;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    if (i + 1 == words.size()) return std::string{words[i]} + " needs a value";
    for (const auto key : seen) {
      if (key == words[i]) return std::string{key} + " is given twice";
    }
    seen.push_back(words[i]);
    if (auto mistake = take(request, words[i], words[i + 1], hosts)) return std::move(*mistake);
  }
  return request;
}

std::shared_ptr<const SessionDeletion::Report> SessionDeletion::ask(nat::SessionFilter filter) {
  if (wishes_.size() == max_waiting) return nullptr;
  wishes_.push_back({std::move(filter), std::make_shared<Report>()});
  auto report = wishes_.back().report;
  if (wishes_.size() == 1) begin();
  return report;
}

void SessionDeletion::begin() {
  awaited_ = workers_.size();
  workers_.broadcast(ring::SessionsDelete{&wishes_.front().filter});
}

void SessionDeletion::heard(const ring::SessionsDeleted& part) {
  Report& report = *wishes_.front().report;
  report.ended += part.ended;
  if (--awaited_ != 0) return;
  report.done = true;
  wishes_.pop_front();
  if (!wishes_.empty()) begin();
}

std::unique_ptr<CtlReply> SessionDeletion::command(std::span<const std::string_view> words,
                                                   const pool::HostNames& hosts) {
  const bool all = words.size() == 1 && words.front() == "all";
  auto parsed = parse_sessions_request(all ? words.subspan(1) : words, hosts);
  if (const auto* mistake = std::get_if<std::string>(&parsed)) return ctl_error(*mistake);
  auto& request = std::get<SessionsRequest>(parsed);
  if (request.limit) return ctl_error("sessions delete knows no limit");
  if (!all && request.filter.is_empty()) return ctl_error("say which sessions, or all");
  auto report = ask(std::move(request.filter));
  if (!report) return ctl_error("too many deletions of sessions wait; try again");
  return std::make_unique<DeletionReply>(std::move(report));
}

}  // namespace rgw::control
