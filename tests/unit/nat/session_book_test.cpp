// A session's birth and death, without a dataplane:
// - observers hear of each once, complete at its birth and whole at its end; one may refuse it
// - a refused session leaves nothing behind, whatever it stood on
// - a session that is carried over as a record works as the first did, in all family pairs and on all
// grounds,
//   and gives back as much; what is in the way is told, and nothing has changed then
#include "realmgw/nat/admission.hpp"

#include <string>
#include <vector>

#include "unit/nat/parsed.hpp"

namespace rgw::nat {
namespace {

using namespace std::chrono_literals;
using Kind = Admitted::Kind;
using net::Protocol;
using test::address;
using test::endpoint;
using test::FromInside;
using test::FromOutside;
using test::ping;
using test::tcp;
using test::udp;

Policy both_families(Mapping mapping = Mapping::address_and_port_dependent) {
  Policy policy;
  policy.external = {address("198.51.100.1"), address("2001:db8:100::1")};
  policy.static_mappings = {{Protocol::tcp, endpoint("198.51.100.1:8443"), endpoint("10.0.0.42:443")}};
  policy.pref64 = net::Pref64{*net::Prefix::parse("fd64::/96")};
  policy.proxies = ProxyBlock{*net::Prefix::parse("100.64.0.0/16")};
  policy.mapping = mapping;
  policy.max_ports_per_host = 100;
  policy.max_pinholes = 8;
  policy.max_sessions = 64;
  policy.max_bindings = 64;
  return policy;
}

/// Writes down what it hears, and checks that it is true then.
class Witness : public SessionObserver {
 public:
  explicit Witness(SessionTable& sessions) : sessions_{sessions} {}
  std::optional<Counter> session_began(SessionSlot slot, const NewGround& ground) override {
    const Session& session = sessions_[slot];
    EXPECT_EQ(session.ground, ground.kind);
    EXPECT_TRUE(findable(session));
    heard.push_back("+" + session.host().to_string());
    return refusal;
  }
  void session_ends(SessionSlot slot, Counter why) override {
    const Session& session = sessions_[slot];
    EXPECT_TRUE(findable(session));
    heard.push_back("-" + session.host().to_string());
    reasons.push_back(why);
  }

  std::optional<Counter> refusal;
  std::vector<std::string> heard;
  std::vector<Counter> reasons;

 private:
  [[nodiscard]] bool findable(const Session& session) const {
    const auto by = [&](Side side, Family family) {
      return family == Family::v4 ? sessions_.find(session.key<net::Ipv4Address>(side))
                                  : sessions_.find(session.key<net::Ipv6Address>(side));
    };
    return by(Side::inside, session.inside_family()) != no_session &&
           by(Side::outside, session.outside_family()) != no_session;
  }
  SessionTable& sessions_;
};

struct World {
  explicit World(Policy p = both_families()) : policy{std::move(p)}, free_ports{book.occupied_ports()} {
    book.observe(witness);
  }

  Random random{1};
  HashSalt salt{random};
  Policy policy;
  Ownership law{1, salt};
  Instant now{1000s};
  SessionTable sessions{policy.max_sessions, salt, now};
  BindingTable bindings{policy.max_bindings, salt};
  SessionBook book{policy, law, WorkerId{}, sessions, bindings, salt};
  Admission admission{book, random};
  Witness witness{sessions};
  std::size_t free_ports;

  Admitted out(const test::PacketBuilder& packet) {
    const FromInside from{packet};
    const auto& parsed = from.packet;
    const auto remote = admission.remote_of(
        parsed.family == Family::v4 ? net::IpAddress{parsed.key4.far} : net::IpAddress{parsed.key6.far}, now);
    if (!remote) return Admitted::dropped(Counter::no_translation);
    return remote->is_v4() ? admission.outbound(parsed, remote->v4(), false, now)
                           : admission.outbound(parsed, remote->v6(), false, now);
  }
  Admitted in(const test::PacketBuilder& packet) {
    return admission.inbound(FromOutside{packet}.packet, false, false, now);
  }
  /// One session, opened in a way of its own.
  SessionSlot opened(const std::string& way) {
    const auto made = [&] {
      if (way == "NAT44") return out(tcp("10.0.0.42:4000", "203.0.113.10:80").syn());
      if (way == "NAT44 udp") return out(udp("10.0.0.42:4000", "203.0.113.10:53"));
      if (way == "NAT44 ping") return out(ping("10.0.0.42", "203.0.113.10", 77));
      if (way == "NAT66") return out(tcp("[fd00:10::5]:4000", "[2001:db8:9::9]:80").syn());
      if (way == "NAT64") return out(tcp("[fd00:10::5]:4000", "[fd64::203.0.113.10]:80").syn());
      if (way == "NAT46") {
        EXPECT_TRUE(book.proxies().bind(address("100.64.0.7").v4(), address("2001:db8:9::9").v6(), now + 1s));
        return out(tcp("10.0.0.42:4000", "100.64.0.7:80").syn());
      }
      if (way == "static, outbound") return out(tcp("10.0.0.42:443", "203.0.113.10:80").syn());
      if (way == "static, inbound") return in(tcp("203.0.113.10:4000", "198.51.100.1:8443").syn());
      if (way == "pinhole") {
        Pinhole hole{};
        hole.id = 1;
        hole.inside = endpoint("10.0.0.42:6000");
        hole.external = endpoint("198.51.100.1:50000");
        hole.deadline = now + 5s;
        hole.protocol = Protocol::udp;
        hole.arrival = Side::outside;
        hole.ports = 1;
        EXPECT_NE(book.pinholes().add(hole), PinholeTable::none);
        return in(udp("203.0.113.10:4000", "198.51.100.1:50000"));
      }
      EXPECT_TRUE(way == "claim" || way == "pledge");
      EXPECT_TRUE(
          bindings.bind(address("198.51.100.10"), {}, ReservationId{1}, 1, address("10.0.0.42"), now + 2s));
      if (way == "claim") return in(udp("203.0.113.10:4000", "198.51.100.10:22"));
      return in(tcp("203.0.113.10:4000", "198.51.100.10:22").syn());
    }();
    if (made.kind == Kind::session) return made.slot;
    refused = made.why;
    return no_session;
  }
  Counter refused{};

  /// All that sessions could hold is free.
  void expect_empty() {
    EXPECT_EQ(sessions.size(), 0U);
    EXPECT_EQ(sessions.index().size(), 0U);
    EXPECT_EQ(book.occupied_ports(), free_ports);
    EXPECT_EQ(book.mappings().size(), 0U);
    EXPECT_EQ(book.hosts().hosts(), 0U);
    EXPECT_EQ(bindings.pledges().size(), 0U);
    for (StaticBib::Index i = 0; i < book.rules().static_bib.size(); ++i)
      EXPECT_EQ(book.rules().static_bib.sessions(i), 0U);
    for (PinholeTable::Index i = 0; i < book.pinholes().high_water(); ++i)
      EXPECT_EQ(book.pinholes().sessions(i), 0U);
  }
};

const std::vector<std::string> ways{"NAT44", "NAT44 udp",        "NAT44 ping",      "NAT66",   "NAT64",
                                    "NAT46", "static, outbound", "static, inbound", "pinhole", "claim",
                                    "pledge"};
constexpr std::array mappings{Mapping::address_and_port_dependent, Mapping::endpoint_independent};

template <class Test>
void each(Test&& test) {
  for (const auto mapping : mappings) {
    for (const auto& way : ways) {
      SCOPED_TRACE(way + (mapping == Mapping::endpoint_independent ? ", endpoint-independent" : ""));
      test(both_families(mapping), way);
    }
  }
}

TEST(SessionBook, tells_of_each_birth_and_each_death_once) {
  each([](const Policy& policy, const std::string& way) {
    World world{policy};
    const SessionSlot slot = world.opened(way);
    ASSERT_NE(slot, no_session);
    const auto host = world.sessions[slot].host().to_string();
    EXPECT_EQ(world.witness.heard, std::vector{"+" + host});
    world.book.end(slot, Counter::session_expired);
    EXPECT_EQ(world.witness.heard, (std::vector{"+" + host, "-" + host}));
    EXPECT_EQ(world.witness.reasons, std::vector{Counter::session_expired});
    world.expect_empty();
  });
}

TEST(SessionBook, a_session_that_an_observer_refuses_leaves_nothing_behind) {
  each([](const Policy& policy, const std::string& way) {
    World world{policy};
    Witness second{world.sessions};
    world.book.observe(second);
    world.witness.refusal = Counter::alg_table_full;
    EXPECT_EQ(world.opened(way), no_session);
    EXPECT_EQ(world.refused, Counter::alg_table_full);
    EXPECT_EQ(world.witness.heard.size(), 2U);
    EXPECT_TRUE(second.heard.empty()) << "it never heard of the birth";
    world.expect_empty();
  });
}

TEST(SessionBook, a_signpost_ends_in_silence) {
  World world;
  const SessionSlot slot = world.sessions.allocate();
  Session& signpost = world.sessions[slot];
  signpost.signpost = true;
  signpost.inside.tail.protocol = Protocol::udp;
  signpost.outside = FromOutside{udp("203.0.113.10:4000", "198.51.100.10:22")}.packet.key4;
  ASSERT_TRUE(world.sessions.publish(slot, tick_of(world.now)));
  world.book.end(slot, Counter::session_expired);
  EXPECT_TRUE(world.witness.heard.empty());
  world.expect_empty();
}

// ---- records

TEST(SessionBook, a_session_that_is_carried_over_is_the_same_and_gives_back_as_much) {
  each([](const Policy& policy, const std::string& way) {
    if (way == "pledge") return;  // it is not carried over, see below
    World before{policy}, after{policy};
    const SessionSlot slot = before.opened(way);
    ASSERT_NE(slot, no_session);
    before.sessions[slot].tcp_state = TcpState::established;
    before.sessions[slot].timer = TimerClass::tcp_established;
    before.sessions.reschedule(slot, tick_of(before.now) + 5000);
    const SessionRecord record = before.book.record_of(slot, before.now + 100s);

    after.now += 1000s;
    const auto adopted = after.book.adopt(record, after.now);
    ASSERT_TRUE(std::holds_alternative<SessionSlot>(adopted));
    const SessionSlot there = std::get<SessionSlot>(adopted);
    SessionRecord copy = after.book.record_of(there, after.now);
    EXPECT_NEAR(static_cast<double>((copy.expires - record.expires).count()), 0, 3e8);
    EXPECT_NEAR(static_cast<double>((copy.age - record.age).count()), 0, 3e8);
    copy.expires = record.expires;
    copy.age = record.age;
    if (way == "pinhole") copy.ground = Ground::pinhole;  // it goes on without it
    EXPECT_EQ(copy, record);
    EXPECT_EQ(after.sessions[there].transport_outward, before.sessions[slot].transport_outward);
    EXPECT_EQ(after.witness.heard.size(), 1U);

    const auto again = after.book.adopt(record, after.now);
    ASSERT_TRUE(std::holds_alternative<Counter>(again));
    EXPECT_EQ(after.sessions.size(), 1U);
    after.book.end(there, Counter::session_ended);
    after.expect_empty();
  });
}

TEST(SessionBook, a_port_that_is_carried_over_is_given_to_nobody_else) {  // OUT-1, OUT-2
  World before{both_families(Mapping::endpoint_independent)},
      after{both_families(Mapping::endpoint_independent)};
  const SessionSlot slot = before.opened("NAT44 udp");
  ASSERT_TRUE(std::holds_alternative<SessionSlot>(
      after.book.adopt(before.book.record_of(slot, before.now), after.now)));
  const auto other = after.out(udp("10.0.0.43:4000", "203.0.113.10:53"));
  ASSERT_EQ(other.kind, Kind::session);
  EXPECT_NE(after.sessions[other.slot].outside.tail.near_port.host(), 4000);
  const auto same = after.out(udp("10.0.0.42:4000", "203.0.113.11:53"));
  ASSERT_EQ(same.kind, Kind::session);
  EXPECT_EQ(after.sessions[same.slot].outside.tail.near_port.host(), 4000) << "its mapping came along";
}

/// A record that another realm's gateway wrote, and what is in its way here.
struct Stranger {
  const char* what;
  void (*change)(SessionRecord&);
  Counter why;
};

TEST(SessionBook, says_what_is_in_the_way_of_a_record_and_changes_nothing) {
  const Stranger strangers[] = {
      {"an external address of another realm",
       [](SessionRecord& r) { r.external = endpoint("192.0.2.1:4000"); }, Counter::no_external_address},
      {"the static mapping's end for another host",
       [](SessionRecord& r) { r.external = endpoint("198.51.100.1:8443"); }, Counter::no_external_address},
      {"a static mapping that is not here", [](SessionRecord& r) { r.ground = Ground::static_mapping; },
       Counter::no_external_address},
      {"a remote of another family without a prefix",
       [](SessionRecord& r) { r.remote = endpoint("[2001:db8:9::9]:80"); }, Counter::no_translation},
      {"an external address that is not of the remote's family",
       [](SessionRecord& r) { r.external = endpoint("[2001:db8:100::1]:4000"); }, Counter::no_translation},
      {"a remote that the host knows by another address",
       [](SessionRecord& r) { r.remote_inside = endpoint("203.0.113.99:80"); }, Counter::no_translation},
      {"a claim that is pledged only", [](SessionRecord& r) { r.ground = Ground::pledge; },
       Counter::no_external_address},
      {"the gateway's own connection", [](SessionRecord& r) { r.origin = SessionInfo::Origin::local; },
       Counter::no_external_address},
  };
  for (const auto mapping : mappings) {
    World before{both_families(mapping)};
    const SessionSlot slot = before.opened("NAT44");
    for (const auto& stranger : strangers) {
      SCOPED_TRACE(stranger.what);
      SessionRecord record = before.book.record_of(slot, before.now);
      stranger.change(record);
      World after{both_families(mapping)};
      const auto adopted = after.book.adopt(record, after.now);
      ASSERT_TRUE(std::holds_alternative<Counter>(adopted));
      EXPECT_EQ(std::get<Counter>(adopted), stranger.why);
      EXPECT_TRUE(after.witness.heard.empty());
      after.expect_empty();
    }
  }
}

TEST(SessionBook, adopts_no_more_than_the_table_holds_and_loses_no_port_by_trying) {
  for (const auto mapping : mappings) {
    auto small = both_families(mapping);
    small.max_sessions = 1;
    World before{both_families(mapping)}, after{small};
    const SessionSlot first = before.opened("NAT44"), second = before.opened("NAT44 udp");
    const auto adopt = [&](SessionSlot slot) {
      return after.book.adopt(before.book.record_of(slot, before.now), after.now);
    };
    ASSERT_TRUE(std::holds_alternative<SessionSlot>(adopt(first)));
    const auto refused = adopt(second);
    ASSERT_TRUE(std::holds_alternative<Counter>(refused));
    EXPECT_EQ(std::get<Counter>(refused), Counter::session_table_full);
    after.book.end(0, Counter::session_ended);
    after.expect_empty();
  }
}

}  // namespace
}  // namespace rgw::nat
