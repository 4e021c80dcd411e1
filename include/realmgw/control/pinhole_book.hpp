// The gateway's addresses and ports as the ALGs see them: leases ports for pinholes and puts those on the
// workers.
#pragma once

#include "realmgw/alg/address_book.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/control/realm_in_force.hpp"
#include "realmgw/control/worker_links.hpp"
#include "realmgw/nat/ownership.hpp"
#include "realmgw/nat/pinhole_info.hpp"
#include "realmgw/pool/host_names.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rgw::control {

/// Whose ports: `alg.pinhole_ports` of every external address belong to this book, and neither NAT nor the
/// gateway's services nor a static mapping has one of them. It gives out those that the host's home worker
/// owns by law, so a pinhole needs no signpost. Besides, the inside end of the session that is being read may
/// be reached at that session's own external port.
///
/// A port that was leased is free when the home worker says that its pinhole has ended, not before.
class PinholeBook final : public alg::AddressBook {
 public:
  /// IPv4 hosts see an IPv6 remote by this (X46-1); empty: they see none but those that they talk to.
  using ProxyOf = std::function<std::optional<net::Ipv4Address>(const net::Ipv6Address& remote)>;

  /// What is referred to outlives the book.
  PinholeBook(const RealmInForce& realm, WorkerLinks& workers, const nat::Ownership& ownership,
              const pool::HostNames& hosts, CounterBlock& counters, ProxyOf proxy_of);

  /// Whose text is being read, and by which ALG: the questions that follow are about it. It outlives them.
  void speak_for(const alg::Conversation& conversation, std::uint8_t reader) {
    talk_ = &conversation;
    reader_ = reader;
  }
  /// The home worker has let go of it.
  void ended(alg::PinholeId id);

  [[nodiscard]] bool is_inside(const net::IpAddress& address) const override;
  [[nodiscard]] std::optional<net::IpAddress> seen_outside(const net::IpAddress& address) override;
  [[nodiscard]] std::optional<net::IpAddress> seen_inside(const net::IpAddress& address) override;
  [[nodiscard]] std::optional<net::Endpoint> inside_of(const net::Endpoint& external,
                                                       net::Protocol protocol) const override;
  [[nodiscard]] std::optional<std::string> name_of(const net::IpAddress& host) const override;
  [[nodiscard]] std::optional<Opened> open(const alg::PinholeRequest& request) override;
  void meet(alg::PinholeId id, std::uint8_t nth, const net::Endpoint& remote) override;
  void extend(alg::PinholeId id, Instant deadline) override;
  void close(alg::PinholeId id) override;

  /// Goes by the realm that is in force now. Closes pinholes whose host or external address is gone.
  void realm_changed();

  /// Pinholes whose ports are not free yet.
  [[nodiscard]] std::size_t size() const { return pinholes_.size(); }
  /// Of these, of that ALG.
  [[nodiscard]] std::size_t of_reader(std::uint8_t reader) const;
  [[nodiscard]] std::size_t leased_ports() const { return leased_; }
  /// A row of `realmgwctl pinholes`, as JSON: what its worker has told, and who has asked for it.
  [[nodiscard]] std::string describe(const nat::PinholeInfo& hole) const;

 private:
  using PortKey = std::pair<net::IpAddress, net::Protocol>;
  struct Held {
    net::Endpoint inside;
    net::Endpoint external;
    net::Protocol protocol{};
    std::uint8_t ports = 0;
    std::uint8_t reader = 0;
    bool leased = false;  ///< from the range
    bool closed = false;
    net::Endpoint host{}, remote{};       ///< of the conversation that has announced it
    std::optional<net::Endpoint> peer{};  ///< who is at the other end of its first port
  };

  /// Of one address and protocol, from the range's first on.
  struct Ports {
    std::vector<bool> others;  ///< they are a service's, a static mapping's, or out of the address's range
    std::vector<bool> leased;  ///< here; their pinholes may have been opened before the others came
  };
  [[nodiscard]] Ports& ports_of(const net::IpAddress& external, net::Protocol protocol);
  [[nodiscard]] std::optional<std::uint16_t> lease(const net::Endpoint& wanted, net::Protocol protocol,
                                                   std::uint8_t count, WorkerId home);
  void set_leased(const Held& held, bool leased);
  void mark(const Held& held, bool leased);
  [[nodiscard]] std::optional<Opened> refuse();

  const RealmInForce& realm_;
  const pool::HostNames& hosts_;
  WorkerLinks& workers_;
  nat::Ownership ownership_;
  CounterBlock& counters_;
  ProxyOf proxy_of_;
  const alg::Conversation* talk_ = nullptr;
  std::uint8_t reader_ = 0;
  alg::PinholeId last_id_ = 0;
  std::uint32_t next_try_ = 0;
  std::size_t leased_ = 0;
  std::map<PortKey, Ports> ports_;
  std::unordered_map<alg::PinholeId, Held> pinholes_;
  std::map<std::pair<net::Endpoint, net::Protocol>, alg::PinholeId>
      by_external_;  ///< each port; those not closed
  std::unordered_map<net::IpAddress, std::uint32_t> of_host_;
};

}  // namespace rgw::control
