#include "realmgw/nat/icmp_extension.hpp"

#include "realmgw/net/checksum.hpp"

#include <algorithm>
#include <cstring>

namespace rgw::nat {
namespace {

using net::ChecksumDelta;
using net::ChecksumSum;
using net::Family;
using net::IcmpHeader;

constexpr std::uint8_t version_byte = 0x20;  // RFC 4884 section 7: version 2

// RFC 4884 section 7.
struct ExtensionHeader {
  std::uint8_t version;
  std::uint8_t reserved;
  be16 checksum;
};
static_assert(sizeof(ExtensionHeader) == 4);

// RFC 4884 section 8.
struct ObjectHeader {
  be16 length;  // with this header
  std::uint8_t class_number;
  std::uint8_t class_type;
};
static_assert(sizeof(ObjectHeader) == 4);

// RFC 4884 section 8 with RFC 5837 section 4: an object that carries an interface's IPv6 address and nothing
// else.
struct InterfaceAddress {
  be16 length{sizeof(InterfaceAddress)};
  std::uint8_t class_number = 2;   // interface information
  std::uint8_t class_type = 0x04;  // of the interface that the packet arrived on; its address is here
  be16 address_family{2};          // IPv6
  be16 reserved{};
  net::Ipv6Address address;
};
static_assert(sizeof(InterfaceAddress) == 24);

constexpr std::size_t unit_of(Family family) {
  return family == Family::v4 ? 4 : 8;
}

// Extensions of another version are bits that mean nothing here.
bool is_known(std::span<const std::uint8_t> extensions) {
  return extensions.size() >= sizeof(ExtensionHeader) && extensions[0] >> 4 == version_byte >> 4;
}

// Objects are whole words; behind others ours would not be found.
bool takes_another(std::span<const std::uint8_t> extensions) {
  return extensions.empty() || (is_known(extensions) && extensions.size() % 4 == 0);
}

// The size of extensions of which as many objects are kept as fit whole; 0: not one does, or these are no
// objects.
std::size_t whole_objects(std::span<const std::uint8_t> extensions, std::size_t room) {
  if (!is_known(extensions)) return 0;
  std::size_t kept = sizeof(ExtensionHeader);
  while (kept + sizeof(ObjectHeader) <= room) {
    const std::size_t size = net::header<ObjectHeader>(extensions.data() + kept).length.host();
    if (size < sizeof(ObjectHeader) || size % 4 != 0 || kept + size > room) break;
    kept += size;
  }
  return kept == sizeof(ExtensionHeader) ? 0 : kept;
}

// The checksum of extensions that begin at `start` and of which the bytes `gone` are no more: right, wrong or
// absent as before.
void leave_out(std::uint8_t* start, std::span<const std::uint8_t> gone) {
  auto& checksum = net::header<ExtensionHeader>(start).checksum;
  if (checksum.raw() == 0) return;  // there is none
  ChecksumDelta::between(ChecksumSum{}.add(gone.data(), gone.size()), {}).apply(checksum);
}

// Adds the object to extensions that begin at `start` and end at `end`, or begins them.
void append_router(std::uint8_t* start, std::uint8_t* end, const net::Ipv6Address& router) {
  const InterfaceAddress object{.address = router};
  ChecksumSum before, after;
  if (start == end) {
    ExtensionHeader header{version_byte, 0, {}};
    std::memcpy(end, &header, sizeof header);
    std::memcpy(end + sizeof header, &object, sizeof object);
    header.checksum = after.add(start, sizeof header + sizeof object).checksum();
    std::memcpy(start, &header, sizeof header);
    return;
  }
  std::memcpy(end, &object, sizeof object);
  auto& checksum = net::header<ExtensionHeader>(start).checksum;
  if (checksum.raw() == 0) return;  // there is none
  ChecksumDelta::between(before, after.add(end, sizeof object)).apply(checksum);
}

}  // namespace

bool may_be_extended(Family family, std::uint8_t type) {
  if (family == Family::v4) {
    return type == net::icmp4::unreachable || type == net::icmp4::time_exceeded ||
           type == net::icmp4::parameter_problem;
  }
  return type == net::icmp6::unreachable || type == net::icmp6::time_exceeded;
}

ErrorBody split_error(const net::Packet& packet) {
  const std::span<const std::uint8_t> all{packet.l3 + packet.inner, packet.l3 + packet.length};
  const auto& icmp = packet.transport<IcmpHeader>();
  if (!may_be_extended(packet.family, icmp.type)) return {all, {}};
  const std::uint16_t word = icmp.identifier.host();
  const std::size_t told = (packet.family == Family::v4 ? word & 0xffU : word >> 8U) * unit_of(packet.family);
  if (told == 0 || told > all.size()) return {all, {}};
  const auto rest = all.subspan(told);
  return {all.first(told), told >= least_extended_quote ? rest : std::span<const std::uint8_t>{}};
}

std::size_t write_error_body(IcmpHeader& icmp, Family family, const ErrorBody& body,
                             const net::Ipv6Address* router, std::uint8_t* out, std::size_t bound) {
  auto extensions = body.extensions;
  std::size_t added = 0;
  if (router != nullptr && takes_another(extensions))
    added = sizeof(InterfaceAddress) + (extensions.empty() ? sizeof(ExtensionHeader) : 0);
  const std::size_t room = bound - least_extended_quote;
  if (extensions.size() + added > room) added = 0;
  // Too long, they are truncated (RFC 7915 sections 4.2 and 5.2): behind an object, so that what is left can
  // be read.
  const std::size_t objects = extensions.size() > room ? whole_objects(extensions, room) : 0;
  if (extensions.size() > room) extensions = extensions.first(objects != 0 ? objects : room);
  if (extensions.size() + added == 0) {
    const std::size_t size = std::min(bound, body.quote.size());
    std::memcpy(out, body.quote.data(), size);
    return size;
  }
  const std::size_t unit = unit_of(family);
  const std::size_t longest = (bound - extensions.size() - added) / unit * unit;
  const std::size_t padded = std::max((body.quote.size() + unit - 1) / unit * unit, least_extended_quote);
  const std::size_t place = std::min(padded, longest);
  const std::size_t quoted = std::min(body.quote.size(), place);
  std::memcpy(out, body.quote.data(), quoted);
  std::memset(out + quoted, 0, place - quoted);
  std::uint8_t* const start = out + place;
  std::uint8_t* const end = std::copy(extensions.begin(), extensions.end(), start);
  if (objects != 0) leave_out(start, body.extensions.subspan(objects));
  if (added != 0) append_router(start, end, *router);
  // Beside the pointer of an ICMPv4 parameter problem.
  const std::size_t units = place / unit;
  icmp.identifier =
      be16{static_cast<std::uint16_t>(icmp.identifier.host() | (family == Family::v4 ? units : units << 8U))};
  return place + extensions.size() + added;
}

}  // namespace rgw::nat
