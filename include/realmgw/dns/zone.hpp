// A zone: the names and records that the realm file spells out.
#pragma once

#include "realmgw/base/text_hash.hpp"
#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/dns/message_writer.hpp"
#include "realmgw/dns/name.hpp"
#include "realmgw/dns/types.hpp"
#include "realmgw/net/address.hpp"

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rgw::dns {

/// A record in presentation form.
struct RecordSpec {
  std::string name;  ///< relative to the zone; "@" or "" is the apex; absolute with a final dot
  std::string type;  ///< "A", "MX", "TYPE65280", ...
  std::string data;  ///< "10 mail"; names without a final dot are relative to the zone
  std::optional<std::uint32_t> ttl;  ///< seconds; default: the zone's
};

/// In which views a zone is served.
enum class ZoneViews : std::uint8_t { both, outside, inside };

/// What a zone is made from, in plain values.
struct ZoneSpec {
  std::string name;                      ///< "foo.example", with or without the final dot
  std::vector<std::string> nameservers;  ///< absolute names; at least one
  std::string contact;                   ///< SOA RNAME as a name; empty: hostmaster.<zone>
  std::uint32_t serial = 1;
  std::uint32_t refresh = 86'400;   ///< seconds after which a secondary looks whether the serial has grown
  std::uint32_t ttl = 3600;         ///< seconds, of SOA, NS and records without their own
  std::uint32_t negative_ttl = 60;  ///< seconds, SOA MINIMUM (RFC 2308 section 4)
  std::vector<RecordSpec> records;
  bool dynamic = false;  ///< the realm's hosts live in it: names without a record are asked of `DynamicNames`
  ZoneViews views = ZoneViews::both;
};

/// What is wrong with a zone.
struct ZoneFault {
  std::optional<std::size_t> record;  ///< its index in `ZoneSpec::records`; absent: the zone as a whole
  std::string why;                    ///< the sentence for the operator, without the place
};

/// The data of one record in wire form.
struct Rdata {
  std::vector<std::uint8_t> bytes;
  NamePlaces names;

  [[nodiscard]] RdataView view() const { return {bytes, names}; }
};

/// All records of one name and type.
struct RrSet {
  RrType type{};
  std::uint32_t ttl = 0;
  std::vector<Rdata> records;
  std::size_t source = 0;  ///< the index of its first record in `ZoneSpec::records`
};

/// What stands at one name. Without sets it is an empty non-terminal.
struct Node {
  Name name;  ///< as written
  std::vector<RrSet> sets;

  [[nodiscard]] const RrSet* find(RrType type) const;
};

/// An address of a name, for reverse zones.
struct NamedAddress {
  net::IpAddress address;
  std::string name;  ///< absolute
  friend bool operator==(const NamedAddress&, const NamedAddress&) = default;
};

/// Immutable once built.
class Zone {
 public:
  /// Throws std::invalid_argument, with a text that names the zone and the record, for a record that cannot
  /// be read, lies outside the zone, or contradicts another (RFC 1034 section 3.6.2, RFC 2181 sections 5.2
  /// and 10.3), and for what the gateway does not serve: wildcards, DNAME, signatures.
  explicit Zone(const ZoneSpec& spec);
  /// The same, but says what is wrong instead of throwing; what is, is not in the zone.
  Zone(const ZoneSpec& spec, std::vector<ZoneFault>& faults);
  Zone(Zone&&) = default;
  Zone& operator=(Zone&&) = default;

  [[nodiscard]] const Name& name() const { return name_; }
  [[nodiscard]] bool dynamic() const { return dynamic_; }
  /// It has reverse names: those without a record are asked of `DynamicNames`, too.
  [[nodiscard]] bool reverse() const { return reverse_; }
  [[nodiscard]] bool visible(View view) const;
  [[nodiscard]] std::uint32_t ttl() const { return ttl_; }

  /// The node of a name in lower case; null where no record stands at or below it.
  [[nodiscard]] const Node* find(const Name& lower_name) const { return find_key(lower_name.key()); }
  /// The highest delegation at or above a name in lower case, which lies in this zone; null where there is
  /// none.
  [[nodiscard]] const Node* delegation(const Name& lower_name) const;
  [[nodiscard]] const Node& apex() const { return *apex_; }
  /// All names, by wire form in lower case.
  using Nodes = std::unordered_map<std::string, Node, TextHash, std::equal_to<>>;
  [[nodiscard]] const Nodes& nodes() const { return nodes_; }
  /// The SOA for negative answers: its TTL is the lesser of its own and MINIMUM (RFC 2308 section 3).
  [[nodiscard]] const RrSet& negative_soa() const { return negative_soa_; }
  void set_serial(std::uint32_t serial);

  /// Each alias: the node that it stands at.
  template <class Visit>
  void for_each_alias(Visit&& visit) const {
    for (const auto& [key, node] : nodes_) {
      if (node.find(RrType::cname) != nullptr) visit(node);
    }
  }

  /// Every A and AAAA record, but for glue below a delegation: what a PTR record may point back to.
  [[nodiscard]] std::vector<NamedAddress> addresses() const;

 private:
  [[nodiscard]] const Node* find_key(std::string_view key) const;
  Node& node_at(const Name& name);
  /// Throws std::invalid_argument with a ZoneFault's `why`.
  void begin(const ZoneSpec& spec);
  void add(const ZoneSpec& spec, std::size_t index);
  void check(std::vector<ZoneFault>& faults) const;
  void check_place(const Node& node, std::vector<ZoneFault>& faults) const;

  Name name_;
  std::size_t label_count_ = 0;
  bool dynamic_ = false;
  bool reverse_ = false;
  bool has_delegations_ = false;
  ZoneViews views_ = ZoneViews::both;
  std::uint32_t ttl_ = 0;
  Nodes nodes_;
  std::bitset<Name::max_size + 1> sizes_;  ///< of the keys: others are not looked for
  Node* apex_ = nullptr;                   ///< map nodes never move
  RrSet negative_soa_;
};

/// Aliases that lead back to themselves (RFC 1034 section 3.6.2), through whatever zones.
struct AliasLoop {
  std::size_t zone;    ///< of its first record, by the order of zones and records
  std::size_t record;  ///< likewise
  std::string path;    ///< "a.foo. -> b.foo. -> a.foo.", shortened where it is long
};

/// The zones of a gateway, for look-up by name and view. Two zones may share a name where their views differ.
class ZoneSet {
 public:
  ZoneSet() = default;
  /// Throws std::invalid_argument where two zones of one view have the same name.
  explicit ZoneSet(std::vector<Zone> zones);
  ZoneSet(ZoneSet&&) = default;
  ZoneSet& operator=(ZoneSet&&) = default;

  /// The closest zone at or above a name in lower case; null outside all of them.
  [[nodiscard]] const Zone* find(const Name& lower_name, View view) const;

  /// Gives each zone a serial, by which secondaries know that it may have changed.
  void set_serial(std::uint32_t serial);

  /// Each loop once, in order.
  [[nodiscard]] std::vector<AliasLoop> alias_loops() const;

 private:
  using Table = std::unordered_map<std::string, const Zone*, TextHash, std::equal_to<>>;

  std::vector<Zone> zones_;
  std::array<Table, 2> by_view_;
  std::bitset<Name::max_size + 1> sizes_;  ///< of the zones' names: others are not looked for
};

}  // namespace rgw::dns
