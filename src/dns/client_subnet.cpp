#include "realmgw/dns/client_subnet.hpp"

#include "realmgw/net/address.hpp"

#include <algorithm>

#include "wire_reader.hpp"

namespace rgw::dns {
namespace {

constexpr std::size_t bytes_of(unsigned prefix_length) {
  return (prefix_length + 7) / 8;
}

net::IpAddress address_of(net::Family family, std::span<const std::uint8_t> first_bytes) {
  std::array<std::uint8_t, 16> all{};
  std::ranges::copy(first_bytes, all.begin());
  if (family == net::Family::v6) return net::Ipv6Address::from_bytes(all.data());
  return net::Ipv4Address{all[0], all[1], all[2], all[3]};
}

}  // namespace

std::optional<ClientSubnet> read_client_subnet(std::span<const std::uint8_t> data) {
  WireReader reader{data};
  ClientSubnet subnet;
  subnet.family = reader.u16();
  const unsigned length = reader.u8();
  const std::uint8_t scope = reader.u8();
  if (reader.failed() || scope != 0 || subnet.family > 2) return std::nullopt;
  const auto address = data.subspan(4);
  if (address.size() != bytes_of(length)) return std::nullopt;
  if (subnet.family == 0) return length == 0 ? std::optional{subnet} : std::nullopt;
  const auto family = subnet.family == 1 ? net::Family::v4 : net::Family::v6;
  if (length > (family == net::Family::v4 ? 32U : 128U)) return std::nullopt;
  const net::IpAddress whole = address_of(family, address);
  subnet.prefix = net::Prefix{whole, length};
  if (subnet.prefix.address() != whole) return std::nullopt;
  return subnet;
}

ClientSubnetEcho::ClientSubnetEcho(const ClientSubnet& subnet) : size_{4} {
  bytes_[1] = static_cast<std::uint8_t>(subnet.family);
  if (subnet.family == 0) return;
  bytes_[2] = static_cast<std::uint8_t>(subnet.prefix.length());
  const std::size_t size = bytes_of(subnet.prefix.length());
  std::copy_n(subnet.prefix.address().data(), size, bytes_.begin() + 4);
  size_ += size;
}

}  // namespace rgw::dns
