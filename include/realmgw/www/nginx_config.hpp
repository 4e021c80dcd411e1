// The web names of hosts (WEB-1), as a configuration of nginx: docs/www.md.
#pragma once

#include "realmgw/net/address.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rgw::www {

/// A host with a web name.
struct Host {
  std::string name;             ///< its whole web name in lower case: "www.hosta.foo.example"
  net::IpAddress address;       ///< where its ports 80 and 443 are
  bool proxy_protocol = false;  ///< TLS comes to it with a PROXY header
};

/// What the proxy serves.
struct Site {
  std::vector<net::IpAddress>
      addresses;  ///< of the gateway, where the proxy listens; none: it serves nothing
  std::vector<Host> hosts;
};

/// May this stand in a configuration as a web name: "www." and labels of lower-case letters, digits and
/// inner hyphens, 253 characters at most?
[[nodiscard]] bool is_web_name(std::string_view name);

/// The configuration, complete. The same site makes the same text. A host whose name is no web name is left
/// out: nothing that a name holds is read by nginx as anything but a name.
[[nodiscard]] std::string nginx_config(const Site& site);

}  // namespace rgw::www
