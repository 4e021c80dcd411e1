// What the controller answers on the operator's socket.
#include "realmgw/control/controller.hpp"
#include "realmgw/control/host_commands.hpp"
#include "realmgw/control/session_log_report.hpp"
#include "realmgw/control/www_config.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace rgw::control {
namespace {

constexpr std::uint64_t max_listed = 10'000;  // of DNS answers or of PCP mappings, in one turn

class ReloadReply final : public CtlReply {
 public:
  explicit ReloadReply(std::shared_ptr<const ReloadReport> report) : report_{std::move(report)} {}
  Progress append_to(std::string& text) override {
    if (report_->result == ReloadReport::Result::pending) return Progress::more;
    text += report_->to_json();
    return Progress::finished;
  }

 private:
  std::shared_ptr<const ReloadReport> report_;
};

std::uint64_t number_or(std::span<const std::string_view> arguments, std::string_view key,
                        std::uint64_t otherwise) {
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] != key) continue;
    const std::string_view digits = arguments[i + 1];
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc{} && end == digits.data() + digits.size()) return value;
  }
  return otherwise;
}

}  // namespace

void Controller::add_commands() {
  using Arguments = std::span<const std::string_view>;
  const auto text = [](std::string value) { return std::make_unique<CtlText>(std::move(value)); };
  ctl_->add("status", [this, text](Arguments) { return text(status()); });
  ctl_->add("version", [this, text](Arguments) {
    return text(nlohmann::json{{"version", surroundings_.version}}.dump());
  });
  ctl_->add("sessions", [this](Arguments arguments) -> std::unique_ptr<CtlReply> {
    auto parsed = parse_sessions_request(arguments, hosts_);
    if (const auto* mistake = std::get_if<std::string>(&parsed)) return ctl_error(*mistake);
    auto& request = std::get<SessionsRequest>(parsed);
    return std::make_unique<SessionsReply>(
        session_pages_, workers_, request.limit.value_or(UINT64_MAX),
        [](const nat::SessionInfo& session) { return describe(session); },
        [filter = std::move(request.filter)](const nat::SessionInfo& session) {
          return filter.describes(session);
        });
  });
  ctl_->add("sessions delete", CtlServer::Right::owner,
            [this](Arguments arguments) { return session_deletion_.command(arguments, hosts_); });
  ctl_->add("bib", [this](Arguments arguments) {
    const std::uint64_t limit = number_or(arguments, "limit", UINT64_MAX);
    return std::make_unique<MappingsReply>(mapping_pages_, workers_, limit,
                                           [](const nat::MappingInfo& mapping) { return describe(mapping); });
  });
  ctl_->add("pinholes", [this](Arguments arguments) {
    const std::uint64_t limit = number_or(arguments, "limit", UINT64_MAX);
    return std::make_unique<PinholesReply>(
        pinhole_pages_, workers_, limit,
        [this](const nat::PinholeInfo& hole) { return algs_.book().describe(hole); });
  });
  ctl_->add("eam", [this](Arguments arguments) {
    return std::make_unique<AddressMapReply>(realm_.share(), number_or(arguments, "limit", UINT64_MAX));
  });
  ctl_->add("map", [this, text](Arguments arguments) -> std::unique_ptr<CtlReply> {
    const auto address = arguments.size() == 1 ? net::IpAddress::parse(arguments.front()) : std::nullopt;
    if (!address) return ctl_error("map takes an IP address");
    const auto* proxies = proxies_ ? &proxies_->directory() : nullptr;
    return text(translations_report({*realm_, pool_, hosts_, proxies}, *address));
  });
  ctl_->add("pool", [this, text](Arguments) {
    return text(pool_report(*realm_, pool_, hosts_, surroundings_.clock.now()));
  });
  ctl_->add("guard", [this, text](Arguments) {
    const auto count = [this](Counter counter) {
      std::uint64_t sum = counters_.get(counter);
      for (std::uint8_t worker = 0; worker < workers_.size(); ++worker)
        sum += workers_.counters(WorkerId{worker}).get(counter);
      return sum;
    };
    return text(guard_.report(pool_, count, surroundings_.clock.now()));
  });
  ctl_->add("hosts", [this, text](Arguments) {
    return text(hosts_report(realm_->realm, pool_, hosts_, surroundings_.added_hosts));
  });
  const auto change_hosts_by = [this](auto& parse) {
    return [this, &parse](Arguments arguments) -> std::unique_ptr<CtlReply> {
      if (!reload_) return ctl_error("this gateway has no realm file to read again");
      auto change = parse(arguments, realm_->realm, surroundings_.added_hosts, dynamic_);
      if (const auto* mistake = std::get_if<std::string>(&change)) return ctl_error(*mistake);
      if (auto* dynamic = std::get_if<DynamicChanges>(&change)) return remove_dynamic(std::move(*dynamic));
      return std::make_unique<ReloadReply>(
          reload_->ask(std::get<RealmReload::HostChange>(std::move(change))));
    };
  };
  ctl_->add("host add", CtlServer::Right::owner, change_hosts_by(host_to_add));
  ctl_->add("host remove", CtlServer::Right::owner, change_hosts_by(host_to_remove));
  ctl_->add("www config", [this, text](Arguments) -> std::unique_ptr<CtlReply> {
    const auto& realm = realm_->realm;
    if (realm.www.proxy == config::Www::Proxy::none)
      return ctl_error("the realm has no www proxy: write www: { proxy: nginx }");
    return text(nlohmann::json{{"file", www_file(realm).string()}, {"text", www_config(realm)}}.dump());
  });
  ctl_->add("capture", CtlServer::Right::owner,
            [this](Arguments arguments) { return captures_.capture(arguments); });
  ctl_->add("trace", CtlServer::Right::owner,
            [this](Arguments arguments) { return captures_.trace(arguments); });
  ctl_->add("log", [this, text](Arguments) { return text(session_log_report(surroundings_.session_log)); });
  ctl_->add("alg", [this, text](Arguments) { return text(algs_.report()); });
  ctl_->add("pcp", [this, text](Arguments arguments) -> std::unique_ptr<CtlReply> {
    if (!pcp_) return ctl_error("the realm has no PCP server");
    const std::uint64_t limit = std::min<std::uint64_t>(number_or(arguments, "limit", 1000), max_listed);
    return text(pcp_->report(limit, surroundings_.clock.now()));
  });
  ctl_->add("cache", [this, text](Arguments arguments) -> std::unique_ptr<CtlReply> {
    if (!recursion_) return ctl_error("the realm has no upstreams");
    const std::uint64_t limit = std::min<std::uint64_t>(number_or(arguments, "limit", 100), max_listed);
    return text(recursion_->report(limit, surroundings_.clock.now()));
  });
  ctl_->add("reload", CtlServer::Right::owner, [this](Arguments arguments) -> std::unique_ptr<CtlReply> {
    const bool dry_run = !arguments.empty() && arguments.front() == "dry-run";
    const auto report = reload(dry_run);
    if (!report) return ctl_error("this gateway has no realm file to read again");
    return std::make_unique<ReloadReply>(report);
  });
  ctl_->add("counters", [this, text](Arguments arguments) {
    auto threads = worker_counters();
    threads.push_back({"control", &counters_});
    const bool per_thread = !arguments.empty() && arguments.front() == "per-thread";
    return text(per_thread ? counters_per_thread_report(threads) : counters_report(threads));
  });
  ctl_->add("metrics", [this](Arguments) {
    return std::make_unique<MetricsReply>(survey_, [this] { return metrics(); });
  });
}

std::unique_ptr<CtlReply> Controller::remove_dynamic(DynamicChanges changes) {
  const std::string what = changes.hosts.front().name + " removed";
  if (!dynamic_.change(std::move(changes), "", 0)) return ctl_error("the state directory cannot be written");
  auto report = std::make_shared<ReloadReport>();
  report->result = ReloadReport::Result::reloaded;
  report->differences = {{"hosts", config::Change::ends_sessions, what}};
  return std::make_unique<ReloadReply>(std::move(report));
}

}  // namespace rgw::control
