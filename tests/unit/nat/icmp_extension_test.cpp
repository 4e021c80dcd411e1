// What follows the quote of an ICMP error (RFC 4884) and the object that names a router (RFC 5837):
//   the_quote_is_padded_to_128_bytes_and_to_its_unit
//   the_quote_makes_room_for_the_extensions
//   what_does_not_fit_is_cut_behind_a_whole_object, what_cannot_be_read_is_cut_where_it_ends
//   extensions_of_another_version_are_bits
//   a_router_is_named, a_router_is_added_to_the_objects_that_there_are, and their checksum stays what it was:
//   right, wrong or absent
#include "realmgw/nat/icmp_extension.hpp"

#include "realmgw/net/checksum.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using net::Family;
using Bytes = std::vector<std::uint8_t>;

constexpr net::Ipv6Address router{{0x20, 1, 0xd, 0xb8, 0, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfe}};

// An MPLS label (RFC 4950) as traceroute shows it.
Bytes mpls(bool summed = true) {
  Bytes bytes{0x20, 0, 0, 0, 0, 8, 1, 1, 0x12, 0x34, 0x51, 0x40};
  if (!summed) return bytes;
  const std::uint16_t sum = net::ChecksumSum{}.add(bytes.data(), bytes.size()).checksum().host();
  bytes[2] = static_cast<std::uint8_t>(sum >> 8);
  bytes[3] = static_cast<std::uint8_t>(sum);
  return bytes;
}

bool is_right(const Bytes& extensions) {
  return net::ChecksumSum{}.add(extensions.data(), extensions.size()).fold() == 0xffff;
}

struct Written {
  Bytes quote, extensions;
};

constexpr std::size_t bound_of(Family family) {
  return family == Family::v4 ? 576 - 20 - 8 : 1280 - 40 - 8;
}

// Split again by what the header says.
Written write(Family family, const Bytes& quote, const Bytes& extensions,
              const net::Ipv6Address* named = nullptr) {
  net::IcmpHeader icmp{};
  icmp.type = family == Family::v4 ? net::icmp4::time_exceeded : net::icmp6::time_exceeded;
  const std::size_t bound = bound_of(family);
  Bytes out(bound, 0xee);
  out.resize(write_error_body(icmp, family, {quote, extensions}, named, out.data(), bound));
  const std::size_t told =
      family == Family::v4 ? (icmp.identifier.host() & 0xffU) * 4U : (icmp.identifier.host() >> 8U) * 8U;
  if (told == 0) return {out, {}};
  const auto end = out.begin() + static_cast<std::ptrdiff_t>(told);
  return {{out.begin(), end}, {end, out.end()}};
}

class WriteErrorBody : public testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(as, WriteErrorBody, testing::Values(Family::v4, Family::v6),
                         [](const auto& of) { return of.param == Family::v4 ? "IPv4" : "IPv6"; });

TEST_P(WriteErrorBody, the_quote_is_padded_to_128_bytes_and_to_its_unit) {  // RFC 4884 section 4
  const std::size_t unit = GetParam() == Family::v4 ? 4 : 8;
  for (const std::size_t size : {28U, 127U, 128U, 129U, 133U, 300U}) {
    const auto written = write(GetParam(), Bytes(size, 0x5a), mpls());
    EXPECT_EQ(written.quote.size(), std::max<std::size_t>(128, (size + unit - 1) / unit * unit)) << size;
    Bytes want(size, 0x5a);
    want.resize(written.quote.size());
    EXPECT_EQ(written.quote, want) << "padded with zeros";
    EXPECT_EQ(written.extensions, mpls());
  }
}

TEST_P(WriteErrorBody, the_quote_makes_room_for_the_extensions) {  // RFC 7915 sections 4.2 and 5.2
  const auto written = write(GetParam(), Bytes(bound_of(GetParam()), 1), mpls());
  EXPECT_EQ(written.extensions, mpls());
  const std::size_t size = written.quote.size() + written.extensions.size();
  EXPECT_LE(size, bound_of(GetParam()));
  EXPECT_GT(size, bound_of(GetParam()) - 8);
}

// Extensions of objects that each have this many bytes, with their checksum.
Bytes objects(std::size_t count, std::uint16_t size, bool summed = true) {
  Bytes bytes{0x20, 0, 0, 0};
  for (std::size_t i = 0; i < count; ++i) {
    Bytes object(size, static_cast<std::uint8_t>(i + 1));
    object[0] = static_cast<std::uint8_t>(size >> 8);
    object[1] = static_cast<std::uint8_t>(size);
    bytes.insert(bytes.end(), object.begin(), object.end());
  }
  if (!summed) return bytes;
  const std::uint16_t sum = net::ChecksumSum{}.add(bytes.data(), bytes.size()).checksum().host();
  bytes[2] = static_cast<std::uint8_t>(sum >> 8);
  bytes[3] = static_cast<std::uint8_t>(sum);
  return bytes;
}

TEST_P(WriteErrorBody, what_does_not_fit_is_cut_behind_a_whole_object) {  // RFC 7915 sections 4.2 and 5.2
  const std::size_t room = bound_of(GetParam()) - 128;
  const std::size_t fit = (room - 4) / 100;
  EXPECT_EQ(write(GetParam(), Bytes(300, 1), objects(fit, 100)).extensions, objects(fit, 100));
  for (const std::size_t more : {1U, 5U}) {
    const auto written = write(GetParam(), Bytes(300, 1), objects(fit + more, 100));
    EXPECT_EQ(written.extensions, objects(fit, 100)) << "and their checksum is right";
    EXPECT_LE(written.quote.size() + written.extensions.size(), bound_of(GetParam()));
    EXPECT_GE(written.quote.size(), 128U);
    EXPECT_EQ(write(GetParam(), Bytes(300, 1), objects(fit + more, 100, false)).extensions,
              objects(fit, 100, false));
    Bytes wrong = objects(fit + more, 100);
    wrong[2] ^= 1;
    EXPECT_FALSE(is_right(write(GetParam(), Bytes(300, 1), wrong).extensions));
  }
}

TEST_P(WriteErrorBody, what_cannot_be_read_is_cut_where_it_ends) {
  const std::size_t room = bound_of(GetParam()) - 128;
  Bytes most = mpls();
  most.resize(room, 7);
  EXPECT_EQ(write(GetParam(), Bytes(300, 1), most).extensions, most);
  EXPECT_EQ(write(GetParam(), Bytes(300, 1), most, &router).extensions, most) << "rather than the router";
  for (const int version : {0x00, 0x10, 0x20}) {
    Bytes longer = objects(1, static_cast<std::uint16_t>(room + 100));
    longer[0] = static_cast<std::uint8_t>(version);
    const auto written = write(GetParam(), Bytes(300, 1), longer);
    EXPECT_EQ(written.quote.size(), 128U);
    EXPECT_EQ(written.extensions, Bytes(longer.begin(), longer.begin() + static_cast<std::ptrdiff_t>(room)));
  }
}

TEST_P(WriteErrorBody, extensions_of_another_version_are_bits) {  // RFC 4884 section 7
  for (const int version : {0x00, 0x10, 0xf0}) {
    Bytes unknown = mpls();
    unknown[0] = static_cast<std::uint8_t>(version);
    EXPECT_EQ(write(GetParam(), Bytes(56, 1), unknown).extensions, unknown);
    EXPECT_EQ(write(GetParam(), Bytes(56, 1), unknown, &router).extensions, unknown)
        << "whose end nobody knows";
  }
}

const Bytes object_of_router{0, 24,   2, 4, 0, 2, 0, 0, 0x20, 1, 0xd, 0xb8,
                             0, 0x42, 0, 0, 0, 0, 0, 0, 0,    0, 0,   0xfe};

TEST_P(WriteErrorBody, a_router_is_named) {  // RFC 5837 section 4
  const auto written = write(GetParam(), Bytes(56, 1), {}, &router);
  ASSERT_EQ(written.extensions.size(), 28U);
  EXPECT_EQ(written.extensions[0], 0x20);
  EXPECT_TRUE(std::equal(object_of_router.begin(), object_of_router.end(), written.extensions.begin() + 4));
  EXPECT_TRUE(is_right(written.extensions));
}

TEST_P(WriteErrorBody, a_router_is_added_to_the_objects_that_there_are) {
  Bytes wrong = mpls();
  wrong[9] ^= 1;
  for (const Bytes& before : {mpls(), mpls(false), wrong}) {
    const auto written = write(GetParam(), Bytes(200, 1), before, &router).extensions;
    ASSERT_EQ(written.size(), before.size() + 24);
    EXPECT_TRUE(std::equal(before.begin() + 4, before.end(), written.begin() + 4));
    EXPECT_TRUE(std::equal(object_of_router.begin(), object_of_router.end(), written.end() - 24));
    EXPECT_EQ(is_right(written), is_right(before));
    if (before == mpls(false)) {
      EXPECT_EQ(written[2] | written[3], 0) << "none stays none";
    }
  }
  Bytes odd = mpls();
  odd.push_back(0);
  EXPECT_EQ(write(GetParam(), Bytes(200, 1), odd, &router).extensions, odd) << "behind it nobody would look";
}

}  // namespace
}  // namespace rgw::nat
