// Who may begin flows from outside, and how fast (GUARD-6). nat/ asks; the worker keeps the rates.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/net/address.hpp"

#include <optional>

namespace rgw::nat {

/// Asked once for each first packet that a rule lets in, before a session is made or a claim taken. Not where
/// a pinhole lets it in: a session has announced that packet.
class FlowGate {
 public:
  virtual ~FlowGate() = default;

  /// Why a flow from `remote` to `host` may not begin now; nothing where it may, and then it counts.
  [[nodiscard]] virtual std::optional<Counter> refuses(const net::IpAddress& remote,
                                                       const net::IpAddress& host, Instant now) = 0;
};

}  // namespace rgw::nat
