// The checks that need more than one value, and what they share.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "report.hpp"
#include "text.hpp"

namespace rgw::config {

/// A service address of the gateway, its link and its place in the file.
struct Link {
  const Port* port;
  net::InterfaceAddress address;
  net::Prefix prefix;
  Where where;
};

/// Which address lies on which side, by links and routes.
class Topology {
 public:
  Topology(const Realm& realm, const Report& report);

  [[nodiscard]] const std::vector<Link>& links() const { return links_; }
  /// Everything that decides a side could be read: a check that finds an address nowhere may say so.
  [[nodiscard]] bool complete() const { return complete_; }

  /// The link that an address lies on, or null.
  [[nodiscard]] const Link* link_of(const net::IpAddress& address) const;
  /// The link whose service address it is, or null.
  [[nodiscard]] const Link* own(const net::IpAddress& address) const;
  /// The side of an address's link, or of the longest route to it.
  [[nodiscard]] std::optional<Side> side_of(const net::IpAddress& address) const;
  /// Does an outside port's `routed` hold it?
  [[nodiscard]] bool routed_outside(const net::IpAddress& address) const;
  /// The place of the route whose next hop it is, or null.
  [[nodiscard]] const Where* next_hop(const net::IpAddress& address) const;

 private:
  const Realm& realm_;
  bool complete_;
  std::vector<Link> links_;
  std::unordered_map<net::IpAddress, std::size_t> own_;
  std::unordered_map<net::IpAddress, Where> next_hops_;
};

/// What an address is on its link if no host may have it ("the broadcast address"), or nothing.
[[nodiscard]] std::optional<std::string> reserved_on(const net::Prefix& link, const net::IpAddress& address);

/// "ports.inside", for messages.
[[nodiscard]] std::string name_of(const Port& port);

void validate_ports(const Realm& realm, const Topology& topology, Report& report);
void validate_nat(const Realm& realm, const Topology& topology, Report& report);
void validate_families(const Realm& realm, const Topology& topology, Report& report);
void validate_names(const Realm& realm, const Topology& topology, Report& report);
void validate_updates(const Realm& realm, const Topology& topology, Report& report);
void validate_log(const Realm& realm, Report& report);

}  // namespace rgw::config
