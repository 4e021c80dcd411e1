// Pledges (GUARD-5): whatever order of SYNs, answers, ACKs, resets, datagrams, ends of time, ends of
// reservations and ends of sessions comes, no claim is taken twice or by two hosts, nobody stands in line
// beyond the bound, and no pledge is left behind.
#include "realmgw/nat/admission.hpp"

#include <map>
#include <set>
#include <utility>

#include "unit/nat/parsed.hpp"

namespace rgw::nat {
namespace {

using namespace std::chrono_literals;
using Kind = Admitted::Kind;
using net::Protocol;
using net::TcpHeader;
using test::address;

#ifdef __SANITIZE_ADDRESS__
constexpr unsigned steps = 60'000;
#else
constexpr unsigned steps = 600'000;
#endif
constexpr net::Service services[] = {{}, {Protocol::tcp, 0}, {Protocol::tcp, 22}};
constexpr const char* hosts[] = {"10.0.0.42", "10.0.0.43", "fd00:10::5"};
constexpr const char* externals[] = {"198.51.100.10", "2001:db8:100::10"};

class Pledges : public testing::Test, SessionObserver {
 protected:
  using Claim = std::pair<std::uint64_t, std::uint32_t>;

  Pledges() { book.observe(*this); }

  static Policy make_policy() {
    Policy policy;
    policy.pref64 = net::Pref64{*net::Prefix::parse("fd64::/96")};
    policy.proxies = ProxyBlock{*net::Prefix::parse("100.64.0.0/16")};
    policy.max_sessions = 128;
    policy.max_bindings = 32;
    return policy;
  }

  // -- whom claims are taken by
  void took(SessionSlot slot, const BindingTable::Found& claim) {
    const Claim name{claim.reservation.value(), claim.claim};
    ASSERT_TRUE(taken.insert(name).second) << "taken twice";
    ASSERT_EQ(promised.at(claim.reservation.value()), sessions[slot].host()) << "by another host";
  }
  std::optional<Counter> session_began(SessionSlot slot, const NewGround& ground) override {
    if (ground.kind == Ground::claim) took(slot, *ground.claim);
    return std::nullopt;
  }
  void session_claimed(SessionSlot slot, const BindingTable::Found& claim) override {
    ++completed;
    took(slot, claim);
  }
  void session_ends(SessionSlot, Counter) override {}

  // -- what happens
  std::uint32_t below(std::size_t count) { return random.below(static_cast<std::uint32_t>(count)); }
  void reserve() {
    const auto e = address(externals[below(2)]);
    const std::uint32_t which = below(3);
    Current& current = pending[{e, which}];
    if (current.reservation != 0 && below(3) != 0) {
      static_cast<void>(bind(current));
      return;
    }
    end(current);
    current = {e, services[which], ++last, address(hosts[below(3)])};
    promised[last] = current.host;
    static_cast<void>(bind(current));
  }
  struct Current {
    net::IpAddress external{};
    net::Service service{};
    std::uint64_t reservation = 0;
    net::IpAddress host{};
    std::uint32_t claims = 0;
  };
  bool bind(Current& current) {
    return bindings.bind(current.external, current.service, ReservationId{current.reservation},
                         ++current.claims, current.host, now + 2s);
  }
  void end(const Current& current) {
    if (current.reservation == 0) return;
    bindings.unbind(current.external, current.service, ReservationId{current.reservation}, below(2) == 0,
                    now);
  }
  void unreserve() {
    if (pending.empty()) return;
    auto at = pending.begin();
    std::advance(at, below(pending.size()));
    end(at->second);
    pending.erase(at);
  }

  std::string remote(bool v4) { return (v4 ? "203.0.113." : "2001:db8:9::") + std::to_string(7 + below(4)); }
  void arrives() {
    const bool v4 = below(2) == 0;
    const Protocol protocol = below(8) == 0 ? Protocol::udp : Protocol::tcp;
    const std::uint16_t to = below(4) == 0 ? 80 : 22;
    auto packet = test::PacketBuilder{
        protocol, net::Endpoint{address(remote(v4)), static_cast<std::uint16_t>(4000 + below(4))}.to_string(),
        net::Endpoint{address(externals[v4 ? 0 : 1]), to}.to_string()};
    const std::uint32_t number = 1000 + below(2);
    const test::FromOutside from{packet.syn().sequence(number)};
    const SessionSlot slot = v4 ? sessions.find(from.packet.key4) : sessions.find(from.packet.key6);
    if (slot != no_session) {
      if (sessions[slot].ground != Ground::pledge) return;
      if (step(slot, {Side::outside, TcpHeader::syn, number, 0, 0}) != PledgeStep::begins) return;
      book.end(slot, Counter::session_ended);
    }
    auto made = admission.inbound(from.packet, false, false, now, below(4) == 0);
    if (made.kind == Kind::replaces) {
      book.end(made.slot, Counter::session_ended);
      made = admission.inbound(from.packet, false, false, now);
    }
    if (made.kind == Kind::session && protocol == Protocol::tcp) {
      ASSERT_EQ(sessions[made.slot].ground, Ground::pledge);
      ASSERT_EQ(sessions[made.slot].plain, PlainPair::none) << "the walk alone sees its segments";
      ++pledged;
    }
    full += made.kind == Kind::dropped && made.why == Counter::claim_pledges_full;
  }
  SessionSlot any_pledged() {
    if (sessions.high_water() == 0) return no_session;
    for (int tries = 0; tries < 8; ++tries) {
      const SessionSlot slot = below(sessions.high_water());
      if (sessions.live(slot) && sessions[slot].ground == Ground::pledge) return slot;
    }
    return no_session;
  }
  PledgeStep step(SessionSlot slot, const HandshakeSegment& segment) {
    const auto pledge = static_cast<BindingTable::Pledge>(sessions[slot].held);
    const Claim claim{bindings.pledges().reservation(pledge).value(), bindings.pledges().claim(pledge)};
    const bool stood = bindings.pledges().stands(pledge);
    const PledgeStep step = book.step(slot, segment, now);
    if (step == PledgeStep::completes) {
      EXPECT_TRUE(stood);
      EXPECT_TRUE(taken.contains(claim));
      EXPECT_EQ(sessions[slot].ground, Ground::claim);
      EXPECT_NE(sessions[slot].plain, PlainPair::none);
    }
    if (stood) {
      EXPECT_NE(step, PledgeStep::lost);
    }
    return step;
  }
  void segment() {
    const SessionSlot slot = any_pledged();
    if (slot == no_session) return;
    constexpr std::uint32_t isn = 0xfffffff0;
    switch (below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        static_cast<void>(step(slot, {Side::inside, TcpHeader::syn | TcpHeader::ack, isn, 1001, below(40)}));
        break;
      case 4:
        static_cast<void>(step(slot, {Side::inside, TcpHeader::rst, isn, 0, 0}));
        break;
      case 5:
        static_cast<void>(step(slot, {Side::outside, TcpHeader::rst, 1001, 0, 0}));
        break;
      case 6:
        ASSERT_NE(step(slot, {Side::outside, TcpHeader::ack, 1001, isn + 1000, 0}), PledgeStep::completes);
        break;
      default:
        static_cast<void>(step(slot, {Side::outside, TcpHeader::ack, 1001, isn + 1, 0}));
    }
  }
  void pass(Duration by) {
    now += by;
    sessions.expire(
        tick_of(now), 1000, [&](SessionSlot slot) { book.end(slot, Counter::session_expired); },
        [](SessionSlot) {});
    bindings.sweep(now);
  }
  void end_some() {
    if (sessions.high_water() == 0) return;
    const SessionSlot slot = below(sessions.high_water());
    if (sessions.live(slot)) book.end(slot, Counter::session_realm_changed);
  }
  void expect_bounds() const {
    std::map<Claim, std::array<unsigned, 2>> lines;
    std::size_t all = 0;
    for (SessionSlot slot = 0; slot < sessions.high_water(); ++slot) {
      if (!sessions.live(slot) || sessions[slot].ground != Ground::pledge) continue;
      ++all;
      const auto pledge = static_cast<BindingTable::Pledge>(sessions[slot].held);
      const Claim claim{bindings.pledges().reservation(pledge).value(), bindings.pledges().claim(pledge)};
      if (!bindings.pledges().stands(pledge)) continue;
      ASSERT_FALSE(taken.contains(claim)) << "who stands in line for a claim that is taken has lost it";
      ASSERT_LE(++lines[claim][bindings.pledges().proven(pledge)], BindingTable::max_pledges);
      ASSERT_LE(static_cast<std::int32_t>(sessions[slot].deadline - tick_of(now)),
                static_cast<std::int32_t>(SessionBook::pledge_time));
    }
    ASSERT_EQ(all, bindings.pledges().size());
  }

  const net::IpAddress somebody = address("203.0.113.7");
  Random random{11};
  HashSalt salt{random};
  Policy policy = make_policy();
  Ownership law{1, salt};
  Instant now{1000s};
  SessionTable sessions{policy.max_sessions, salt, now};
  BindingTable bindings{policy.max_bindings, salt};
  SessionBook book{policy, law, WorkerId{}, sessions, bindings, salt};
  Admission admission{book, random};
  std::map<std::pair<net::IpAddress, unsigned>, Current> pending;
  std::map<std::uint64_t, net::IpAddress> promised;
  std::set<Claim> taken;
  std::uint64_t last = 0, pledged = 0, completed = 0, full = 0;
};

TEST_F(Pledges, no_order_makes_two_share_a_claim_or_leaves_a_pledge_behind) {  // GUARD-5, POOL-5, POOL-6
  for (unsigned n = 0; n < steps && !HasFailure(); ++n) {
    switch (below(20)) {
      case 0:
      case 1:
        reserve();
        break;
      case 2:
        if (below(3) == 0) unreserve();
        break;
      case 3:
        if (below(4) == 0) end_some();
        break;
      case 4:
        pass(Duration{random.next() % 200'000'000});
        break;
      case 5:
        if (below(50) == 0) pass(7s);
        break;
      case 6:
      case 7:
      case 8:
      case 9:
      case 10:
      case 11:
        arrives();
        break;
      default:
        segment();
    }
    if (n % 16 == 0) expect_bounds();
  }
  std::printf("%llu pledged, %llu completed, %llu found no place, %u were lost\n",
              static_cast<unsigned long long>(pledged), static_cast<unsigned long long>(completed),
              static_cast<unsigned long long>(full), bindings.take_lost());
  EXPECT_GT(pledged, steps / 100);
  EXPECT_GT(completed, steps / 1000);
  EXPECT_GT(full, 0U);
  pass(7s);
  EXPECT_EQ(bindings.pledges().size(), 0U);
  // Every place is free again: as many as before stand in line for the claims that there are.
  for (const char* external : externals) {
    ASSERT_TRUE(bindings.bind(address(external), {Protocol::tcp, 7}, ReservationId{++last}, 1,
                              address(hosts[0]), now + 2s));
    const auto match = bindings.match(address(external), Protocol::tcp, 7, somebody, now);
    for (unsigned n = 0; n < 2 * BindingTable::max_pledges; ++n)
      EXPECT_TRUE(bindings.pledge(*match.found, somebody, n, n % 2 == 0, now)) << n;
    EXPECT_FALSE(bindings.pledge(*match.found, somebody, 9, true, now));
    EXPECT_FALSE(bindings.pledge(*match.found, somebody, 9, false, now));
  }
}

TEST_F(Pledges, stand_in_line_where_fewest_do_be_it_for_a_wider_reservation_of_the_host) {  // POOL-9, GUARD-5
  const auto e = address(externals[0]);
  const auto line = [&](std::uint32_t number) {
    const auto match = bindings.match(e, Protocol::tcp, 22, somebody, now);
    EXPECT_TRUE(bindings.pledge(*match.found, somebody, number, false, now));
    return match.found->reservation.value();
  };
  ASSERT_TRUE(bindings.bind(e, services[2], ReservationId{1}, 1, address(hosts[0]), now + 2s));
  ASSERT_TRUE(bindings.bind(e, services[0], ReservationId{2}, 1, address(hosts[0]), now + 2s));
  EXPECT_EQ(line(1), 1U);
  EXPECT_EQ(line(2), 2U) << "both clients come through, whoever is first";
  EXPECT_EQ(line(3), 1U);
  ASSERT_TRUE(bindings.bind(e, services[1], ReservationId{3}, 1, address(hosts[1]), now + 2s));
  EXPECT_EQ(line(4), 2U) << "never for another host's";
}

TEST_F(Pledges, of_a_claim_that_is_bound_are_of_its_prefix_alone) {  // GUARD-4
  const auto e = address(externals[0]), stranger = address("198.18.0.1");
  const auto place = [&](const net::IpAddress& remote) {
    const auto match = bindings.match(e, Protocol::tcp, 22, remote, now);
    if (!match.found) return false;
    const bool has_place = bindings.has_place(*match.found, remote, false, now);
    EXPECT_EQ(bindings.pledge(*match.found, remote, 1, false, now).has_value(), has_place);
    return true;
  };
  ASSERT_TRUE(bindings.bind(e, services[2], ReservationId{1}, 1, address(hosts[0]), now + 2s,
                            net::Prefix::parse("203.0.113.0/24")));
  EXPECT_FALSE(place(stranger));
  EXPECT_TRUE(place(somebody));
  ASSERT_TRUE(bindings.bind(e, services[2], ReservationId{1}, 2, address(hosts[0]), now + 2s));
  for (unsigned n = 0; n < 4; ++n) EXPECT_TRUE(place(stranger));
  EXPECT_EQ(bindings.pledges().size(), 5U);
  EXPECT_TRUE(place(stranger)) << "there is a claim, and no place in line for it";
  EXPECT_EQ(bindings.pledges().size(), 5U);
  EXPECT_TRUE(place(somebody));
  EXPECT_EQ(bindings.pledges().size(), 6U);
}

// Whoever sees neither the host's number nor the question can only guess: a segment takes the claim with a
// chance of four in 2^32.
TEST_F(Pledges, of_random_acks_take_no_more_than_three_claims_in_ten_million) {  // GUARD-5
#ifdef __SANITIZE_ADDRESS__
  constexpr unsigned guesses = 1'000'000;
#else
  constexpr unsigned guesses = 10'000'000;
#endif
  const BindingTable::At at{address(externals[0]), Protocol::tcp, 22};
  std::vector<BindingTable::Pledge> line;
  unsigned claims = 0;
  const auto reserve_anew = [&] {
    for (const auto pledge : line) bindings.give_up(pledge, at);
    line.clear();
    ASSERT_TRUE(
        bindings.bind(at.external, services[2], ReservationId{++last}, 1, address(hosts[0]), now + 2s));
    for (unsigned n = 0; n < BindingTable::max_pledges; ++n) {
      const auto match = bindings.match(at.external, Protocol::tcp, 22, somebody, now);
      const auto syn = static_cast<std::uint32_t>(random.next()),
                 host = static_cast<std::uint32_t>(random.next());
      line.push_back(*bindings.pledge(*match.found, somebody, syn, false, now));
      ASSERT_EQ(bindings.step(line.back(),
                              {net::Side::inside, TcpHeader::syn | TcpHeader::ack, host, syn + 1, 0}, at),
                PledgeStep::passes);
    }
  };
  reserve_anew();
  for (unsigned n = 0; n < guesses; ++n) {
    const std::size_t which = n % line.size();
    const HandshakeSegment guess{net::Side::outside, TcpHeader::ack,
                                 static_cast<std::uint32_t>(random.next()),
                                 static_cast<std::uint32_t>(random.next()), 0};
    if (bindings.step(line[which], guess, at) != PledgeStep::completes) continue;
    ++claims;
    static_cast<void>(bindings.redeem(line[which], at, address(hosts[0]), now));
    line.erase(line.begin() + static_cast<std::ptrdiff_t>(which));
    reserve_anew();
  }
  EXPECT_LE(claims, 3U);
  EXPECT_EQ(bindings.pledges().size(), BindingTable::max_pledges) << "nobody has lost his place";
}

// Each SYN is a search of them, and many may share a reservation.
TEST_F(Pledges, look_at_the_oldest_claims_alone_where_there_are_very_many) {
  BindingTable large{1024, salt};
  const auto e = address(externals[0]);
  for (std::uint32_t claim = 1; claim <= 200; ++claim)
    ASSERT_TRUE(large.bind(e, services[2], ReservationId{1}, claim, address(hosts[0]), now + 2s));
  unsigned in_line = 0;
  for (std::uint32_t n = 0; n < 1000; ++n) {
    const auto match = large.match(e, Protocol::tcp, 22, somebody, now);
    ASSERT_TRUE(match.found);
    if (large.pledge(*match.found, somebody, n, false, now)) ++in_line;
  }
  EXPECT_EQ(in_line, 64U * BindingTable::max_pledges);
}

TEST_F(Pledges, fit_into_thirty_two_bytes_each_and_have_a_bound) {
  BindingTable large{1U << 20, salt};
  const BindingTable small{1, salt};
  EXPECT_LE(large.pledges().bytes(), 65'536U * 32);
  EXPECT_EQ(small.pledges().bytes(), 2U * BindingTable::max_pledges * 32);
}

}  // namespace
}  // namespace rgw::nat
