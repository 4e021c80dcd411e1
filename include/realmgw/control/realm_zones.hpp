// What the DNS responder serves, made from the realm file.
#pragma once

#include "realmgw/config/realm.hpp"
#include "realmgw/dns/responder.hpp"
#include "realmgw/dns/zone.hpp"

#include <vector>

namespace rgw::control {

/// The realm's zones, and the reverse zones derived from them (DNS-1):
/// - of each inside link, for those inside, with the hosts and the static records on it;
/// - of each of the gateway's own outside addresses that a static record names, one zone an address. Its
///   neighbours on the link are not ours to deny.
/// A name server inside its own zone that no record describes stands where DNS is answered: at the addresses
/// of `dns.listen` on outside ports, or at all of them where there is none outside. Throws
/// std::invalid_argument with a text that names the zone and the record.
[[nodiscard]] dns::ZoneSet make_zones(const config::Realm& realm);

/// What the realm's zones are made from, in the order of the realm; records that the file does not have come
/// behind those that it has.
[[nodiscard]] std::vector<dns::ZoneSpec> zone_specs(const config::Realm& realm);

[[nodiscard]] dns::ResponderConfig make_responder_config(const config::Realm& realm);

}  // namespace rgw::control
