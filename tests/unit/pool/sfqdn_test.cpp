// The grammar of service names, POOL-2:
//   - service labels, both ways, and what is none
//   - SRV labels by name and by number
#include "realmgw/pool/sfqdn.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::pool {

// How GoogleTest shows a service.
void PrintTo(const std::optional<net::Service>& service, std::ostream* out) {
  *out << (service ? net::to_string(service->protocol) + "/" + std::to_string(service->port) : "nothing");
}

namespace {

using net::Protocol;
using net::Service;

TEST(Sfqdn, a_label_of_protocol_and_port_names_one_service) {  // POOL-2
  EXPECT_EQ(parse_service_label("tcp22"), (Service{Protocol::tcp, 22}));
  EXPECT_EQ(parse_service_label("udp5060"), (Service{Protocol::udp, 5060}));
  EXPECT_EQ(parse_service_label("sctp1"), (Service{Protocol::sctp, 1}));
  EXPECT_EQ(parse_service_label("tcp65535"), (Service{Protocol::tcp, 65535}));
}

TEST(Sfqdn, a_bare_protocol_names_all_of_its_ports) {  // POOL-2
  EXPECT_EQ(parse_service_label("tcp"), (Service{Protocol::tcp, 0}));
  EXPECT_EQ(parse_service_label("udp"), (Service{Protocol::udp, 0}));
  EXPECT_EQ(parse_service_label("sctp"), (Service{Protocol::sctp, 0}));
  EXPECT_EQ(parse_service_label("icmp"), (Service{Protocol::icmp, 0}));
}

TEST(Sfqdn, the_case_of_letters_means_nothing) {  // POOL-2, RFC 4343
  EXPECT_EQ(parse_service_label("TcP22"), (Service{Protocol::tcp, 22}));
  EXPECT_EQ(parse_service_label("ICMP"), (Service{Protocol::icmp, 0}));
  EXPECT_EQ(parse_srv_labels("_SSH", "_Tcp"), (Service{Protocol::tcp, 22}));
}

TEST(Sfqdn, what_is_not_of_the_grammar_is_no_service_label) {  // POOL-2
  const std::vector<std::string> others{
      "",
      "tcp0",
      "tcp022",
      "tcp65536",
      "tcp99999999999999999999",
      "tcp-1",
      "tcp+22",
      "tcp22x",
      "tcp 22",
      " tcp22",
      "tcp22 ",
      "tc",
      "tcp2 2",
      "icmp0",
      "icmp8",
      "icmp6",
      "tcp\x30\x31",
      "tcp0x16",
      "dccp5",
      "any",
      "22",
      "xtcp22",
      "tcpp22",
      "udp０",
      std::string{"tcp22\0", 6},
      std::string{"tcp\0", 4},
      "_tcp",
      "www",
  };
  for (const auto& label : others) EXPECT_EQ(parse_service_label(label), std::nullopt) << '"' << label << '"';
}

TEST(Sfqdn, every_service_label_reads_back_as_its_service) {
  EXPECT_EQ(service_label({}), "");
  EXPECT_EQ(service_label({Protocol::icmp, 0}), "icmp");
  for (const auto protocol : {Protocol::tcp, Protocol::udp, Protocol::sctp}) {
    for (unsigned port = 0; port <= 65535; ++port) {
      const Service service{protocol, static_cast<std::uint16_t>(port)};
      ASSERT_EQ(parse_service_label(service_label(service)), service);
    }
  }
}

TEST(Sfqdn, an_srv_name_means_the_port_that_iana_gave_its_service) {  // POOL-2, RFC 2782
  EXPECT_EQ(parse_srv_labels("_ssh", "_tcp"), (Service{Protocol::tcp, 22}));
  EXPECT_EQ(parse_srv_labels("_sip", "_udp"), (Service{Protocol::udp, 5060}));
  EXPECT_EQ(parse_srv_labels("_domain-s", "_tcp"), (Service{Protocol::tcp, 853}));
  EXPECT_EQ(parse_srv_labels("_xmpp-server", "_tcp"), (Service{Protocol::tcp, 5269}));
}

TEST(Sfqdn, an_srv_name_may_give_the_port_as_a_number) {
  EXPECT_EQ(parse_srv_labels("_2222", "_tcp"), (Service{Protocol::tcp, 2222}));
  EXPECT_EQ(parse_srv_labels("_0", "_tcp"), std::nullopt);
  EXPECT_EQ(parse_srv_labels("_022", "_tcp"), std::nullopt);
}

TEST(Sfqdn, an_srv_name_of_no_known_service_or_protocol_means_nothing) {
  EXPECT_EQ(parse_srv_labels("_nosuch", "_tcp"), std::nullopt);
  EXPECT_EQ(parse_srv_labels("ssh", "_tcp"), std::nullopt);
  EXPECT_EQ(parse_srv_labels("_ssh", "tcp"), std::nullopt);
  EXPECT_EQ(parse_srv_labels("_ssh", "_icmp"), std::nullopt);
  EXPECT_EQ(parse_srv_labels("_", "_tcp"), std::nullopt);
  EXPECT_EQ(parse_srv_labels("", ""), std::nullopt);
}

}  // namespace
}  // namespace rgw::pool
