// What the admission of a first packet will read, asked for ahead. Hot path.
#include "realmgw/nat/admission.hpp"
#include "realmgw/nat/opening.hpp"

namespace rgw::nat {

template <class Inside, class Outside>
[[gnu::always_inline]] inline void Admission::prefetch_outside(const net::FlowKey<Inside>& inside,
                                                               const Outside& far, std::uint32_t n) const {
  const auto places = book_.rules().ports.places(Outside::family);
  if (places.empty()) return;
  const std::uint32_t place = places[book_.rules().ports.first_for(inside.near, places.size())];
  const auto external = book_.rules().ports.address(place).as<Outside>();
  const net::Protocol protocol = inside.tail.protocol;
  const std::uint16_t port = inside.tail.near_port.host();
  const PortSet& ports = book_.rules().ports[book_.rules().ports.set(place, protocol)];
  if (ports.owns(port)) ports.prefetch(port);
  sessions_.index().prefetch(sessions_.hash(outside_of(inside, external, port, far)));
  if (policy().maps_independently(Inside::family, Outside::family))
    book_.mappings().prefetch({inside.near, protocol, port}, Outside::family, {external, protocol, port}, n);
}

template <class Inside>
void Admission::prefetch(const net::FlowKey<Inside>& inside, std::uint32_t n) const {
  sessions_.prefetch_free(n);
  book_.hosts().prefetch(inside.near);
  if (!policy().stands_for_remote(inside.far)) return prefetch_outside(inside, inside.far, n);
  if constexpr (Inside::family == Family::v6) {
    if (const auto remote = policy().pref64->extract(inside.far)) prefetch_outside(inside, *remote, n);
  }
}
template void Admission::prefetch(const net::FlowKey4& inside, std::uint32_t n) const;
template void Admission::prefetch(const net::FlowKey6& inside, std::uint32_t n) const;

template <class Outside>
void Admission::prefetch_reservation(const net::FlowKey<Outside>& outside) const {
  book_.bindings().prefetch_match(outside.near, outside.tail.protocol, reserved_port(outside.tail));
}
template void Admission::prefetch_reservation(const net::FlowKey4& outside) const;
template void Admission::prefetch_reservation(const net::FlowKey6& outside) const;

template <class Outside>
void Admission::prefetch_inbound(const net::FlowKey<Outside>& outside, std::uint32_t n) const {
  const net::IpAddress* host =
      book_.bindings().host(outside.near, outside.tail.protocol, reserved_port(outside.tail));
  if (host == nullptr) return;
  const std::uint16_t port = outside.tail.near_port.host();
  sessions_.prefetch_free(n);
  book_.hosts().prefetch(*host);
  // Of an IPv4 host that an IPv6 remote calls the key holds a proxy, which is not chosen yet.
  if (host->family() == Outside::family) {
    sessions_.index().prefetch(sessions_.hash(inside_of(outside, host->as<Outside>(), port, outside.far)));
  } else if constexpr (Outside::family == Family::v4) {
    if (policy().pref64)
      sessions_.index().prefetch(
          sessions_.hash(inside_of(outside, host->v6(), port, policy().pref64->embed(outside.far))));
  }
}
template void Admission::prefetch_inbound(const net::FlowKey4& outside, std::uint32_t n) const;
template void Admission::prefetch_inbound(const net::FlowKey6& outside, std::uint32_t n) const;

}  // namespace rgw::nat
