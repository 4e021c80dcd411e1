// DNS cookies: proof that who asks over UDP gets what is sent to the address that he asks from (GUARD-1).
#pragma once

#include "realmgw/base/siphash.hpp"
#include "realmgw/net/address.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace rgw::dns {

using ClientCookie = std::array<std::uint8_t, 8>;

/// Makes and judges server cookies in the form that name servers share (RFC 9018 section 4): a version, the
/// time, and SipHash-2-4 over both, the client's cookie and its address.
class ServerCookies {
 public:
  static constexpr std::size_t size = 16;
  using Cookie = std::array<std::uint8_t, size>;
  /// Seconds since 1970, of which a cookie holds the lower 32 bits.
  using UnixTime = std::function<std::uint32_t()>;

  /// By the first secret cookies are made; by any of them they are known, so that secrets can roll (RFC 9018
  /// section 5). At least one.
  ServerCookies(std::vector<SipKey> secrets, UnixTime unix_time);

  [[nodiscard]] Cookie make(const ClientCookie& client, const net::IpAddress& address) const;
  /// Was it made here for that client and address, less than an hour ago, and not more than five minutes
  /// ahead (RFC 9018 section 4.3)?
  [[nodiscard]] bool knows(std::span<const std::uint8_t> cookie, const ClientCookie& client,
                           const net::IpAddress& address) const;

 private:
  /// The version, three reserved bytes, whatever they are, and the time.
  using Head = std::span<const std::uint8_t, 8>;
  [[nodiscard]] static Cookie sign(Head head, const ClientCookie& client, const net::IpAddress& address,
                                   const SipKey& secret);

  std::vector<SipKey> secrets_;
  UnixTime unix_time_;
};

}  // namespace rgw::dns
