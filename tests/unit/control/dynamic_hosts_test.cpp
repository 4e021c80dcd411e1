// Hosts that updates make (DNS-6), from the bytes of a message to the directory of hosts and the file:
//   - who may: unsigned, unknown key, wrong MAC, old, replayed; names, zones and prefixes of the key; what is
//   the operator's
//   - a host is in the directory and answered at once, kept over a restart, and gone with its reservations
//   and sessions
//   - an address is one host's; PTR and DHCID records are kept with it
#include "realmgw/control/realm_names.hpp"
#include "realmgw/control/realm_zones.hpp"
#include "realmgw/control/update_service.hpp"

#include <unistd.h>

#include "unit/control/support.hpp"
#include "unit/dns/update_support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using dns::Rcode;
using dns::RrType;
using dns::test::a;
using dns::test::Bytes;
using dns::test::update;
using dns::test::UpdateBuilder;
using test::ip;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr dns::UnixSeconds now = 1'700'000'000;
const Bytes secret(32, 0x5a), other_secret(32, 0xa5);
const std::string dhcid = a({0, 2, 1, 1, 2, 3}), other_dhcid = a({0, 2, 1, 9, 9, 9});

config::Realm realm_with_keys() {
  config::Realm realm = test::realm();
  realm.zones.front().records.push_back({.name = "mail", .type = "A", .ttl = 60, .data = "198.51.100.9"});
  realm.dns.keys = {
      {.name = "dhcp", .algorithm = net::TsigAlgorithm::hmac_sha256, .file = {}, .secret = secret},
      {.name = "lab", .algorithm = net::TsigAlgorithm::hmac_sha512, .file = {}, .secret = other_secret}};
  const auto prefix = [](const char* text) { return net::Prefix::parse(text).value(); };
  realm.dns.updates = {
      {.key = "dhcp", .zones = {}, .prefixes = {prefix("10.0.0.0/24"), prefix("fd00:10::/64")}},
      {.key = "lab", .zones = {"lab.foo"}, .prefixes = {prefix("10.0.0.128/25")}}};
  realm.dns.dynamic_hosts = 4;
  return realm;
}

class DynamicHostsTest : public testing::Test {
 protected:
  DynamicHostsTest() {
    std::filesystem::create_directories(directory);
    start();
  }
  ~DynamicHostsTest() override { std::filesystem::remove_all(directory); }

  void start() {
    service.reset(), dynamic.reset();
    names = make_host_names(realm->realm);
    next_id = 100;
    dynamic.emplace(
        names, std::make_unique<HostJournal>(directory / "dynamic-hosts"),
        DynamicHosts::Listener{
            .next_id = [this] { return HostId{next_id++}; },
            .leaves = [this](HostId id) { left.push_back(id.value()); },
            .vacant = [this](const net::IpAddress& inside) { vacant.push_back(inside.to_string()); },
            .changed = [this] { ++changes; }});
    service.emplace(realm, responder, names, *dynamic, counters, [this] { return time; });
  }

  static dns::TsigKey key(const char* name = "dhcp") {
    const bool lab = std::string_view{name} == "lab";
    return {dns::Name::from_text(name).value(),
            lab ? net::TsigAlgorithm::hmac_sha512 : net::TsigAlgorithm::hmac_sha256,
            lab ? other_secret : secret};
  }
  Bytes answer(const Bytes& message) {
    const auto bytes = service->answer(message, room);
    return {bytes.begin(), bytes.end()};
  }
  static Rcode rcode(const Bytes& answer) { return static_cast<Rcode>(answer[3] & 0xf); }
  Rcode run(const UpdateBuilder& message, const char* by = "dhcp") {
    time += 1;
    return rcode(answer(message.sign(key(by), time)));
  }
  static UpdateBuilder add(const char* name, const std::string& address) {
    return update("foo.").add(name, RrType::a, 300, address);
  }
  std::vector<std::string> addresses(std::string_view name) const {
    std::vector<std::string> all;
    if (const auto* host = names.named(name))
      for (const auto& one : host->addresses) all.push_back(one.to_string());
    return all;
  }
  std::uint64_t counted(Counter counter) const { return counters.get(counter); }

  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("dynamic_hosts_test." + std::to_string(getpid()));
  RealmInForce realm{test::snapshot(realm_with_keys())};
  CounterBlock counters;
  dns::Responder responder{{}, make_zones(realm->realm), nullptr, counters};
  pool::HostNames names;
  std::uint32_t next_id = 100;
  std::vector<std::uint32_t> left;
  std::vector<std::string> vacant;
  unsigned changes = 0;
  dns::UnixSeconds time = now;
  std::optional<DynamicHosts> dynamic;
  std::optional<UpdateService> service;
  std::array<std::uint8_t, 1232> room{};
};

TEST_F(DynamicHostsTest, a_signed_update_makes_a_host_and_its_answer_is_signed) {  // DNS-6
  const Bytes request = add("x.foo.", a({10, 0, 0, 77})).sign(key(), time);
  const Bytes said = answer(request);
  EXPECT_EQ(rcode(said), Rcode::noerror);
  EXPECT_EQ(said[0], request[0]);
  EXPECT_EQ(said[2] >> 3, 0x10 | 5);  // an answer to an update
  const auto tsig = dns::find_tsig(said).record;
  ASSERT_TRUE(tsig);
  EXPECT_EQ(tsig->mac.size(), 32U);
  EXPECT_EQ(tsig->error, 0);
  EXPECT_THAT(addresses("x"), ElementsAre("10.0.0.77"));
  EXPECT_EQ(names.named("x")->dynamic_ttl, 300U);
  EXPECT_EQ(changes, 1U);
  EXPECT_EQ(counted(Counter::dns_updates), 1U);
}

TEST_F(DynamicHostsTest, without_a_signature_of_its_key_nothing_changes) {  // DNS-6, RFC 8945 section 5.2
  const auto good = add("x.foo.", a({10, 0, 0, 77}));
  const auto fails = [&](const Bytes& message, Rcode wanted, dns::TsigError error, std::size_t mac) {
    const Bytes said = answer(message);
    EXPECT_EQ(rcode(said), wanted);
    const auto tsig = dns::find_tsig(said).record;
    ASSERT_EQ(tsig.has_value(), error != dns::TsigError::none);
    if (tsig) {
      EXPECT_EQ(tsig->error, static_cast<std::uint16_t>(error));
      EXPECT_EQ(tsig->mac.size(), mac);
    }
    EXPECT_LE(said.size(), message.size() + (mac == 0 ? 0 : 6));
  };
  fails(good.bytes(), Rcode::refused, dns::TsigError::none, 0);
  fails(good.sign({dns::Name::from_text("nobody").value(), net::TsigAlgorithm::hmac_sha256, secret}, time),
        Rcode::notauth, dns::TsigError::badkey, 0);
  fails(good.sign({key().name, net::TsigAlgorithm::hmac_sha512, secret}, time), Rcode::notauth,
        dns::TsigError::badkey, 0);
  fails(good.sign({key().name, net::TsigAlgorithm::hmac_sha256, other_secret}, time), Rcode::notauth,
        dns::TsigError::badsig, 0);
  fails(good.sign(key(), time - 301), Rcode::notauth, dns::TsigError::badtime, 32);
  fails(good.sign(key(), time + 301), Rcode::notauth, dns::TsigError::badtime, 32);
  fails(UpdateBuilder::signed_by(good.sign(key(), time), key(), time), Rcode::formerr, dns::TsigError::none,
        0);
  EXPECT_THAT(addresses("x"), IsEmpty());
  EXPECT_EQ(counted(Counter::dns_update_unsigned), 1U);
  EXPECT_EQ(counted(Counter::dns_update_bad_key), 2U);
  EXPECT_EQ(counted(Counter::dns_update_bad_mac), 1U);
  EXPECT_EQ(counted(Counter::dns_update_bad_time), 2U);
  EXPECT_EQ(counted(Counter::dns_update_malformed), 1U);
  EXPECT_EQ(changes, 0U);
}

TEST_F(DynamicHostsTest, the_answer_to_an_old_message_tells_the_time) {  // RFC 8945 section 5.2.3
  const auto refusal = answer(add("x.foo.", a({10, 0, 0, 77})).sign(key(), time - 400));
  const auto tsig = dns::find_tsig(refusal).record;
  ASSERT_TRUE(tsig);
  ASSERT_EQ(tsig->other.size(), 6U);
  std::uint64_t told = 0;
  for (const auto byte : tsig->other) told = told << 8 | byte;
  EXPECT_EQ(told, time);
  EXPECT_EQ(tsig->time_signed, time - 400);
}

TEST_F(DynamicHostsTest, a_message_that_comes_again_changes_nothing_and_gets_the_same_answer) {  // DNS-6
  const Bytes message = add("x.foo.", a({10, 0, 0, 77})).sign(key(), time);
  EXPECT_EQ(rcode(answer(message)), Rcode::noerror);
  EXPECT_EQ(run(update("foo.").remove_set("x.foo.", RrType::a)), Rcode::noerror);
  EXPECT_EQ(rcode(answer(message)), Rcode::noerror);
  EXPECT_THAT(addresses("x"), IsEmpty());
  EXPECT_EQ(counted(Counter::dns_update_replayed), 1U);
  // After a restart, too.
  start();
  EXPECT_EQ(rcode(answer(message)), Rcode::notauth);
  EXPECT_THAT(addresses("x"), IsEmpty());
}

TEST_F(DynamicHostsTest, a_key_changes_only_what_it_is_for) {  // DNS-6
  EXPECT_EQ(run(add("x.lab.foo.", a({10, 0, 0, 200})), "lab"), Rcode::noerror);
  EXPECT_EQ(run(add("x.foo.", a({10, 0, 0, 201})), "lab"), Rcode::refused);     // the name
  EXPECT_EQ(run(add("y.lab.foo.", a({10, 0, 0, 20})), "lab"), Rcode::refused);  // the address
  EXPECT_EQ(run(add("z.foo.", a({192, 0, 2, 1}))), Rcode::refused);             // not inside
  EXPECT_EQ(run(add("z.foo.", a({10, 0, 0, 1}))), Rcode::refused);              // the gateway
  EXPECT_EQ(run(add("z.foo.", a({10, 0, 0, 255}))), Rcode::refused);            // nobody's
  EXPECT_EQ(run(add("z.bar.", a({10, 0, 0, 77}))), Rcode::notzone);
  EXPECT_EQ(run(update("bar.").add("z.bar.", RrType::a, 1, a({10, 0, 0, 77}))), Rcode::notauth);
  for (const auto* name : {"foo.", "tcp22.foo.", "www.foo.", "www.hosta.foo.", "_ssh._tcp.hosta.foo.",
                           "under_score.foo.", "ns1.foo."})
    EXPECT_EQ(run(add(name, a({10, 0, 0, 77}))), Rcode::refused) << name;
  EXPECT_EQ(counted(Counter::dns_update_refused), 12U);
  EXPECT_EQ(dynamic->hosts(), 1U);
}

TEST_F(DynamicHostsTest, what_the_operator_wrote_is_never_changed) {  // DNS-6
  EXPECT_EQ(run(add("hosta.foo.", a({10, 0, 0, 77}))), Rcode::refused);
  EXPECT_EQ(run(update("foo.").update("hosta.foo.", RrType::any, dns::class_any)), Rcode::refused);
  EXPECT_EQ(run(add("mail.foo.", a({10, 0, 0, 77}))), Rcode::refused);
  EXPECT_EQ(run(add("x.foo.", a({10, 0, 0, 42}))), Rcode::refused);  // hosta's address
  EXPECT_THAT(addresses("hosta"), ElementsAre("10.0.0.42"));
  EXPECT_EQ(run(update("foo.").prerequisite("hosta.foo.", RrType::any, dns::class_none)), Rcode::yxdomain);
  EXPECT_EQ(run(update("foo.").prerequisite("hosta.foo.", RrType::a, dns::class_in, a({10, 0, 0, 42}))),
            Rcode::noerror);
  EXPECT_EQ(run(update("0.0.10.in-addr.arpa.").remove_set("42.0.0.10.in-addr.arpa.", RrType::ptr)),
            Rcode::refused);
}

TEST_F(DynamicHostsTest, a_host_gets_a_second_family_and_keeps_its_reservations) {
  EXPECT_EQ(run(add("x.foo.", a({10, 0, 0, 77}))), Rcode::noerror);
  const auto id = names.named("x")->id;
  const auto v6 = std::string{"\xfd\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\x77", 16};
  EXPECT_EQ(run(update("foo.").add("x.foo.", RrType::aaaa, 300, v6)), Rcode::noerror);
  EXPECT_THAT(addresses("x"), ElementsAre("10.0.0.77", "fd00:10::77"));
  EXPECT_EQ(names.named("x")->id, id);
  EXPECT_THAT(left, IsEmpty());
  EXPECT_EQ(run(update("foo.").add("x.foo.", RrType::a, 300, a({10, 0, 0, 78}))),
            Rcode::refused);  // a second of one family
}

TEST_F(DynamicHostsTest, a_removed_or_changed_host_is_gone_with_its_reservations_and_sessions) {  // DNS-6
  EXPECT_EQ(run(add("x.foo.", a({10, 0, 0, 77}))), Rcode::noerror);
  EXPECT_EQ(
      run(update("foo.").remove_set("x.foo.", RrType::a).add("x.foo.", RrType::a, 300, a({10, 0, 0, 78}))),
      Rcode::noerror);
  EXPECT_THAT(left, ElementsAre(100U));
  EXPECT_THAT(vacant, ElementsAre("10.0.0.77"));
  EXPECT_NE(names.named("x")->id.value(), 100U);
  EXPECT_EQ(run(update("foo.").update("x.foo.", RrType::any, dns::class_any)), Rcode::noerror);
  EXPECT_THAT(vacant, ElementsAre("10.0.0.77", "10.0.0.78"));
  EXPECT_EQ(names.named("x"), nullptr);
  EXPECT_FALSE(dynamic->any());
}

TEST_F(DynamicHostsTest, an_address_is_the_host_of_whom_it_was_said_last) {
  EXPECT_EQ(run(add("x.foo.", a({10, 0, 0, 77})).add("x.foo.", RrType::dhcid, 300, dhcid)), Rcode::noerror);
  EXPECT_EQ(run(add("y.foo.", a({10, 0, 0, 77}))), Rcode::noerror);
  EXPECT_THAT(addresses("x"), IsEmpty());
  EXPECT_THAT(addresses("y"), ElementsAre("10.0.0.77"));
  EXPECT_THAT(dynamic->dhcid_of("x"), ElementsAre(dhcid));  // the name is still somebody's
  EXPECT_THAT(vacant, ElementsAre("10.0.0.77"));
  // Two exchange theirs in one message.
  EXPECT_EQ(run(add("x.foo.", a({10, 0, 0, 78}))), Rcode::noerror);
  EXPECT_EQ(run(update("foo.")
                    .remove_set("x.foo.", RrType::a)
                    .remove_set("y.foo.", RrType::a)
                    .add("x.foo.", RrType::a, 1, a({10, 0, 0, 77}))
                    .add("y.foo.", RrType::a, 1, a({10, 0, 0, 78}))),
            Rcode::noerror);
  EXPECT_THAT(addresses("x"), ElementsAre("10.0.0.77"));
  EXPECT_THAT(addresses("y"), ElementsAre("10.0.0.78"));
}

TEST_F(DynamicHostsTest, reverse_names_are_changed_within_the_prefixes_of_the_key) {  // DNS-6
  const auto pointer = [](const char* zone, const char* name, const char* target) {
    return update(zone)
        .remove_set(name, RrType::ptr)
        .add(name, RrType::ptr, 300, dns::test::wire(target))
        .add(name, RrType::dhcid, 300, dhcid);
  };
  EXPECT_EQ(run(pointer("0.0.10.in-addr.arpa.", "200.0.0.10.in-addr.arpa.", "X.lab.foo."), "lab"),
            Rcode::noerror);
  const auto found = dynamic->reverse(ip("10.0.0.200"), dns::Name::from_text("foo").value());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name.to_string(), "x.lab.foo.");
  EXPECT_EQ(found->ttl, 300U);
  EXPECT_EQ(run(pointer("0.0.10.in-addr.arpa.", "20.0.0.10.in-addr.arpa.", "x.lab.foo."), "lab"),
            Rcode::refused);
  EXPECT_EQ(run(pointer("0.0.10.in-addr.arpa.", "201.0.0.10.in-addr.arpa.", "x.bar."), "lab"),
            Rcode::refused);
  EXPECT_EQ(run(pointer("1.0.10.in-addr.arpa.", "1.1.0.10.in-addr.arpa.", "x.foo.")), Rcode::notauth);
  EXPECT_EQ(
      run(update("0.0.10.in-addr.arpa.").update("200.0.0.10.in-addr.arpa.", RrType::any, dns::class_any),
          "lab"),
      Rcode::noerror);
  EXPECT_FALSE(dynamic->reverse(ip("10.0.0.200"), dns::Name::from_text("foo").value()));
  // Of a host without a pointer the name itself is told.
  EXPECT_EQ(run(add("x.foo.", a({10, 0, 0, 77}))), Rcode::noerror);
  EXPECT_EQ(dynamic->reverse(ip("10.0.0.77"), dns::Name::from_text("foo").value())->name.to_string(),
            "x.foo.");
}

TEST_F(DynamicHostsTest, what_updates_made_outlives_a_restart) {  // OPS-9
  EXPECT_EQ(run(add("x.foo.", a({10, 0, 0, 77})).add("x.foo.", RrType::dhcid, 300, dhcid)), Rcode::noerror);
  EXPECT_EQ(run(add("y.foo.", a({10, 0, 0, 78}))), Rcode::noerror);
  EXPECT_EQ(run(update("foo.").update("y.foo.", RrType::any, dns::class_any)), Rcode::noerror);
  start();
  EXPECT_THAT(addresses("x"), ElementsAre("10.0.0.77"));
  EXPECT_EQ(names.named("x")->dynamic_ttl, 300U);
  EXPECT_EQ(names.named("y"), nullptr);
  time += 5;
  EXPECT_EQ(run(update("foo.").prerequisite("x.foo.", RrType::dhcid, dns::class_in, dhcid)), Rcode::noerror);
  EXPECT_EQ(run(update("foo.").prerequisite("x.foo.", RrType::dhcid, dns::class_in, other_dhcid)),
            Rcode::nxrrset);
}

TEST_F(DynamicHostsTest, there_are_no_more_than_there_may_be) {
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(run(add(("x" + std::to_string(i) + ".foo.").c_str(), a({10, 0, 0, 70 + i}))), Rcode::noerror);
  EXPECT_EQ(run(add("y.foo.", a({10, 0, 0, 90}))), Rcode::refused);
  EXPECT_EQ(counted(Counter::dns_update_no_room), 1U);
  EXPECT_EQ(run(update("foo.").update("x1.foo.", RrType::any, dns::class_any)), Rcode::noerror);
  EXPECT_EQ(run(add("y.foo.", a({10, 0, 0, 90}))), Rcode::noerror);
}

TEST_F(DynamicHostsTest, what_cannot_be_kept_is_not_done) {  // OPS-9
  dynamic.emplace(names, nullptr, DynamicHosts::Listener{});
  EXPECT_EQ(run(add("x.foo.", a({10, 0, 0, 77}))), Rcode::servfail);
  EXPECT_EQ(names.named("x"), nullptr);
  EXPECT_EQ(counted(Counter::dns_update_not_kept), 1U);
}

TEST_F(DynamicHostsTest, a_reload_takes_away_what_clashes_with_it_and_nothing_else) {
  EXPECT_EQ(run(add("x.foo.", a({10, 0, 0, 77}))), Rcode::noerror);
  EXPECT_EQ(run(add("y.foo.", a({10, 0, 0, 78}))), Rcode::noerror);
  config::Realm next = realm_with_keys();
  next.hosts.push_back({.name = "new", .addresses = {ip("10.0.0.77")}, .services = {}});
  const auto snapshot = test::snapshot(next);
  EXPECT_THAT(hosts_without_place(names, next), IsEmpty());
  EXPECT_EQ(dynamic->keep_only([&](const DynamicHost& host) { return UpdateService::fits(host, *snapshot); }),
            1U);
  change_hosts(names, next, next_id);
  EXPECT_EQ(names.find(ip("10.0.0.77"))->name, "new");
  EXPECT_THAT(addresses("y"), ElementsAre("10.0.0.78"));
  EXPECT_EQ(names.named("x"), nullptr);
}

TEST_F(DynamicHostsTest, bytes_of_any_kind_are_answered_and_change_nothing) {
  const Bytes good = add("x.foo.", a({10, 0, 0, 77})).sign(key(), time);
  for (std::size_t size = dns::header_size; size < good.size(); ++size) {
    const auto said = answer({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)});
    EXPECT_NE(rcode(said), Rcode::noerror) << size;
  }
  EXPECT_FALSE(dynamic->any());
}

}  // namespace
}  // namespace rgw::control
