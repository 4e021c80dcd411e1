// www: what serves the web names of hosts (WEB-1).
//  - nobody, unless nginx is named; where its configuration is written
//  - a host's web name, with a PROXY header or without
//  - the ports that nginx needs are the gateway's own, where it shares its address; addresses that are
//  others'
#include "support.hpp"

namespace rgw::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr net::Service http{net::Protocol::tcp, 80}, https{net::Protocol::tcp, 443};

TEST(WwwSection, has_no_proxy_unless_nginx_is_named) {
  const Realm without = realm_with("");
  EXPECT_EQ(without.www.proxy, Www::Proxy::none);
  EXPECT_THAT(without.local_services, testing::Not(testing::Contains(http)));
  const Realm with = realm_with("www: { proxy: nginx }\n");
  EXPECT_EQ(with.www.proxy, Www::Proxy::nginx);
  EXPECT_THAT(with.local_services, testing::IsSupersetOf({http, https}));
  EXPECT_THAT(problems_with("www: { proxy: apache }\n"), ElementsAre(HasSubstr("none or nginx")));
}

TEST(WwwSection, writes_beside_the_control_socket_unless_told_otherwise) {
  EXPECT_EQ(realm_with("").www.directory, "/run/realmgw");
  EXPECT_EQ(realm_with("control: { socket: /run/one/x.sock }\n").www.directory, "/run/one");
  EXPECT_EQ(realm_with("control: { socket: /x.sock }\n").www.directory, "/");
  EXPECT_EQ(realm_with("www: { directory: /run/two }\n").www.directory, "/run/two");
  EXPECT_THAT(problems_with("www: { directory: two }\n"), ElementsAre(HasSubstr("absolute path")));
}

TEST(WwwSection, takes_a_hosts_web_name_with_a_proxy_header_or_without) {
  const auto host = [](const std::string& www) {
    return realm_with(
               "dns: { proxy: 198.51.100.80 }\npool: { addresses: 198.51.100.10 }\n"
               "hosts: { hosta: { addresses: 10.0.0.42, www: " +
               www + " } }\n")
        .hosts.at(0);
  };
  EXPECT_FALSE(host("false").www);
  EXPECT_TRUE(host("true").www);
  EXPECT_FALSE(host("true").proxy_protocol);
  EXPECT_TRUE(host("{}").www);
  EXPECT_FALSE(host("{}").proxy_protocol);
  EXPECT_TRUE(host("{ proxy_protocol: true }").www);
  EXPECT_TRUE(host("{ proxy_protocol: true }").proxy_protocol);
  EXPECT_THAT(problems_with("hosts: { hosta: { addresses: 10.0.0.42, www: { proxy: true } } }\n"),
              testing::Contains(HasSubstr("hosts.hosta.www.proxy: unknown key")));
}

TEST(WwwSection, refuses_services_without_the_ports_that_nginx_needs_on_a_shared_address) {
  const std::string services = "www: { proxy: nginx }\ngateway: { services: [tcp53, udp53, icmp, tcp443] }\n";
  EXPECT_THAT(problems_with(services),
              ElementsAre(HasSubstr("gateway.services: lacks tcp80: 198.51.100.1 is shared")));
  EXPECT_THAT(problems_with(services + "outbound: { addresses: 198.51.100.9 }\n"), IsEmpty());
  EXPECT_THAT(problems_with("www: { proxy: nginx }\ngateway: { services: [tcp80, tcp443] }\n"), IsEmpty());
}

TEST(WwwSection, refuses_a_port_of_nginx_that_is_forwarded) {
  EXPECT_THAT(problems_with("www: { proxy: nginx }\n"
                            "forward: [{ outside: '198.51.100.1:80', inside: '10.0.0.42:80' }]\n"),
              ElementsAre(HasSubstr("is served by the gateway itself")));
}

TEST(WwwSection, refuses_an_address_where_nginx_cannot_listen) {
  EXPECT_THAT(problems_with("www: { proxy: nginx }\ndns: { proxy: [198.51.100.1, 198.51.100.80] }\n"),
              ElementsAre(HasSubstr("dns.proxy[1]: 198.51.100.80 is no service address of the gateway")));
  EXPECT_THAT(problems_with("dns: { proxy: [198.51.100.1, 198.51.100.80] }\n"), IsEmpty());
}

TEST(WwwSection, warns_of_web_names_that_nobody_serves) {
  const std::string host =
      "pool: { addresses: 198.51.100.10 }\nhosts: { hosta: { addresses: 10.0.0.42, www: true } }\n";
  EXPECT_THAT(warnings_with(host), ElementsAre(HasSubstr("write www: { proxy: nginx }")));
  EXPECT_THAT(warnings_with(host + "www: { proxy: nginx }\n"), IsEmpty());
}

}  // namespace
}  // namespace rgw::config
