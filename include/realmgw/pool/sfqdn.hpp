// The grammar of service names: POOL-2. `tcp22.hosta.foo` asks for one service of a host; the label says
// which.
#pragma once

#include "realmgw/net/transport.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace rgw::pool {

/// The service that an SFQDN label names: `(tcp|udp|sctp)<1..65535>` without leading zeros, the bare protocol
/// for any of its ports, or `icmp`; in any case of letters. Anything else is no service label.
[[nodiscard]] std::optional<net::Service> parse_service_label(std::string_view label);

/// The label of a service, the inverse of `parse_service_label`; empty for (any, 0), which is the plain host
/// name.
[[nodiscard]] std::string service_label(const net::Service& service);

/// The service that the first two labels of an SRV name ask for, as in `_ssh._tcp` (RFC 2782). The name of
/// the service is one of a table of common IANA names, or a port number: `_2222._tcp` reaches what has no
/// name of its own, and cannot be mistaken for one, since a service name holds a letter (RFC 6335
/// section 5.1).
[[nodiscard]] std::optional<net::Service> parse_srv_labels(std::string_view service,
                                                           std::string_view protocol);

/// The protocol of `_tcp`, `_udp` or `_sctp`: the name under which a host's SRV names stand.
[[nodiscard]] std::optional<net::Protocol> parse_srv_protocol(std::string_view label);

}  // namespace rgw::pool
