// What the gateway says of its own accord (OUT-5, OUT-6): types and codes of both families, the quotation and
// its limit, the MTU; resets that their receiver accepts; about what nothing may be said.
#include "realmgw/nat/replies.hpp"

#include "unit/nat/parsed.hpp"

namespace rgw::nat {
namespace {

using test::address;
using test::Bytes;
using test::FromInside;
using test::FromOutside;
using test::icmp_error;
using test::Seen;
using test::tcp;
using test::udp;

Seen error_about(const test::PacketBuilder& packet, IcmpError error, std::uint32_t mtu = 0) {
  const FromInside parsed{packet};
  Bytes out(max_reply);
  const auto source = address(parsed.packet.family == net::Family::v4 ? "10.0.0.1" : "fd00::1");
  out.resize(make_icmp_error(parsed.packet, error, source, mtu, out));
  return Seen{out};
}

TEST(IcmpErrors,
     have_the_types_and_codes_of_their_family) {  // RFC 792, RFC 1812 section 5.2.7; RFC 4443 section 3
  struct Row {
    IcmpError error;
    int type4, code4, type6, code6;
  };
  for (const Row& row :
       {Row{IcmpError::time_exceeded, 11, 0, 3, 0}, Row{IcmpError::packet_too_big, 3, 4, 2, 0},
        Row{IcmpError::port_unreachable, 3, 3, 1, 4}, Row{IcmpError::host_unreachable, 3, 1, 1, 3},
        Row{IcmpError::network_unreachable, 3, 0, 1, 0}, Row{IcmpError::admin_prohibited, 3, 13, 1, 1}}) {
    const Seen v4 = error_about(udp("10.0.0.42:5000", "203.0.113.10:53").payload(9), row.error, 1400);
    EXPECT_EQ(v4.icmp().type, row.type4);
    EXPECT_EQ(v4.icmp().code, row.code4);
    EXPECT_EQ(v4.source(), address("10.0.0.1"));
    EXPECT_EQ(v4.destination(), address("10.0.0.42"));
    EXPECT_TRUE(v4.checksums_right());
    const Seen v6 = error_about(udp("[fd00::42]:5000", "[2001:db8::1]:53").payload(9), row.error, 1400);
    EXPECT_EQ(v6.icmp().type, row.type6);
    EXPECT_EQ(v6.icmp().code, row.code6);
    EXPECT_EQ(v6.destination(), address("fd00::42"));
    EXPECT_TRUE(v6.checksums_right());
    const bool too_big = row.error == IcmpError::packet_too_big;
    EXPECT_EQ(v4.icmp().sequence.host(), too_big ? 1400 : 0) << "RFC 1191 section 4";
    EXPECT_EQ(v6.icmp().sequence.host(), too_big ? 1400 : 0) << "RFC 4443 section 3.2";
    EXPECT_EQ(v4.icmp().identifier.host(), 0);
  }
}

TEST(IcmpErrors, of_ipv6_carry_an_mtu_of_32_bits) {  // RFC 4443 section 3.2
  const Seen error =
      error_about(udp("[fd00::42]:5000", "[2001:db8::1]:53"), IcmpError::packet_too_big, 0x00012345);
  EXPECT_EQ(error.icmp().identifier.host(), 1);
  EXPECT_EQ(error.icmp().sequence.host(), 0x2345);
}

TEST(IcmpErrors, quote_as_much_as_their_family_allows) {  // RFC 1812 section 4.3.2.3, RFC 4443 section 2.4(c)
  for (const std::size_t size : {0U, 100U, 520U, 521U, 1000U, 1400U}) {
    const auto packet = udp("10.0.0.42:5000", "203.0.113.10:53").payload(size);
    const Seen v4 = error_about(packet, IcmpError::time_exceeded);
    EXPECT_EQ(v4.bytes().size(), std::min<std::size_t>(576, size + 28 + 28));
    Bytes quoted = packet.ip();
    quoted.resize(v4.bytes().size() - 28);
    EXPECT_EQ(v4.inner().bytes(), quoted);
    EXPECT_TRUE(v4.checksums_right());
    const Seen v6 =
        error_about(udp("[fd00::42]:5000", "[2001:db8::1]:53").payload(size), IcmpError::time_exceeded);
    EXPECT_EQ(v6.bytes().size(), std::min<std::size_t>(1280, size + 48 + 48));
    EXPECT_TRUE(v6.checksums_right());
  }
}

TEST(MayReport, forbids_errors_about_errors_groups_and_later_fragments) {  // RFC 1122 section 3.2.2, RFC 4443
                                                                           // section 2.4(e)
  const auto may = [](Bytes bytes) {
    return may_report(test::Parsed{std::move(bytes), net::Side::inside}.packet);
  };
  EXPECT_TRUE(may(udp("10.0.0.42:5000", "203.0.113.10:53").ip()));
  EXPECT_TRUE(may(udp("[fd00::42]:5000", "[2001:db8::1]:53").ip()));
  EXPECT_TRUE(may(test::ping("10.0.0.42", "203.0.113.10", 1).ip()));
  const auto pieces = udp("10.0.0.42:5000", "203.0.113.10:53").payload(100).fragments(48);
  EXPECT_TRUE(may(pieces[0]));
  EXPECT_FALSE(may(pieces[1]));
  EXPECT_FALSE(
      may(icmp_error("10.0.0.42", "203.0.113.10", 3, 1, udp("203.0.113.10:1", "10.0.0.42:2").ip()).ip()));
  for (const char* group : {"224.0.0.1:53", "255.255.255.255:53", "0.0.0.0:53", "127.0.0.1:53"}) {
    EXPECT_FALSE(may(udp("10.0.0.42:5000", group).ip())) << group;
    EXPECT_FALSE(may(udp(group, "10.0.0.42:5000").ip())) << group;
  }
  EXPECT_FALSE(may(udp("[fd00::42]:5000", "[ff02::1]:53").ip()));
  EXPECT_FALSE(may(udp("[::]:5000", "[2001:db8::1]:53").ip()));
}

Seen reset_for(const test::PacketBuilder& packet) {
  const FromOutside parsed{packet};
  Bytes out(max_reply);
  out.resize(make_tcp_reset(parsed.packet, out));
  return Seen{out};
}

TEST(TcpReset, answers_what_has_no_ack_by_acknowledging_all_of_it) {  // RFC 9293 section 3.10.7.1
  for (const auto& [from, to] :
       {std::pair{"203.0.113.10:4000", "198.51.100.1:22"}, {"[2001:db8::1]:4000", "[2001:db8::2]:22"}}) {
    const Seen reset = reset_for(tcp(from, to).syn().sequence(0xffffffff).payload(10));
    EXPECT_EQ(reset.to_string(), "tcp " + std::string{to} + " > " + from);
    EXPECT_EQ(reset.tcp().flags, net::TcpHeader::rst | net::TcpHeader::ack);
    EXPECT_EQ(reset.tcp().acknowledgement.host(), 10U) << "SYN and ten bytes, modulo 2^32";
    EXPECT_EQ(reset.tcp().sequence.host(), 0U);
    EXPECT_TRUE(reset.checksums_right());
  }
  EXPECT_EQ(reset_for(tcp("203.0.113.10:4000", "198.51.100.1:22").flags(0x01).sequence(5))
                .tcp()
                .acknowledgement.host(),
            6U)
      << "FIN";
  EXPECT_EQ(reset_for(tcp("203.0.113.10:4000", "198.51.100.1:22").syn().sequence(5).tcp_options(Bytes(8, 1)))
                .tcp()
                .acknowledgement.host(),
            6U)
      << "options are no data";
}

TEST(TcpReset, answers_what_has_an_ack_from_there) {  // RFC 9293 section 3.10.7.1
  auto packet = tcp("203.0.113.10:4000", "198.51.100.1:22").syn_ack().payload(3);
  FromOutside parsed{packet};
  parsed.packet.transport<net::TcpHeader>().acknowledgement = be32{77};
  Bytes out(max_reply);
  out.resize(make_tcp_reset(parsed.packet, out));
  const Seen reset{out};
  EXPECT_EQ(reset.tcp().flags, net::TcpHeader::rst);
  EXPECT_EQ(reset.tcp().sequence.host(), 77U);
  EXPECT_TRUE(reset.checksums_right());
}

TEST(SynChallenge, acknowledges_what_the_syn_did_not_send_and_is_no_longer_than_it) {  // GUARD-5, GUARD-7
  for (const auto& [from, to] :
       {std::pair{"203.0.113.10:4000", "198.51.100.1:22"}, {"[2001:db8::1]:4000", "[2001:db8::2]:22"}}) {
    const FromOutside syn{tcp(from, to).syn().sequence(0xfffffff0)};
    Bytes out(max_reply);
    out.resize(make_syn_challenge(syn.packet, 0x80000000, out));
    const Seen question{out};
    EXPECT_EQ(question.to_string(), "tcp " + std::string{to} + " > " + from);
    EXPECT_EQ(question.tcp().flags, net::TcpHeader::syn | net::TcpHeader::ack);
    EXPECT_EQ(question.tcp().acknowledgement.host(), 0x80000000U);
    EXPECT_TRUE(question.checksums_right());
    EXPECT_LE(out.size(), syn.bytes.size());
    // One that the sender could take for an answer to its SYN, or to text in it, is not sent.
    Bytes none(max_reply);
    EXPECT_EQ(make_syn_challenge(syn.packet, 0xfffffff1, none), 0U);
    EXPECT_EQ(make_syn_challenge(syn.packet, 1000, none), 0U);
    EXPECT_NE(make_syn_challenge(syn.packet, 0xfffffff0, none), 0U);
  }
}

TEST(TcpReset, is_not_answered_by_one) {
  const FromOutside parsed{tcp("203.0.113.10:4000", "198.51.100.1:22").rst()};
  Bytes out(max_reply);
  EXPECT_EQ(make_tcp_reset(parsed.packet, out), 0U);
}

}  // namespace
}  // namespace rgw::nat
