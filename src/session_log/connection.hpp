// Ways to a collector.
#pragma once

#include "realmgw/session_log/collector.hpp"

#include <memory>
#include <openssl/ssl.h>
#include <string>

namespace rgw::session_log {

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* connection) const { SSL_free(connection); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTls>;

/// Trusts the authorities of a file (PEM), or those of the system. Throws std::runtime_error.
[[nodiscard]] TlsContext make_tls_context(const std::string& ca_file);

/// Connects: at most ten seconds for each address of the name. `tls`: null without TLS. Throws
/// std::runtime_error.
[[nodiscard]] std::unique_ptr<Collector::Connection> connect_to(const config::SessionLog::Collector& where,
                                                                SSL_CTX* tls);

}  // namespace rgw::session_log
