#include "realmgw/dns/server_cookies.hpp"

#include <algorithm>
#include <utility>

namespace rgw::dns {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::int32_t valid_for = 3600, valid_ahead = 300;  // seconds

}  // namespace

ServerCookies::ServerCookies(std::vector<SipKey> secrets, UnixTime unix_time)
    : secrets_{std::move(secrets)}, unix_time_{std::move(unix_time)} {}

ServerCookies::Cookie ServerCookies::sign(Head head, const ClientCookie& client,
                                          const net::IpAddress& address, const SipKey& secret) {
  std::array<std::uint8_t, 8 + 8 + 16> text{};
  auto end = std::ranges::copy(client, text.begin()).out;
  end = std::ranges::copy(head, end).out;
  end = std::copy_n(address.data(), address.size(), end);
  const auto used = static_cast<std::size_t>(end - text.begin());
  const std::uint64_t hash = siphash(secret, std::span{text}.first(used));
  Cookie cookie;
  std::ranges::copy(head, cookie.begin());
  for (unsigned i = 0; i < 8; ++i) cookie[8 + i] = static_cast<std::uint8_t>(hash >> (8 * i));
  return cookie;
}

ServerCookies::Cookie ServerCookies::make(const ClientCookie& client, const net::IpAddress& address) const {
  const std::uint32_t time = unix_time_();
  std::array<std::uint8_t, 8> head{version};
  for (unsigned i = 0; i < 4; ++i) head[4 + i] = static_cast<std::uint8_t>(time >> (24 - 8 * i));
  return sign(head, client, address, secrets_.front());
}

bool ServerCookies::knows(std::span<const std::uint8_t> cookie, const ClientCookie& client,
                          const net::IpAddress& address) const {
  if (cookie.size() != size || cookie[0] != version) return false;
  std::uint32_t time = 0;
  for (unsigned i = 0; i < 4; ++i) time = time << 8 | cookie[4 + i];
  const auto age = static_cast<std::int32_t>(unix_time_() - time);  // RFC 1982
  if (age >= valid_for || age < -valid_ahead) return false;
  return std::ranges::any_of(secrets_, [&](const SipKey& secret) {
    const Cookie made = sign(cookie.first<8>(), client, address, secret);
    // In the same time, wherever they differ.
    std::uint8_t difference = 0;
    for (std::size_t i = 0; i < size; ++i) difference |= static_cast<std::uint8_t>(made[i] ^ cookie[i]);
    return difference == 0;
  });
}

}  // namespace rgw::dns
