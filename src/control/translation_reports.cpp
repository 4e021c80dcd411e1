#include "realmgw/control/translation_reports.hpp"

#include "realmgw/pool/sfqdn.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace rgw::control {

namespace {

using net::IpAddress;
using nlohmann::ordered_json;

/// Collects the rows of one address, in order.
class Translations {
 public:
  Translations(const TranslationFacts& facts, const IpAddress& address)
      : facts_{facts}, policy_{facts.snapshot.policy}, address_{address} {}

  ordered_json list() {
    add_own();
    add_stateless();
    add_prefixes();
    add_static();
    add_pool();
    add_families();
    add_outbound();
    return std::move(rows_);
  }

 private:
  void add(const char* rule, ordered_json becomes, std::string by) {
    rows_.push_back({{"rule", rule}, {"becomes", std::move(becomes)}, {"by", std::move(by)}});
  }

  void add_own() {
    const auto* own = facts_.snapshot.own_address(address_);
    if (own != nullptr && own->service)
      add("service", nullptr, "an address of the gateway itself, on " + facts_.snapshot.port(own->port).name);
  }

  /// SIIT-1: the explicit map goes before the prefix (RFC 7757 section 3.3).
  void add_stateless() {
    const auto one = [&](const auto& address) {
      if (const auto mapped = policy_.map.mapped(address)) {
        const auto row = policy_.map.row_of(address).value();
        add("eam", mapped->to_string(), row.ipv4.to_string() + " = " + row.ipv6.to_string());
      } else if (const auto translated = policy_.map.translate(address)) {
        add("siit", translated->to_string(), policy_.map.prefix()->prefix().to_string());
      } else if (policy_.map.withholds(address)) {
        add("siit", nullptr,
            policy_.map.prefix()->prefix().to_string() + " never stands for an address that is not global");
      }
    };
    address_.is_v4() ? one(address_.v4()) : one(address_.v6());
  }

  /// RFC 6296.
  void add_prefixes() {
    if (!address_.is_v6() || policy_.npt.empty()) return;
    using Found = nat::PrefixTranslation::Found;
    for (const auto& result : {policy_.npt.outward(address_.v6()), policy_.npt.inward(address_.v6())}) {
      if (result.found == Found::none) continue;
      const auto& pair = policy_.npt.pairs()[result.pair];
      add("npt",
          result.found == Found::translated ? ordered_json(result.address.to_string()) : ordered_json{},
          pair.inside.to_string() + " = " + pair.outside.to_string());
    }
  }

  void add_static() {
    for (const auto& mapping : policy_.static_mappings) {
      const std::string by = std::string{net::to_string(mapping.protocol)} + " " +
                             mapping.outside.to_string() + " = " + mapping.inside.to_string();
      if (mapping.outside.address == address_) add("static", mapping.inside.to_string(), by);
      if (mapping.inside.address == address_) add("static", mapping.outside.to_string(), by);
    }
  }

  void add_pool() {
    const auto& addresses = facts_.snapshot.realm.pool.addresses;
    if (std::ranges::find(addresses, address_) == addresses.end()) return;
    bool any = false;
    facts_.pool.for_each([&](const pool::CircularPool::View& view) {
      if (view.external != address_) return;
      any = true;
      const auto* host = facts_.hosts.find(view.host);
      const std::string what = view.service.is_any() ? "any" : pool::service_label(view.service);
      add("reservation", host == nullptr ? ordered_json{} : ordered_json(host->name),
          what + ", " + std::to_string(view.claims) + (view.claims == 1 ? " claim" : " claims"));
    });
    if (!any) add("pool", nullptr, "no reservation is pending");
  }

  /// X64-1, X46-1: how hosts of one family call remotes of the other.
  void add_families() {
    if (policy_.pref64) {
      const std::string by = policy_.pref64->prefix().to_string();
      if (const auto inner = policy_.embedded(address_)) {
        add("pref64", policy_.pref64->represents(*inner) ? ordered_json(inner->to_string()) : ordered_json{},
            policy_.pref64->represents(*inner) ? by : by + " does not represent " + inner->to_string());
      } else if (address_.is_v4() && !is_inside() && policy_.pref64->represents(address_.v4())) {
        add("pref64", policy_.pref64->embed(address_.v4()).to_string(), by);
      }
    }
    if (!policy_.proxies) return;
    const std::string by = policy_.proxies->prefix().to_string();
    if (address_.is_v4() && policy_.proxies->contains(address_.v4())) {
      const auto remote = facts_.proxies == nullptr ? std::nullopt : facts_.proxies->remote_of(address_.v4());
      add("proxy", remote ? ordered_json(remote->to_string()) : ordered_json{},
          remote ? by : by + ": bound to nobody by DNS46");
    } else if (address_.is_v6() && facts_.proxies != nullptr) {
      if (const auto proxy = facts_.proxies->proxy_of(address_.v6())) add("proxy", proxy->to_string(), by);
    }
  }

  /// Which of them a session takes is decided with its first packet.
  void add_outbound() {
    const auto& external = policy_.external;
    if (std::ranges::find(external, address_) != external.end())
      return add("outbound", nullptr, "sessions from inside leave with it");
    if (!is_inside() || facts_.snapshot.own_address(address_) != nullptr || external.empty()) return;
    ordered_json all = ordered_json::array();
    for (const auto& one : external) all.push_back(one.to_string());
    add("outbound", std::move(all), "one of outbound.addresses, by session");
  }

  [[nodiscard]] bool is_inside() const {
    const auto* hop = facts_.snapshot.route(address_);
    return hop != nullptr && facts_.snapshot.port(hop->port).side == net::Side::inside;
  }

  const TranslationFacts& facts_;
  const nat::Policy& policy_;
  const IpAddress& address_;
  ordered_json rows_ = ordered_json::array();
};

}  // namespace

CtlReply::Progress AddressMapReply::append_to(std::string& text) {
  constexpr std::uint64_t rows_a_piece = 1000;
  const auto& siit = snapshot_->realm.siit;
  if (!begun_) {
    begun_ = true;
    text += R"({"prefix":)" + (siit.prefix ? ordered_json(siit.prefix->to_string()) : ordered_json{}).dump();
    std::string sources;
    for (const auto& prefix : siit.icmp_source) sources += (sources.empty() ? "" : ", ") + prefix.to_string();
    text += R"(,"icmp_source":)" + (sources.empty() ? ordered_json{} : ordered_json(sources)).dump();
    ordered_json prefixes = ordered_json::array();
    for (const auto& pair : snapshot_->policy.npt.pairs())
      prefixes.push_back({{"inside", pair.inside.to_string()}, {"outside", pair.outside.to_string()}});
    text += R"(,"npt":)" + prefixes.dump() + R"(,"maps":[)";
  }
  const std::uint64_t end = std::min<std::uint64_t>(limit_, siit.maps.size());
  for (std::uint64_t n = 0; written_ < end && n < rows_a_piece; ++n, ++written_) {
    const auto& map = siit.maps[written_];
    const ordered_json row{{"ipv4", map.ipv4.to_string()},
                           {"ipv6", map.ipv6.to_string()},
                           {"hosts", map.hosts == net::Family::v4 ? "ipv4" : "ipv6"}};
    text += (written_ == 0 ? "\n" : ",\n") + row.dump();
  }
  if (written_ != end) return Progress::more;
  text += written_ == 0 ? "]}" : "\n]}";
  return Progress::finished;
}

std::string translations_report(const TranslationFacts& facts, const IpAddress& address) {
  return ordered_json{{"address", address.to_string()}, {"translations", Translations{facts, address}.list()}}
      .dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace rgw::control
