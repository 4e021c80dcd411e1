// OPS-2, one worker's part: another policy comes into force while ports, mappings and sessions are in use.
//   - places of addresses: who has ports stays at its place, whatever is added, removed or reordered
//   - static mappings keep their sessions' count; limits by host change
//   - on what each session stands afterwards, within and across families
//   - a mapping whose address or port is gone takes no new session, and is gone with those that it has
#include "realmgw/nat/admission.hpp"

#include "unit/nat/parsed.hpp"
#include <gmock/gmock.h>

namespace rgw::nat {
namespace {

using namespace std::chrono_literals;
using Kind = Admitted::Kind;
using net::Protocol;
using test::address;
using test::endpoint;
using test::FromInside;
using test::FromOutside;
using test::tcp;
using test::udp;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Instant now{1000s};

std::vector<net::IpAddress> addresses(std::initializer_list<const char*> texts) {
  std::vector<net::IpAddress> list;
  for (const char* text : texts) list.push_back(address(text));
  return list;
}

Policy policy_of(std::initializer_list<const char*> external) {
  Policy policy;
  policy.external = addresses(external);
  policy.max_sessions = 64;
  policy.max_bindings = 64;
  return policy;
}

/// As a snapshot does it that follows another one.
Policy after(const Policy& former, Policy next) {
  next.former_places = port_places(former);
  return next;
}

// ---- sizes, and places

TEST(SizesOf, tell_what_tables_a_worker_needs) {
  const Policy plain = policy_of({"198.51.100.1"});
  EXPECT_EQ(sizes_of(plain), sizes_of(policy_of({"198.51.100.2", "198.51.100.3"})));
  const auto differs = [&](auto&& change) {
    Policy other = plain;
    change(other);
    return !(sizes_of(other) == sizes_of(plain));
  };
  EXPECT_TRUE(differs([](Policy& p) { p.max_sessions = 65; }));
  EXPECT_TRUE(differs([](Policy& p) { p.max_bindings = 65; }));
  EXPECT_TRUE(differs([](Policy& p) { p.max_pinholes = 1; }));
  EXPECT_TRUE(differs([](Policy& p) { p.max_explicit_mappings = 1; }));
  EXPECT_TRUE(differs([](Policy& p) { p.mapping = Mapping::endpoint_independent; }));
  EXPECT_TRUE(differs([](Policy& p) { p.pref64.emplace(*net::Prefix::parse("fd64::/96")); }));
  EXPECT_TRUE(differs([](Policy& p) { p.proxies.emplace(*net::Prefix::parse("100.64.0.0/24")); }));
  EXPECT_TRUE(differs([](Policy& p) { p.filtering = Filtering::address_dependent; }));
  EXPECT_TRUE(differs([](Policy& p) { p.max_ports_per_host = 100; }));
  EXPECT_FALSE(differs([](Policy& p) { p.filtering = Filtering::endpoint_independent; }));
  EXPECT_FALSE(differs([](Policy& p) { p.max_sessions_per_host = 7; }));
  EXPECT_FALSE(differs([](Policy& p) { p.static_mappings.resize(3); }));
}

TEST(PortPlaces, are_the_former_ones_then_the_external_addresses_then_shared_ones_each_once) {
  Policy policy = policy_of({"198.51.100.2", "198.51.100.1"});
  policy.shared_service = addresses({"198.51.100.1", "198.51.100.9"});
  EXPECT_EQ(port_places(policy), addresses({"198.51.100.2", "198.51.100.1", "198.51.100.9"}));
  policy.former_places = addresses({"198.51.100.7", "198.51.100.1"});
  EXPECT_EQ(port_places(policy), addresses({"198.51.100.7", "198.51.100.1", "198.51.100.2", "198.51.100.9"}));
}

class ExternalPortsTest : public testing::Test {
 protected:
  /// Goes over to another policy, as Admission does.
  void change(Policy next) {
    policy = after(policy, std::move(next));
    ExternalPorts fresh{policy, law, WorkerId{}, salt};
    fresh.take_over(ports);
    ports = std::move(fresh);
  }
  PortSet& set(const char* external, Protocol protocol = Protocol::udp) {
    return ports[ports.set(address(external), protocol).value()];
  }
  [[nodiscard]] std::vector<std::string> leaves_with(net::Family family = net::Family::v4) const {
    std::vector<std::string> list;
    for (const auto place : ports.places(family)) list.push_back(ports.address(place).to_string());
    return list;
  }

  Random random{1};
  HashSalt salt{random};
  Ownership law{1, salt};
  Policy policy = policy_of({"198.51.100.1", "198.51.100.2", "2001:db8::1"});
  ExternalPorts ports{policy, law, WorkerId{}, salt};
};

TEST_F(ExternalPortsTest, sets_keep_their_numbers_and_what_is_in_use_in_them) {
  const auto one = *ports.set(address("198.51.100.1"), Protocol::udp),
             two = *ports.set(address("198.51.100.2"), Protocol::tcp);
  ASSERT_TRUE(ports[one].hold(5000));
  ASSERT_TRUE(ports[two].use(6000));
  // Reordered, one of them gone, and others before it.
  change(policy_of({"198.51.100.9", "198.51.100.2", "198.51.100.8"}));
  EXPECT_THAT(leaves_with(), ElementsAre("198.51.100.9", "198.51.100.2", "198.51.100.8"));
  EXPECT_THAT(leaves_with(net::Family::v6), IsEmpty());
  EXPECT_EQ(ports.set(address("198.51.100.2"), Protocol::tcp), two);
  EXPECT_EQ(ports.set(address("198.51.100.1"), Protocol::udp), one) << "sessions have ports of it still";
  EXPECT_EQ(ports[two].uses(6000), 1U);
  EXPECT_TRUE(ports[one].is_held(5000));
  EXPECT_EQ(ports.occupied(), 2U);
  // And back again: what was in use all the time is not given to another.
  change(policy_of({"198.51.100.1"}));
  EXPECT_THAT(leaves_with(), ElementsAre("198.51.100.1"));
  EXPECT_FALSE(set("198.51.100.1").hold(5000));
  ports[one].release(5000);
  ports[two].unuse(6000);
  EXPECT_EQ(ports.occupied(), 0U);
}

TEST_F(ExternalPortsTest, only_external_addresses_serve_new_sessions) {
  const auto one = *ports.set(address("198.51.100.1"), Protocol::udp);
  EXPECT_TRUE(ports.serves(one, 5000));
  Policy next = policy_of({"198.51.100.2"});
  next.shared_service = addresses({"198.51.100.1"});
  change(next);
  EXPECT_FALSE(ports.serves(one, 5000));
  next = policy_of({"198.51.100.2", "198.51.100.1"});
  next.external_ports = {{}, {1024, 2047}};
  change(next);
  EXPECT_FALSE(ports.serves(one, 5000)) << "beyond its range";
  EXPECT_TRUE(ports.serves(one, 2047));
}

TEST_F(ExternalPortsTest, ranges_and_reserved_ports_are_those_of_the_new_policy) {
  Policy next = policy_of({"198.51.100.2", "198.51.100.1"});
  next.external_ports = {{2048, 4095}, {1024, 2047}};
  next.local_services = {{Protocol::udp, 2053}};
  next.static_mappings = {{Protocol::udp, endpoint("198.51.100.1:1080"), endpoint("10.0.0.43:80")}};
  next.pinhole_ports = net::PortRange{3000, 3001};
  change(next);
  EXPECT_TRUE(set("198.51.100.1").gives(1024));
  EXPECT_FALSE(set("198.51.100.1").gives(2048));
  EXPECT_TRUE(set("198.51.100.2").gives(2048));
  EXPECT_TRUE(set("198.51.100.2").is_held(2053));
  EXPECT_TRUE(set("198.51.100.2").is_held(3001));
  EXPECT_FALSE(set("198.51.100.2", Protocol::sctp).is_held(3001)) << "no pinholes of SCTP";
  EXPECT_TRUE(set("198.51.100.1").is_held(1080));
  EXPECT_FALSE(set("198.51.100.1", Protocol::tcp).is_held(1080));
  change(policy_of({"198.51.100.2", "198.51.100.1"}));
  for (const std::uint16_t port : {std::uint16_t{1080}, std::uint16_t{2053}, std::uint16_t{3001}})
    EXPECT_TRUE(set("198.51.100.2").is_free(port));
  EXPECT_TRUE(set("198.51.100.1").gives(2048));
}

// ---- static mappings

TEST(StaticBibTest, mappings_that_stay_keep_their_sessions) {
  Random random{1};
  const HashSalt salt{random};
  const StaticMapping ssh{Protocol::tcp, endpoint("198.51.100.1:22"), endpoint("10.0.0.42:22")},
      web{Protocol::tcp, endpoint("198.51.100.1:80"), endpoint("10.0.0.43:80")},
      name{Protocol::udp, endpoint("198.51.100.1:80"), endpoint("10.0.0.43:80")};
  const std::vector<StaticMapping> former{ssh, web, name};
  StaticBib bib{former, salt};
  bib.join(0);
  bib.join(0);
  bib.join(1);
  StaticMapping elsewhere = web;
  elsewhere.inside = endpoint("10.0.0.44:80");
  const std::vector<StaticMapping> next{name, elsewhere, ssh};
  StaticBib changed{next, salt};
  changed.take_over(bib);
  EXPECT_EQ(changed.sessions(0), 0U) << "the other protocol's";
  EXPECT_EQ(changed.sessions(1), 0U) << "it leads to another host";
  EXPECT_EQ(changed.sessions(2), 2U);
  changed.leave(ssh.outside, ssh.protocol);
  EXPECT_EQ(changed.sessions(2), 1U);
  const std::vector<StaticMapping> none;
  StaticBib empty{none, salt};
  empty.take_over(changed);
  EXPECT_EQ(empty.find_outside(ssh.outside, ssh.protocol), nullptr);
}

// ---- sessions

/// A worker's part, and the policies that it has gone by.
class ChangedRules : public testing::Test {
 protected:
  void begin(Policy policy) {
    policies_.push_back(std::make_unique<Policy>(std::move(policy)));
    book.emplace(*policies_.back(), law, WorkerId{}, sessions, bindings, salt);
    admission.emplace(*book, random);
  }
  void change(Policy next) {
    policies_.push_back(std::make_unique<Policy>(after(*policies_.back(), std::move(next))));
    Rules rules{*policies_.back(), law, WorkerId{}, salt};
    book->adopt(rules);
  }
  Admitted out(const test::PacketBuilder& packet) {
    const FromInside from{packet};
    const net::Packet& parsed = from.packet;
    const auto far =
        parsed.family == net::Family::v4 ? net::IpAddress{parsed.key4.far} : net::IpAddress{parsed.key6.far};
    const auto remote = admission->remote_of(far, now);
    if (!remote) return Admitted::dropped(Counter::no_translation);
    return remote->is_v4() ? admission->outbound(parsed, remote->v4(), false, now)
                           : admission->outbound(parsed, remote->v6(), false, now);
  }
  Admitted in(const test::PacketBuilder& packet) {
    return admission->inbound(FromOutside{packet}.packet, false, false, now);
  }
  Admitted own(const test::PacketBuilder& packet) { return admission->local(FromInside{packet}.packet, now); }
  const Session& session(const Admitted& made) {
    EXPECT_EQ(made.kind, Kind::session);
    return sessions[made.slot];
  }
  Standing standing(const Admitted& made) { return admission->standing(session(made)); }
  void end(const Admitted& made) { book->end(made.slot, Counter::session_ended); }

  Random random{1};
  HashSalt salt{random};
  Ownership law{1, salt};
  SessionTable sessions{64, salt, now};
  BindingTable bindings{64, salt};
  std::optional<SessionBook> book;
  std::optional<Admission> admission;

 private:
  std::vector<std::unique_ptr<Policy>> policies_;
};

TEST_F(ChangedRules, a_session_goes_on_and_new_ones_leave_with_the_new_address) {
  begin(policy_of({"198.51.100.1"}));
  const auto former = out(udp("10.0.0.42:5000", "203.0.113.10:53"));
  change(policy_of({"198.51.100.2"}));
  EXPECT_EQ(session(former).external(), address("198.51.100.1"));
  EXPECT_EQ(standing(former), Standing::none) << "nobody leaves with that address any more";
  const auto next = out(udp("10.0.0.42:5000", "203.0.113.11:53"));
  EXPECT_EQ(session(next).external(), address("198.51.100.2"));
  EXPECT_EQ(standing(next), Standing::port);
  change(policy_of({"198.51.100.2", "198.51.100.1"}));
  EXPECT_EQ(standing(former), Standing::port) << "it has come back";
  EXPECT_EQ(book->occupied_ports(), 2U);
  end(former);
  end(next);
  EXPECT_EQ(book->occupied_ports(), 0U);
}

TEST_F(ChangedRules, a_port_out_of_the_new_range_stands_no_more) {
  for (const Mapping mapping : {Mapping::address_and_port_dependent, Mapping::endpoint_independent}) {
    Policy policy = policy_of({"198.51.100.1"});
    policy.mapping = mapping;
    begin(policy);
    const auto low = out(udp("10.0.0.42:2000", "203.0.113.10:53")),
               high = out(udp("10.0.0.42:5000", "203.0.113.10:53"));
    policy.external_ports = {{1024, 2047}};
    change(policy);
    EXPECT_EQ(standing(low), Standing::port);
    EXPECT_EQ(standing(high), Standing::none);
    end(low);
    end(high);
    EXPECT_EQ(book->occupied_ports(), 0U);
  }
}

TEST_F(ChangedRules, a_static_mapping_stands_as_long_as_it_leads_to_the_same_host) {
  Policy policy = policy_of({"198.51.100.1"});
  policy.static_mappings = {{Protocol::tcp, endpoint("198.51.100.1:8080"), endpoint("10.0.0.43:80")}};
  begin(policy);
  const auto made = in(tcp("203.0.113.10:4000", "198.51.100.1:8080").syn());
  EXPECT_EQ(standing(made), Standing::fixed);
  change(policy);
  EXPECT_EQ(standing(made), Standing::fixed);
  policy.static_mappings[0].inside = endpoint("10.0.0.43:81");
  change(policy);
  EXPECT_EQ(standing(made), Standing::none);
  policy.static_mappings.clear();
  change(policy);
  EXPECT_EQ(standing(made), Standing::none) << "what it stood on is gone";
  end(made);
  EXPECT_EQ(book->occupied_ports(), 0U);
}

// POOL-11: the mapping of the realm file comes first, so the former owner's packets would reach another host.
TEST_F(ChangedRules, who_has_the_port_of_a_new_static_mapping_stands_no_more) {
  Policy policy = policy_of({"198.51.100.1"});
  begin(policy);
  const auto made = out(tcp("10.0.0.42:5000", "203.0.113.10:80").syn());
  policy.static_mappings = {{Protocol::tcp, endpoint("198.51.100.1:5000"), endpoint("10.0.0.43:80")}};
  change(policy);
  EXPECT_EQ(standing(made), Standing::none);
  policy.static_mappings[0].inside = endpoint("10.0.0.42:5000");
  change(policy);
  EXPECT_EQ(standing(made), Standing::fixed) << "its own host's";
  end(made);
  EXPECT_EQ(book->occupied_ports(), 1U) << "the mapping has its port still";
}

TEST_F(ChangedRules, the_gateways_own_sessions_are_local) {
  Policy policy = policy_of({"198.51.100.1"});
  policy.shared_service = policy.external;
  begin(policy);
  const auto made = own(udp("198.51.100.1:40000", "203.0.113.10:53"));
  change(policy_of({"198.51.100.2"}));
  EXPECT_EQ(standing(made), Standing::local);
  end(made);
  EXPECT_EQ(book->occupied_ports(), 0U);
}

TEST_F(ChangedRules, a_session_by_a_reservation_stands_on_nothing_of_this_part) {
  begin(policy_of({"198.51.100.1"}));
  ASSERT_TRUE(bindings.bind(address("198.51.100.10"), {Protocol::tcp, 22}, ReservationId{1}, 1,
                            address("10.0.0.42"), now + 2s));
  const auto made = in(tcp("203.0.113.10:4000", "198.51.100.10:22").syn());
  change(policy_of({"198.51.100.2"}));
  EXPECT_EQ(standing(made), Standing::other);
}

TEST_F(ChangedRules, a_session_within_ipv6_stands_on_its_port) {  // NAT66
  begin(policy_of({"2001:db8::1"}));
  const auto made = out(udp("[fd00:10::42]:5000", "[2001:db8:9::9]:53"));
  EXPECT_EQ(standing(made), Standing::port);
  change(policy_of({"2001:db8::2"}));
  EXPECT_EQ(standing(made), Standing::none);
}

TEST_F(ChangedRules, a_session_from_ipv6_stands_while_the_prefix_means_its_remote) {  // NAT64
  Policy policy = policy_of({"198.51.100.1"});
  policy.pref64.emplace(*net::Prefix::parse("fd64::/96"));
  begin(policy);
  const auto made = out(udp("[fd00:10::42]:5000", "[fd64::203.0.113.10]:53"));
  EXPECT_EQ(standing(made), Standing::port);
  change(policy);
  EXPECT_EQ(standing(made), Standing::port);
  policy.pref64.emplace(*net::Prefix::parse("fd65::/96"));
  change(policy);
  EXPECT_EQ(standing(made), Standing::none) << "its packets would go elsewhere";
  policy.pref64.reset();
  policy.mapping = Mapping::endpoint_independent;
  change(policy);
  EXPECT_EQ(standing(made), Standing::none);
  end(made);
  EXPECT_EQ(book->occupied_ports(), 0U);
}

TEST_F(ChangedRules, a_session_from_ipv4_stands_while_its_proxy_is_one) {  // NAT46
  Policy policy = policy_of({"2001:db8::1"});
  policy.proxies.emplace(*net::Prefix::parse("100.64.0.0/24"));
  begin(policy);
  const net::Ipv4Address proxy{100, 64, 0, 5};
  ASSERT_TRUE(book->proxies().bind(proxy, address("2001:db8:9::9").v6(), now + 60s));
  const auto made = out(udp("10.0.0.42:5000", "100.64.0.5:53"));
  EXPECT_EQ(standing(made), Standing::port);
  policy.proxies.emplace(*net::Prefix::parse("100.65.0.0/24"));
  change(policy);
  EXPECT_EQ(standing(made), Standing::none);
}

// ---- mappings

/// A policy by which hosts have mappings, and may ask for them.
Policy mapping_policy(const char* external) {
  Policy policy = policy_of({external});
  policy.mapping = Mapping::endpoint_independent;
  policy.filtering = Filtering::endpoint_independent;
  policy.max_explicit_mappings = 8;
  return policy;
}

TEST_F(ChangedRules, a_mapping_that_stays_serves_new_sessions) {
  begin(mapping_policy("198.51.100.1"));
  static_cast<void>(out(udp("10.0.0.42:5000", "203.0.113.10:53")));
  Policy next = mapping_policy("198.51.100.2");
  next.external.push_back(address("198.51.100.1"));
  change(next);
  const auto made = out(udp("10.0.0.42:5000", "203.0.113.11:53"));
  EXPECT_EQ(session(made).external(), address("198.51.100.1"));
  EXPECT_EQ(in(udp("203.0.113.12:53", "198.51.100.1:5000")).kind, Kind::session);
}

// Or it would live on by sessions that nobody looks at any more.
TEST_F(ChangedRules, a_mapping_whose_address_is_gone_takes_no_new_session_and_ends_with_the_last_one) {
  begin(mapping_policy("198.51.100.1"));
  const auto former = out(udp("10.0.0.42:5000", "203.0.113.10:53"));
  change(mapping_policy("198.51.100.2"));
  EXPECT_EQ(out(udp("10.0.0.42:5000", "203.0.113.11:53")).why, Counter::no_external_address);
  EXPECT_EQ(in(udp("203.0.113.11:53", "198.51.100.1:5000")).why, Counter::filtered);
  end(former);
  EXPECT_EQ(book->mappings().size(), 0U);
  const auto next = out(udp("10.0.0.42:5000", "203.0.113.11:53"));
  EXPECT_EQ(session(next).external(), address("198.51.100.2"));
  end(next);
  EXPECT_EQ(book->occupied_ports(), 0U);
}

TEST_F(ChangedRules, a_mapping_whose_port_is_another_hosts_takes_no_new_session) {
  begin(mapping_policy("198.51.100.1"));
  const auto former = out(udp("10.0.0.42:5000", "203.0.113.10:53"));
  Policy next = mapping_policy("198.51.100.1");
  next.static_mappings = {{Protocol::udp, endpoint("198.51.100.1:5000"), endpoint("10.0.0.43:80")}};
  change(next);
  EXPECT_EQ(out(udp("10.0.0.42:5000", "203.0.113.11:53")).why, Counter::no_external_address);
  end(former);
  const auto moved = out(udp("10.0.0.42:5000", "203.0.113.11:53"));
  EXPECT_NE(session(moved).outside.tail.near_port.host(), 5000);
}

TEST_F(ChangedRules, a_host_is_not_given_the_mapping_whose_address_is_gone) {  // RFC 6887
  begin(mapping_policy("198.51.100.1"));
  const MappingName name{endpoint("10.0.0.42:5000"), Protocol::udp, net::Family::v4};
  const MapWish wish{name, std::nullopt, 0, false, false};
  ASSERT_EQ(admission->map(wish, now).why, MapGrant::Why::granted);
  change(mapping_policy("198.51.100.2"));
  EXPECT_EQ(admission->map(wish, now).why, MapGrant::Why::no_room);
  admission->hold(wish.name, Hold::none);
  const MapGrant next = admission->map(wish, now);
  ASSERT_EQ(next.why, MapGrant::Why::granted);
  EXPECT_EQ(next.external.address, address("198.51.100.2"));
  admission->hold(wish.name, Hold::none);
  EXPECT_EQ(book->occupied_ports(), 0U);
}

TEST_F(ChangedRules, limits_of_hosts_are_the_new_ones) {  // RFC 6888 REQ-4
  Policy policy = policy_of({"198.51.100.1"});
  policy.max_sessions_per_host = 2;
  begin(policy);
  const auto open = [&](unsigned port) {
    return out(udp(net::Endpoint{address("10.0.0.42"), static_cast<std::uint16_t>(port)}.to_string(),
                   "203.0.113.10:53"));
  };
  EXPECT_EQ(open(5000).kind, Kind::session);
  policy.max_sessions_per_host = 1;
  change(policy);
  EXPECT_EQ(open(5001).why, Counter::session_host_limit);
  policy.max_sessions_per_host = 3;
  change(policy);
  EXPECT_EQ(open(5001).kind, Kind::session);
  EXPECT_EQ(open(5002).kind, Kind::session);
  EXPECT_EQ(open(5003).why, Counter::session_host_limit);
}

}  // namespace
}  // namespace rgw::nat
