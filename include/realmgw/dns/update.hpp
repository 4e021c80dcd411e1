// Dynamic updates: RFC 2136. Pure: a message and what stands at the names, in; an RCODE and what is to stand
// there, out.
#pragma once

#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/dns/name.hpp"
#include "realmgw/dns/types.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace rgw::dns {

/// A record of the prerequisite or of the update section (RFC 2136 sections 2.4 and 2.5).
struct UpdateRecord {
  Name name;  ///< in lower case
  RrType type{};
  std::uint16_t klass = 0;
  std::uint32_t ttl = 0;
  std::string data;  ///< in wire form; the name of a PTR or CNAME record whole, and in lower case
};

struct UpdateMessage {
  std::uint16_t id = 0;
  Question zone;  ///< the name as it was written; its type is SOA
  std::uint16_t zone_class = 0;
  std::vector<UpdateRecord> prerequisites, updates;
};

/// Reads an UPDATE message; nothing where it is to get FORMERR: its sections cannot be read, or it does not
/// name one zone by its SOA (section 3.1.1). Records of the additional section are passed over.
[[nodiscard]] std::optional<UpdateMessage> read_update(std::span<const std::uint8_t> message);

/// Is this a request to update? Nothing but its header is read.
[[nodiscard]] bool is_update(std::span<const std::uint8_t> message);

/// A record that stands at a name.
struct HeldRecord {
  RrType type{};
  std::uint32_t ttl = 0;
  std::string data;  ///< as UpdateRecord::data
  friend bool operator==(const HeldRecord&, const HeldRecord&) = default;
};

/// What the zones hold, and what a message's key may do.
class UpdateGround {
 public:
  virtual ~UpdateGround() = default;
  /// Is the gateway the server of this zone, and no other name but a zone's own? Names are in lower case here
  /// and below.
  [[nodiscard]] virtual bool is_zone(const Name& name) const = 0;
  /// All records at a name.
  [[nodiscard]] virtual std::vector<HeldRecord> at(const Name& name) const = 0;
  /// May the key change anything at the name? Not what the operator wrote there.
  [[nodiscard]] virtual bool may_change(const Name& name) const = 0;
  /// May these be all that stands there? `records` are A, AAAA, PTR and DHCID records of the right length.
  [[nodiscard]] virtual bool may_stand(const Name& name, std::span<const HeldRecord> records) const = 0;
};

/// What stands at a name from now on: none, and the name is gone.
struct ChangedName {
  Name name;
  std::vector<HeldRecord> records;
};
struct Updated {
  Rcode rcode{};
  std::vector<ChangedName> changes{};  ///< with NOERROR alone; each name once, and only if it changes
  bool prerequisite = false;           ///< the RCODE is a prerequisite's that does not hold
};
/// RFC 2136 sections 3.1.2 to 3.4, in their order: zone, prerequisites, permission, the form of the updates,
/// and then the updates, all or none. Taken are A, AAAA, PTR and DHCID records alone; others are REFUSED.
[[nodiscard]] Updated carry_out(const UpdateMessage& message, const UpdateGround& ground);

}  // namespace rgw::dns
