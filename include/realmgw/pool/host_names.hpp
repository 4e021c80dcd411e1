// The hosts of the realm, and which names outside and inside ask for them by: POOL-2, DNS-4.
#pragma once

#include "realmgw/base/strong_id.hpp"
#include "realmgw/base/text_hash.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/transport.hpp"
#include "realmgw/pool/slot_index.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rgw::pool {

/// A host that the world may be let in to.
struct RealmHost {
  HostId id;
  std::string name;                       ///< relative to the zone, lower case: "hosta", "printer.lab"
  std::vector<net::IpAddress> addresses;  ///< inside
  std::optional<std::vector<net::Service>> services;  ///< what it accepts; absent: everything
  bool www = false;                                   ///< has a `www.` name at the web proxy
  /// Of a host that an update has made (DNS-6): the TTL of its inside addresses. It may have no address.
  std::optional<std::uint32_t> dynamic_ttl{};

  /// May (E, service) be reserved for it? `(any, 0)` is asked for by the plain host name, and a host with a
  /// list accepts it only where the list says so: a reservation of all of E would let in what the list shuts
  /// out.
  [[nodiscard]] bool accepts(const net::Service& service) const;
};

/// What a name of the zone stands for.
struct NameMatch {
  enum class Kind {
    none,                ///< does not exist: NXDOMAIN
    empty_non_terminal,  ///< has names below it and nothing itself: NODATA (RFC 8020)
    host,     ///< `hosta`: reserves (E, *, *) if the host accepts `service`, else exists without addresses
    service,  ///< `tcp22.hosta`: reserves (E, tcp, 22)
    srv,      ///< `_ssh._tcp.hosta`: an SRV record to `service_label(service)` under the host's name
    www,      ///< `www.hosta`: the web proxy
  };
  Kind kind = Kind::none;
  const RealmHost* host = nullptr;  ///< of all kinds but the first two; valid until the directory changes
  net::Service service;             ///< of `host` (any, 0), `service` and `srv`
};

/// The directory. Filled by the operator alone; questions cost a hash or three, whatever is asked.
class HostNames {
 public:
  /// False, and nothing changed, where the name, the id or an address is already another host's, the name is
  /// no host name, or its first label would read as a service (`tcp22`, `icmp`) or as `www`.
  [[nodiscard]] bool add(RealmHost host);
  /// Can a host have this name, in lower case?
  [[nodiscard]] static bool is_name(std::string_view name);
  /// False where there is no such host.
  bool remove(HostId id);

  /// What the name stands for. `labels`: those before the zone's own, in wire order, so `tcp22.hosta` is
  /// {"tcp22", "hosta"}; letters in any case, any bytes. No labels is the zone's apex: none.
  [[nodiscard]] NameMatch find(std::span<const std::string_view> labels) const;
  /// The same of a name written with dots and no escapes.
  [[nodiscard]] NameMatch find(std::string_view dotted) const;

  /// The host of just this name, in lower case; as below.
  [[nodiscard]] const RealmHost* named(std::string_view name) const;
  /// nullptr where there is none; valid until the directory changes.
  [[nodiscard]] const RealmHost* find(HostId id) const;
  /// Asks for what a search for this id begins with.
  void prefetch(HostId id) const { by_id_.prefetch(hash_of(id)); }
  /// Whose inside address this is (reverse names); nullptr where nobody's; valid as above.
  [[nodiscard]] const RealmHost* find(const net::IpAddress& inside) const;

  [[nodiscard]] std::size_t size() const { return by_id_.size(); }
  /// `visit(const RealmHost&)` for each, in no order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& record : records_) {
      if (record.live) visit(record.host);
    }
  }

 private:
  static constexpr std::size_t first_capacity = 64;

  /// Two cache lines side by side, so that a search that found it has all of it.
  struct alignas(128) Record {
    RealmHost host;
    bool live = false;
  };
  template <class Value>
  using NameMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

  [[nodiscard]] static std::uint64_t hash_of(std::string_view name);
  [[nodiscard]] static std::uint64_t hash_of(HostId id);
  void make_room();

  std::vector<Record> records_;
  std::vector<SlotIndex::Slot> free_;
  SlotIndex by_name_{first_capacity}, by_id_{first_capacity};
  NameMap<std::size_t> above_;  ///< names above hosts with dotted names, and how many hosts stand below each
  std::unordered_map<net::IpAddress, SlotIndex::Slot> by_address_;
};

}  // namespace rgw::pool
