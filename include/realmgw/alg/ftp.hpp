// FTP (ALG-2): RFC 959, RFC 2428, and across families RFC 6384.
#pragma once

#include "realmgw/alg/alg.hpp"
#include "realmgw/net/transport.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rgw::alg {

/// Text forms of a data connection's endpoint.
namespace ftp {
/// "h1,h2,h3,h4,p1,p2" (RFC 959 section 4.1.2), and what follows is left alone.
[[nodiscard]] std::optional<net::Endpoint> parse_port(std::string_view text);
/// "|1|192.0.2.1|5000|" or "|2|2001:db8::1|5000|" with any delimiter (RFC 2428 section 2).
[[nodiscard]] std::optional<net::Endpoint> parse_eprt(std::string_view text);
/// The port in "... (|||6446|)" (RFC 2428 section 3).
[[nodiscard]] std::optional<std::uint16_t> parse_epsv_reply(std::string_view text);
[[nodiscard]] std::string port_text(const net::Endpoint& endpoint);
[[nodiscard]] std::string eprt_text(const net::Endpoint& endpoint);
}  // namespace ftp

[[nodiscard]] std::unique_ptr<Alg> make_ftp(const Options& options);

}  // namespace rgw::alg
