#include "realmgw/nat/session_filter.hpp"

#include <algorithm>

namespace rgw::nat {

bool SessionFilter::describes(const SessionInfo& session) const {
  if (protocol && session.protocol != *protocol) return false;
  if (port && session.inside.port != *port && session.external.port != *port &&
      session.remote.port != *port && session.remote_inside.port != *port)
    return false;
  if (remote && !remote->contains(session.remote.address) && !remote->contains(session.remote_inside.address))
    return false;
  return hosts.empty() || std::ranges::any_of(hosts, [&](const net::Prefix& host) {
           return host.contains(session.inside.address);
         });
}

}  // namespace rgw::nat
