// Where DNS and the Circular Pool meet: the realm's hosts as the responder asks for them.
#pragma once

#include "realmgw/config/realm.hpp"
#include "realmgw/control/dynamic_hosts.hpp"
#include "realmgw/control/guard_service.hpp"
#include "realmgw/control/worker_links.hpp"
#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/pool/circular_pool.hpp"
#include "realmgw/pool/host_names.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::control {

/// The directory of a realm's hosts, whose ids outlive the order of the file.
[[nodiscard]] pool::HostNames make_host_names(const config::Realm& realm);
/// The hosts that another realm does not have: their name is gone, or it stands for other addresses. Those
/// that updates have made are not among them.
[[nodiscard]] std::vector<HostId> hosts_without_place(const pool::HostNames& names,
                                                      const config::Realm& realm);
/// Brings the directory to another realm, but for what updates have made: none of that may clash with it. A
/// host of the same name and addresses keeps its id, whatever else has changed of it; new ones get ids from
/// `next_id` on.
void change_hosts(pool::HostNames& names, const config::Realm& realm, std::uint32_t& next_id);

/// The address at which a host takes packets that came to an external address of `family`: one of the same
/// family, so that it sees who really calls, else one of the other (POOL-12).
[[nodiscard]] std::optional<net::IpAddress> inside_address(const pool::RealmHost& host, net::Family family);

/// DNS-2, POOL-1, POOL-2, DNS-4. From outside a host's name reserves; from inside it is the host's own
/// address, and so are its service names.
class RealmNames final : public dns::DynamicNames {
 public:
  RealmNames(const config::Realm& realm, const pool::HostNames& hosts, pool::CircularPool& pool,
             const WorkerLinks& workers);

  /// Goes by another realm. The directory is changed by others.
  void change(const config::Realm& realm);

  /// Asks it before it reserves for a query from outside; it outlives the last one.
  void guard_by(GuardService* guard) { guard_ = guard; }

  /// Answers for what updates have made, too; it outlives the last query.
  void take_dynamic(const DynamicHosts* dynamic) { dynamic_ = dynamic; }

  [[nodiscard]] dns::Found find(std::span<const std::string_view> labels, dns::RrType type,
                                dns::View view) override;
  [[nodiscard]] std::optional<dns::FoundName> reverse(const net::IpAddress& address, dns::View view) override;
  [[nodiscard]] bool has_reverse(dns::View view) const override;
  /// Refuses where a binding could not reach every worker at once: the resolver asks again, and until then a
  /// packet to the address might meet a worker that does not know it.
  [[nodiscard]] dns::Reservation reserve(HostId host, const net::Service& service, net::Family family,
                                         const dns::Requester& requester, const dns::Question& question,
                                         Instant now) override;

 private:
  /// Broadcasts that one query can cause: its binding, what it narrows, and some that end by time meanwhile.
  static constexpr unsigned events_per_query = 64;

  [[nodiscard]] dns::Found srv(const pool::NameMatch& match);
  /// An address is to be reserved for what was asked, where there may be one.
  [[nodiscard]] dns::Found reserved(const pool::NameMatch& match, dns::RrType type) const;
  /// What an alias stands for that was given out (GUARD-1).
  [[nodiscard]] dns::Found aliased(std::string_view label, dns::RrType type) const;
  [[nodiscard]] bool is_proof(const dns::Question& question, HostId host, const net::Service& service,
                              const net::IpAddress& source, Instant now) const;
  [[nodiscard]] dns::Reservation alias_for(const pool::Request& request, Instant now) const;
  [[nodiscard]] bool may_reserve(const pool::NameMatch& match, net::Family family) const;

  const pool::HostNames& hosts_;
  pool::CircularPool& pool_;
  const WorkerLinks& workers_;
  GuardService* guard_ = nullptr;
  const DynamicHosts* dynamic_ = nullptr;
  bool v4_to_v6_ = false;  // a v4 client has an address for a v6 host: nat64.prefix
  bool v6_to_v4_ = false;  // and a v6 client one for a v4 host: nat46.proxies
  std::vector<net::IpAddress> proxy_;
  std::uint32_t proxy_ttl_ = 0;
  std::uint32_t ttl_ = 0;
  dns::Name zone_;           // of the realm
  std::string srv_service_;  // what the last SRV answer's labels lie in
  std::vector<std::string_view> srv_target_;
};

}  // namespace rgw::control
