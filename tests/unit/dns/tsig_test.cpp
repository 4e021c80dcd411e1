// Signatures (DNS-6, RFC 8945):
//   - what ldns signs is right, and what is signed here is right by ldns
//   - key, MAC, time, length of the MAC: the first that is wrong is told
//   - a record that is not where or what it must be makes the message malformed
//   - no message counts twice, and what is remembered of them is bounded
#include "realmgw/dns/tsig.hpp"

#include <cstdlib>
#include <ctime>
#include <memory>

#include "update_support.hpp"
#include <gtest/gtest.h>
#include <ldns/ldns.h>

namespace rgw::dns {
namespace {

using net::TsigAlgorithm;
using test::Bytes;
using test::UpdateBuilder;

constexpr UnixSeconds now = 1'700'000'000;
constexpr auto secret_text = "iHC+ZcDQgHyjyPSMPzXbMu2ntHvGDMmqFFCdvMnDkbw=";

Bytes secret() {
  const std::unique_ptr<ldns_rdf, decltype(&ldns_rdf_deep_free)> data{
      ldns_rdf_new_frm_str(LDNS_RDF_TYPE_B64, secret_text), ldns_rdf_deep_free};
  const auto* first = ldns_rdf_data(data.get());
  return {first, first + ldns_rdf_size(data.get())};
}
TsigKey key(TsigAlgorithm algorithm = TsigAlgorithm::hmac_sha256, const char* name = "dhcp.foo") {
  return {Name::from_text(name).value(), algorithm, secret()};
}
Bytes some() {
  return test::update("foo.").add("hosta.foo.", RrType::a, 300, test::a({10, 0, 0, 7})).bytes();
}
TsigVerdict check(const Bytes& message, const std::vector<TsigKey>& keys, UnixSeconds at = now) {
  const auto search = find_tsig(message);
  EXPECT_FALSE(search.malformed);
  if (!search.record) return {.malformed = true, .error = {}, .key = nullptr};
  return check_tsig(message, *search.record, keys, at);
}

using Packet = std::unique_ptr<ldns_pkt, decltype(&ldns_pkt_free)>;
Packet read_by_ldns(const Bytes& message) {
  ldns_pkt* packet = nullptr;
  EXPECT_EQ(ldns_wire2pkt(&packet, message.data(), message.size()), LDNS_STATUS_OK);
  return {packet, ldns_pkt_free};
}

class TsigOfEachAlgorithm : public testing::TestWithParam<TsigAlgorithm> {};

TEST_P(TsigOfEachAlgorithm, what_is_signed_is_right_and_one_changed_bit_is_not) {  // DNS-6
  const std::vector keys{key(GetParam())};
  const Bytes good = UpdateBuilder::signed_by(some(), keys[0], now);
  EXPECT_EQ(check(good, keys).error, TsigError::none);
  EXPECT_EQ(check(good, keys).key, &keys[0]);
  Bytes bad = good;
  bad[some().size() - 1] ^= 1;
  EXPECT_EQ(check(bad, keys).error, TsigError::badsig);
  // The algorithm is part of the key.
  for (const auto& other : net::tsig_algorithms) {
    if (other.algorithm != GetParam()) {
      EXPECT_EQ(check(good, {key(other.algorithm)}).error, TsigError::badkey);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(, TsigOfEachAlgorithm,
                         testing::Values(TsigAlgorithm::hmac_sha224, TsigAlgorithm::hmac_sha256,
                                         TsigAlgorithm::hmac_sha384, TsigAlgorithm::hmac_sha512));

TEST(Tsig, what_ldns_signs_is_right) {  // DNS-6
  for (const auto& [algorithm, name] : {std::pair{TsigAlgorithm::hmac_sha256, "hmac-sha256."},
                                        std::pair{TsigAlgorithm::hmac_sha512, "hmac-sha512."}}) {
    const auto packet = read_by_ldns(some());
    ASSERT_EQ(ldns_pkt_tsig_sign(packet.get(), "dhcp.foo.", secret_text, 300, name, nullptr), LDNS_STATUS_OK);
    std::uint8_t* bytes = nullptr;
    std::size_t size = 0;
    ASSERT_EQ(ldns_pkt2wire(&bytes, packet.get(), &size), LDNS_STATUS_OK);
    const Bytes message{bytes, bytes + size};
    std::free(bytes);
    EXPECT_EQ(check(message, {key(algorithm)}, static_cast<UnixSeconds>(std::time(nullptr))).error,
              TsigError::none)
        << name;
  }
}

TEST(Tsig, an_answer_is_right_by_ldns_and_bound_to_its_request) {  // DNS-6
  const Bytes request = UpdateBuilder::signed_by(some(), key(), now);
  const auto request_packet = read_by_ldns(request);
  Bytes answer = some();
  answer[2] |= 0x80;
  const auto size = answer.size();
  answer.resize(1024);
  answer.resize(
      sign(answer, size, key(), {.request_mac = find_tsig(request).record->mac, .time_signed = now + 1})
          .value());
  const auto packet = read_by_ldns(answer);
  ldns_rdf* mac = ldns_rr_rdf(ldns_pkt_tsig(request_packet.get()), 3);
  EXPECT_TRUE(
      ldns_pkt_tsig_verify(packet.get(), answer.data(), answer.size(), "dhcp.foo.", secret_text, mac));
  EXPECT_FALSE(
      ldns_pkt_tsig_verify(packet.get(), answer.data(), answer.size(), "dhcp.foo.", secret_text, nullptr));
}

TEST(Tsig, the_names_of_key_and_algorithm_have_no_case) {  // RFC 8945 section 4.3.3
  Bytes message = UpdateBuilder::signed_by(some(), key(TsigAlgorithm::hmac_sha256, "DHCP.foo"), now);
  EXPECT_EQ(check(message, {key()}).error, TsigError::none);
}

TEST(Tsig, an_id_that_was_changed_on_the_way_is_forgiven) {  // RFC 8945 section 4.3.2: the original ID is
                                                             // what is signed
  Bytes message = UpdateBuilder::signed_by(some(), key(), now);
  message[0] ^= 0xff;
  EXPECT_EQ(check(message, {key()}).error, TsigError::none);
}

TEST(Tsig, what_is_wrong_is_told_in_the_order_of_the_rfc) {  // RFC 8945 section 5.2
  const std::vector keys{key()};
  const Bytes good = UpdateBuilder::signed_by(some(), keys[0], now, 60);
  const UnixSeconds late = now + 61;
  EXPECT_EQ(check(good, keys, now + 60).error, TsigError::none);
  EXPECT_EQ(check(good, keys, now - 60).error, TsigError::none);
  EXPECT_EQ(check(good, keys, late).error, TsigError::badtime);
  EXPECT_EQ(check(good, keys, now - 61).error, TsigError::badtime);
  Bytes bad = good;
  bad[some().size() - 1] ^= 1;
  EXPECT_EQ(check(bad, keys, late).error, TsigError::badsig);
  EXPECT_EQ(check(bad, {key(TsigAlgorithm::hmac_sha256, "other")}, late).error, TsigError::badkey);
  EXPECT_EQ(check(bad, {key(TsigAlgorithm::hmac_sha256, "other")}, late).key, nullptr);
}

TEST(Tsig, a_fudge_of_hours_is_five_minutes_here) {
  const Bytes message = UpdateBuilder::signed_by(some(), key(), now, 36'000);
  EXPECT_EQ(check(message, {key()}, now + max_fudge).error, TsigError::none);
  EXPECT_EQ(check(message, {key()}, now + max_fudge + 1).error, TsigError::badtime);
}

/// The same message, its MAC cut to `left` bytes.
Bytes with_mac_cut(const Bytes& message, std::size_t left) {
  const auto record = find_tsig(message).record.value();
  const auto begin = static_cast<std::size_t>(record.mac.data() - message.data());
  const std::size_t cut = record.mac.size() - left;
  Bytes shorter = message;
  shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(begin + left),
                shorter.begin() + static_cast<std::ptrdiff_t>(begin + record.mac.size()));
  const auto change = [&](std::size_t at) {
    const auto value = static_cast<std::size_t>(shorter[at] << 8 | shorter[at + 1]) - cut;
    shorter[at] = static_cast<std::uint8_t>(value >> 8);
    shorter[at + 1] = static_cast<std::uint8_t>(value);
  };
  change(begin - 2);
  change(record.at + record.key.size() + 8);  // the record's length
  return shorter;
}

TEST(Tsig,
     a_truncated_mac_is_told_and_one_of_no_length_is_malformed) {  // RFC 8945 sections 5.2.2.1 and 5.2.4
  const Bytes good = UpdateBuilder::signed_by(some(), key(), now);
  EXPECT_EQ(check(with_mac_cut(good, 16), {key()}).error, TsigError::badtrunc);
  EXPECT_EQ(check(with_mac_cut(good, 31), {key()}).error, TsigError::badtrunc);
  EXPECT_EQ(check(with_mac_cut(good, 16), {key()}, now + 301).error, TsigError::badtime);  // it comes first
  EXPECT_TRUE(check(with_mac_cut(good, 15), {key()}).malformed);
  EXPECT_TRUE(check(with_mac_cut(good, 0), {key()}).malformed);
}

TEST(Tsig, a_record_out_of_place_makes_the_message_malformed) {  // RFC 8945 section 5.1
  const Bytes once = UpdateBuilder::signed_by(some(), key(), now);
  EXPECT_FALSE(find_tsig(once).malformed);
  EXPECT_TRUE(find_tsig(UpdateBuilder::signed_by(once, key(), now)).malformed);  // twice
  Bytes answer_section = once;
  answer_section[7] = 1, answer_section[11] = 0;
  EXPECT_TRUE(find_tsig(answer_section).malformed);
  for (std::size_t size = 0; size < once.size(); ++size)
    EXPECT_TRUE(find_tsig(std::span{once}.first(size)).malformed) << size;
  Bytes more = once;
  more.push_back(0);
  EXPECT_TRUE(find_tsig(more).malformed);
  EXPECT_FALSE(find_tsig(some()).malformed);
  EXPECT_FALSE(find_tsig(some()).record);
}

TsigRecord record(UnixSeconds time, const Bytes& mac) {
  TsigRecord one;
  one.time_signed = time;
  one.mac = mac;
  return one;
}

TEST(TsigHistory, a_message_that_comes_again_is_known_with_its_answer) {  // RFC 8945 section 5.2.3
  TsigHistory history;
  const Bytes mac(32, 7), other(32, 8);
  EXPECT_EQ(history.look(record(now, mac)).seen, TsigHistory::Seen::never);
  history.note(record(now, mac), Rcode::yxdomain, now);
  EXPECT_EQ(history.look(record(now, mac)).seen, TsigHistory::Seen::before);
  EXPECT_EQ(history.look(record(now, mac)).rcode, Rcode::yxdomain);
  EXPECT_EQ(history.look(record(now, other)).seen, TsigHistory::Seen::never);
  EXPECT_EQ(history.look(record(now - 5, other)).seen, TsigHistory::Seen::never);  // overtaken on the way
  history.forget_before(now + 1);
  EXPECT_EQ(history.look(record(now, other)).seen, TsigHistory::Seen::too_old);
}

TEST(TsigHistory, its_memory_is_bounded_and_what_it_forgot_is_refused) {
  TsigHistory history;
  for (std::size_t i = 0; i < TsigHistory::max_known + 1000; ++i) {
    Bytes mac(32, static_cast<std::uint8_t>(i));
    mac[1] = static_cast<std::uint8_t>(i >> 8), mac[2] = static_cast<std::uint8_t>(i >> 16);
    history.note(record(now + i / 1000, mac), Rcode::noerror, now + i / 1000);
    ASSERT_LE(history.size(), TsigHistory::max_known);
  }
  EXPECT_EQ(history.look(record(now, Bytes(32, 0))).seen, TsigHistory::Seen::too_old);
  // Half an hour later what was said then is late anyway.
  history.note(record(now + 3600, Bytes(32, 9)), Rcode::noerror, now + 3600);
  EXPECT_EQ(history.size(), 1U);
}

}  // namespace
}  // namespace rgw::dns
