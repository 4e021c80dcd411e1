// A claim is a handshake (GUARD-5, POOL-5, POOL-6), with 1, 2 and 4 workers and every pair of families:
// - a SYN goes on to the host at once, and takes nothing; the ACK of what the host has sent takes the claim
// - no other segment takes it: a wrong number, one before the host has answered, one of another connection
// - the first that completes its handshake has the claim; the others are refused from then on
// - a RST of either end and the end of its time give a pledge's place back, and leave nothing behind
// - what came before the deadline is decided by its handshake, though the reservation is over
// - beyond four forged SYNs the gateway asks, without state; who is there comes through
// - text in a SYN passes; so do errors; an open connection goes the short way
#include "scenario/pairs.hpp"
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;

constexpr net::Service ssh{Protocol::tcp, 22};

struct PoolPair {
  const char *name, *host, *external, *remote;
};
constexpr PoolPair pool_pairs[] = {{"4 to 4", "10.0.0.42", "198.51.100.10", "203.0.113.7"},
                                   {"4 to 6", "fd00:10::5", "198.51.100.10", "203.0.113.7"},
                                   {"6 to 4", "10.0.0.42", "2001:db8:100::10", "2001:db8:9::9"},
                                   {"6 to 6", "fd00:10::5", "2001:db8:100::10", "2001:db8:9::9"}};

config::Realm pool_realm() {
  config::Realm realm = all_pairs_realm(false);
  realm.pool.addresses.push_back(address("2001:db8:100::10"));
  return realm;
}

class Handshake : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(on, Handshake, testing::Values(1U, 2U, 4U), workers_name);

/// One connection, both ends played.
struct Connection {
  Gateway& gateway;
  const PoolPair& pair;
  unsigned port;
  std::uint32_t client = 70'000, server = 4'000'000'000;
  std::optional<Seen> arrived{};  ///< the SYN, as the host has it

  [[nodiscard]] PacketBuilder from_client() const {
    return tcp(at(pair.remote, port), at(pair.external, 22)).sequence(client + 1).acknowledge(server + 1);
  }
  [[nodiscard]] PacketBuilder from_host() const {
    return tcp(net::Endpoint{arrived->destination(), arrived->destination_port()}.to_string(),
               net::Endpoint{arrived->source(), arrived->source_port()}.to_string())
        .sequence(server + 1)
        .acknowledge(client + 1);
  }
  bool syn() {
    auto seen = gateway.in(from_client().syn().sequence(client));
    if (!seen || seen->destination() != address(pair.host)) return false;
    EXPECT_TRUE(seen->checksums_right());
    arrived = std::move(seen);
    return true;
  }
  bool syn_ack() {
    const auto seen = gateway.out(from_host().syn_ack().sequence(server));
    EXPECT_TRUE(!seen || seen->source() == address(pair.external));
    return seen.has_value();
  }
  bool ack() { return gateway.in(from_client().ack()).has_value(); }
  bool opens() { return syn() && syn_ack() && ack(); }
  bool talks() {
    return gateway.in(from_client().ack().payload(9)) && gateway.out(from_host().ack().payload(9));
  }
};

std::size_t claims(Gateway& gateway) {
  std::size_t count = 0;
  for (const auto& event : gateway.events()) count += std::holds_alternative<ring::Claimed>(event);
  return count;
}

/// Of all workers.
std::size_t pledges(Gateway& gateway) {
  std::size_t count = 0;
  for (unsigned i = 0; i < gateway.workers(); ++i)
    count += gateway.worker(i).context().bindings.pledges().size();
  return count;
}

/// Calls `test(gateway, pair)` for each pair of families, where host and pool address are each other's.
void for_each_pair(unsigned workers, const std::invocable<AllPairs&, const PoolPair&> auto& test) {
  for (const PoolPair& pair : pool_pairs) {
    SCOPED_TRACE(pair.name);
    AllPairs gateway{workers, pool_realm()};
    gateway.bind(pair.external, ssh, pair.host, 17, 3);
    test(gateway, pair);
    gateway.advance(7s);
    EXPECT_EQ(pledges(gateway), 0U) << "no pledge is left behind";
  }
}

TEST_P(Handshake, takes_the_claim_and_a_syn_takes_nothing) {  // GUARD-5, POOL-5
  for_each_pair(GetParam(), [](Gateway& gateway, const PoolPair& pair) {
    Connection connection{gateway, pair, 4000};
    ASSERT_TRUE(connection.syn());
    ASSERT_TRUE(connection.syn()) << "sent once more";
    EXPECT_EQ(gateway.count(Counter::claim_pledged), 1U);
    ASSERT_TRUE(connection.syn_ack());
    EXPECT_EQ(claims(gateway), 0U);
    ASSERT_TRUE(connection.ack());
    EXPECT_EQ(claims(gateway), 1U);
    EXPECT_EQ(gateway.count(Counter::claim_made), 1U);
    EXPECT_TRUE(connection.talks());
    EXPECT_FALSE((Connection{gateway, pair, 4001}.syn())) << "POOL-6";
    gateway.advance(60s);
    EXPECT_TRUE(connection.talks());
  });
}

TEST_P(Handshake, an_open_connection_goes_the_short_way) {
  for_each_pair(GetParam(), [](Gateway& gateway, const PoolPair& pair) {
    Connection connection{gateway, pair, 4000};
    ASSERT_TRUE(connection.opens());
    ASSERT_TRUE(connection.talks());  // next hops are known from here on
    const auto before = gateway.count(Counter::short_way);
    ASSERT_TRUE(connection.talks());
    EXPECT_EQ(gateway.count(Counter::short_way), before + 2);
  });
}

TEST_P(Handshake, is_complete_by_the_hosts_own_number_alone) {  // GUARD-5
  for_each_pair(GetParam(), [](Gateway& gateway, const PoolPair& pair) {
    Connection connection{gateway, pair, 4000};
    ASSERT_TRUE(connection.syn());
    EXPECT_FALSE(connection.ack()) << "before the host has answered";
    ASSERT_TRUE(connection.syn_ack());
    for (const std::uint32_t wrong : {0U, 2U, 1U << 16, 1U << 31}) {
      EXPECT_FALSE(gateway.in(connection.from_client().ack().acknowledge(connection.server + wrong)));
    }
    EXPECT_EQ(gateway.count(Counter::claim_incomplete), 5U);
    EXPECT_EQ(claims(gateway), 0U);
    EXPECT_TRUE(connection.ack());
    EXPECT_EQ(claims(gateway), 1U);
  });
}

TEST_P(Handshake, the_first_that_is_complete_has_the_claim_and_the_others_are_refused) {  // POOL-6
  for_each_pair(GetParam(), [](Gateway& gateway, const PoolPair& pair) {
    Connection first{gateway, pair, 4000}, second{gateway, pair, 4001}, third{gateway, pair, 4002};
    ASSERT_TRUE(first.syn() && second.syn() && third.syn());
    ASSERT_TRUE(first.syn_ack() && second.syn_ack());
    ASSERT_TRUE(second.ack());
    EXPECT_EQ(claims(gateway), 1U);
    gateway.unbind(pair.external, ssh, 17);  // as control does
    gateway.turn();
    static_cast<void>(take_all(gateway, Gateway::outside));
    EXPECT_FALSE(first.ack());
    const auto refusal = gateway.take(Gateway::outside);
    ASSERT_TRUE(refusal);
    EXPECT_TRUE(refusal->tcp().flags & net::TcpHeader::rst);
    EXPECT_FALSE(first.talks());
    static_cast<void>(take_all(gateway, Gateway::outside));  // refused once more
    EXPECT_FALSE(third.syn_ack());
    EXPECT_EQ(gateway.count(Counter::claim_pledge_lost), 2U);
    EXPECT_TRUE(second.talks());
    EXPECT_EQ(claims(gateway), 0U);
  });
}

TEST_P(Handshake, two_claims_are_taken_by_two_of_several) {  // POOL-9
  for_each_pair(GetParam(), [](Gateway& gateway, const PoolPair& pair) {
    gateway.bind(pair.external, ssh, pair.host, 17, 4);
    Connection first{gateway, pair, 4000}, second{gateway, pair, 4001}, third{gateway, pair, 4002};
    ASSERT_TRUE(first.syn() && second.syn() && third.syn());
    ASSERT_TRUE(first.syn_ack() && second.syn_ack() && third.syn_ack());
    EXPECT_TRUE(third.ack());
    EXPECT_TRUE(first.ack()) << "it has gone over to the other claim, where it stood in line for this one";
    EXPECT_FALSE(second.ack());
    EXPECT_EQ(claims(gateway), 2U);
    EXPECT_TRUE(first.talks() && third.talks());
  });
}

TEST_P(Handshake, a_rst_of_either_end_gives_the_place_back) {  // GUARD-5
  for (const bool of_host : {true, false}) {
    for_each_pair(GetParam(), [of_host](Gateway& gateway, const PoolPair& pair) {
      for (unsigned n = 0; n < 10; ++n) {
        Connection refused{gateway, pair, 4000 + n};
        ASSERT_TRUE(refused.syn()) << n;
        if (of_host) {
          ASSERT_TRUE(gateway.out(refused.from_host().flags(net::TcpHeader::rst | net::TcpHeader::ack)))
              << "the client hears it";
        } else {
          ASSERT_TRUE(refused.syn_ack());
          ASSERT_TRUE(gateway.in(refused.from_client().rst())) << "the host hears it";
        }
        EXPECT_FALSE(refused.ack());
      }
      EXPECT_EQ(gateway.count(Counter::claim_pledge_reset), 10U);
      EXPECT_EQ(claims(gateway), 0U);
      EXPECT_TRUE((Connection{gateway, pair, 4000, 90'000}.opens())) << "the same port, another connection";
      EXPECT_EQ(claims(gateway), 1U);
    });
  }
}

TEST_P(Handshake, a_pledge_ends_after_six_seconds_whatever_is_sent) {  // GUARD-5
  for_each_pair(GetParam(), [](Gateway& gateway, const PoolPair& pair) {
    gateway.bind(pair.external, ssh, pair.host, 18, 4, 60s);
    Connection forged{gateway, pair, 4000};
    ASSERT_TRUE(forged.syn() && forged.syn_ack());
    for (int second = 0; second < 5; ++second) {
      gateway.advance(1s);
      EXPECT_TRUE(forged.syn() && forged.syn_ack());
    }
    EXPECT_GT(pledges(gateway), 0U);
    gateway.advance(1500ms);
    EXPECT_EQ(pledges(gateway), 0U);
    EXPECT_EQ(gateway.sessions(), 0U) << "nor a signpost";
    EXPECT_EQ(gateway.count(Counter::claim_pledge_expired), 1U);
    EXPECT_EQ(claims(gateway), 0U);
    EXPECT_FALSE(forged.ack());
    EXPECT_TRUE((Connection{gateway, pair, 4001}.opens()));
  });
}

TEST_P(Handshake, what_came_before_the_deadline_is_decided_after_it) {  // GUARD-5, POOL-7
  for_each_pair(GetParam(), [](Gateway& gateway, const PoolPair& pair) {
    Connection first{gateway, pair, 4000}, second{gateway, pair, 4001};
    ASSERT_TRUE(first.syn() && second.syn());
    gateway.advance(2s);
    gateway.unbind(pair.external, ssh, 17);
    EXPECT_FALSE((Connection{gateway, pair, 4002}.syn())) << "POOL-7";
    // The address is another host's by now.
    const char* other = address(pair.host).is_v4() ? "10.0.0.43" : "fd00:10::6";
    gateway.bind(pair.external, ssh, other, 18);
    gateway.turn();
    ASSERT_TRUE(first.syn_ack() && second.syn_ack());
    EXPECT_TRUE(first.ack());
    EXPECT_FALSE(second.ack()) << "there was one claim";
    EXPECT_EQ(claims(gateway), 1U);
    EXPECT_TRUE(first.talks());
    const PoolPair next{pair.name, other, pair.external, pair.remote};
    Connection third{gateway, next, 4003};
    EXPECT_TRUE(third.opens());
    EXPECT_EQ(claims(gateway), 1U);
    EXPECT_TRUE(first.talks() && third.talks());
  });
}

TEST_P(Handshake, beyond_four_forged_syns_who_is_there_comes_through) {  // GUARD-5
  for_each_pair(GetParam(), [](Gateway& gateway, const PoolPair& pair) {
    for (unsigned n = 0; n < 100; ++n) static_cast<void>(Connection{gateway, pair, 5000 + n}.syn());
    EXPECT_EQ(gateway.count(Counter::claim_pledged), 4U) << "sessions that the flood has made";
    EXPECT_EQ(gateway.count(Counter::claim_challenged), 96U);
    static_cast<void>(take_all(gateway, Gateway::outside));

    Connection honest{gateway, pair, 4000};
    EXPECT_FALSE(honest.syn());
    const auto question = gateway.take(Gateway::outside);
    ASSERT_TRUE(question);
    ASSERT_TRUE(question->checksums_right());
    EXPECT_EQ(question->destination(), address(pair.remote));
    EXPECT_EQ(question->source(), address(pair.external));
    EXPECT_EQ(question->tcp().flags, net::TcpHeader::syn | net::TcpHeader::ack);
    EXPECT_LE(question->bytes().size(), honest.from_client().syn().ip().size()) << "GUARD-7";
    EXPECT_GT(question->tcp().acknowledgement.host() - honest.client - 1, 0xffffU) << "no answer to the SYN";

    EXPECT_FALSE(gateway.in(honest.from_client().rst().sequence(question->tcp().acknowledgement.host() + 1)));
    EXPECT_EQ(gateway.count(Counter::claim_challenge_met), 0U);
    EXPECT_FALSE(gateway.in(honest.from_client().rst().sequence(question->tcp().acknowledgement.host())));
    EXPECT_EQ(gateway.count(Counter::claim_challenge_met), 1U);
    ASSERT_TRUE(honest.syn()) << "sent once more";
    EXPECT_TRUE(honest.syn_ack() && honest.ack());
    EXPECT_EQ(claims(gateway), 1U);
    EXPECT_TRUE(honest.talks());
  });
}

TEST_P(Handshake, an_answer_to_no_question_or_an_old_one_shows_nothing) {  // GUARD-5
  for_each_pair(GetParam(), [](Gateway& gateway, const PoolPair& pair) {
    gateway.bind(pair.external, ssh, pair.host, 17, 4, 60s);
    for (unsigned n = 0; n < 20; ++n) static_cast<void>(Connection{gateway, pair, 5000 + n}.syn());
    static_cast<void>(take_all(gateway, Gateway::outside));
    Connection client{gateway, pair, 4000};
    EXPECT_FALSE(client.syn());
    const auto question = gateway.take(Gateway::outside);
    ASSERT_TRUE(question);
    const auto answer = client.from_client().rst().sequence(question->tcp().acknowledgement.host());
    EXPECT_FALSE(gateway.in(
        Connection{gateway, pair, 4001}.from_client().rst().sequence(question->tcp().acknowledgement.host())))
        << "of another port";
    gateway.advance(33s);
    EXPECT_FALSE(gateway.in(answer));
    EXPECT_EQ(gateway.count(Counter::claim_challenge_met), 0U);
  });
}

TEST_P(Handshake, text_in_a_syn_passes_and_may_be_answered_before_the_ack) {  // RFC 7413
  for_each_pair(GetParam(), [](Gateway& gateway, const PoolPair& pair) {
    Connection connection{gateway, pair, 4000};
    auto seen = gateway.in(connection.from_client().syn().sequence(connection.client).payload(100));
    ASSERT_TRUE(seen);
    connection.arrived = std::move(seen);
    ASSERT_TRUE(connection.syn_ack());
    ASSERT_TRUE(gateway.out(connection.from_host().ack().payload(500)));
    EXPECT_TRUE(gateway.in(connection.from_client().ack().acknowledge(connection.server + 1 + 500)));
    EXPECT_EQ(claims(gateway), 1U);
  });
}

TEST_P(Handshake, both_may_open_at_once) {  // RFC 5382 REQ-2a
  for_each_pair(GetParam(), [](Gateway& gateway, const PoolPair& pair) {
    Connection connection{gateway, pair, 4000};
    ASSERT_TRUE(connection.syn());
    ASSERT_TRUE(gateway.out(connection.from_host().syn().sequence(connection.server)));
    EXPECT_TRUE(gateway.in(connection.from_client().syn_ack().sequence(connection.client)));
    EXPECT_EQ(claims(gateway), 1U);
  });
}

TEST_P(Handshake, errors_pass_and_decide_nothing) {  // OUT-5
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", ssh, "10.0.0.42");
  Connection connection{gateway, pool_pairs[0], 4000};
  ASSERT_TRUE(connection.syn());
  const Bytes inner = tcp("203.0.113.7:4000", "10.0.0.42:22").syn().ip();
  EXPECT_TRUE(gateway.out(icmp_error("10.0.0.42", "203.0.113.7", 3, 1, inner)));
  EXPECT_GT(pledges(gateway), 0U);
  EXPECT_TRUE(connection.syn_ack() && connection.ack());
  EXPECT_EQ(claims(gateway), 1U);
}

TEST_P(Handshake, udp_and_pings_take_a_claim_at_once_though_it_is_pledged) {  // POOL-5
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  Connection connection{gateway, pool_pairs[0], 4000};
  ASSERT_TRUE(connection.syn());
  ASSERT_TRUE(gateway.in(udp("203.0.113.8:7", "198.51.100.10:5060")));
  EXPECT_EQ(claims(gateway), 1U);
  EXPECT_FALSE(connection.syn_ack());
  EXPECT_FALSE(connection.ack());
  EXPECT_EQ(claims(gateway), 0U);
}

}  // namespace
}  // namespace rgw::test
