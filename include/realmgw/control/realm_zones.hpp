// What the DNS responder serves, made from the realm file.
#pragma once

#include "realmgw/config/realm.hpp"
#include "realmgw/dns/responder.hpp"
#include "realmgw/dns/zone.hpp"

namespace rgw::control {

/// The realm's zones, and the reverse zones derived from them (DNS-1):
/// - of each inside link, for those inside, with the hosts and the static records on it;
/// - of each of the gateway's own outside addresses that a static record names, one zone an address. Its
/// neighbours
///   on the link are not ours to deny.
/// A name server inside its own zone that no record describes stands at the outside service addresses.
/// Throws std::invalid_argument with a text that names the zone and the record.
[[nodiscard]] dns::ZoneSet make_zones(const config::Realm& realm);

[[nodiscard]] dns::ResponderConfig make_responder_config(const config::Realm& realm);

}  // namespace rgw::control
