// The DNS responder against any bytes (DNS-1): what it answers is bounded, well-formed and an answer to the
// query. The first byte of an input chooses transport, view and what the pool says; the rest is the message.
#include "realmgw/dns/responder.hpp"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <ldns/ldns.h>

namespace {

using namespace rgw;
using namespace rgw::dns;

void require(bool condition) {
  if (!condition) std::abort();
}

/// Every kind of dynamic name, by the first letter of its first label.
class Names : public DynamicNames {
 public:
  Found find(std::span<const std::string_view> labels, RrType, View) override {
    require(!labels.empty());
    Found found;
    found.ttl = 60;
    found.addresses = addresses_;
    found.srv = {1, 2, 22, labels};
    found.kind = static_cast<Found::Kind>(static_cast<unsigned char>(labels.front().front()) % 6);
    return found;
  }
  Reservation reserve(HostId, const net::Service&, net::Family family, const Requester& requester,
                      const Question&, Instant) override {
    if (challenges && !requester.proven) return Challenged{};
    if (choice == 0) return Refused{};
    if (choice == 1) return Waiting{Ticket{1}};
    return Granted{address(family), choice == 2};
  }

  net::IpAddress address(net::Family family) const { return addresses_[family == net::Family::v4 ? 0 : 1]; }

  unsigned choice = 0;
  bool challenges = false;

 private:
  std::vector<net::IpAddress> addresses_{net::Ipv4Address{198, 51, 100, 10},
                                         *net::Ipv6Address::parse("2001:db8::10")};
};

std::vector<Zone> zones() {
  ZoneSpec foo;
  foo.name = "foo";
  foo.nameservers = {"ns.foo"};
  foo.dynamic = true;
  foo.records = {{"ns", "A", "198.51.100.1", {}},  {"a.b", "TXT", "x", {}},
                 {"sub", "NS", "ns.sub", {}},      {"ns.sub", "AAAA", "2001:db8::1", {}},
                 {"l", "CNAME", "m", {}},          {"m", "CNAME", "l", {}},
                 {"alias", "CNAME", "enigma", {}}, {"@", "MX", "1 ns", {}},
                 {"s", "SRV", "1 2 3 ns", {}},     {"big", "TXT", std::string(250, 'x'), {}}};
  for (int i = 0; i < 99; ++i) foo.records.push_back({"many", "A", "203.0.113." + std::to_string(i), {}});
  ZoneSpec inside;
  inside.name = "10.in-addr.arpa";
  inside.nameservers = {"ns.foo"};
  inside.records = {{"1.0.0", "PTR", "enigma.foo.", {}}};
  inside.views = ZoneViews::inside;
  std::vector<Zone> result;
  result.emplace_back(foo);
  result.emplace_back(inside);
  return result;
}

/// What holds for every answer to every message.
void check(std::span<const std::uint8_t> message, std::span<const std::uint8_t> answer, Transport transport) {
  require(message.size() >= header_size && answer.size() >= header_size);
  require((message[2] & 0x80) == 0 && (answer[2] & 0x80) != 0);  // only queries are answered, with a response
  require(message[0] == answer[0] && message[1] == answer[1]);
  require((message[2] & 0x79) == (answer[2] & 0x79));  // opcode and RD
  const Query query = read_query(message);
  std::size_t limit = classic_udp_size;
  if (transport == Transport::tcp) {
    limit = tcp_size;
  } else if (query.edns.present) {
    limit = edns_udp_size;
  }
  require(answer.size() <= limit);
  if (query.has_question) {
    const std::size_t size = query.question.name.size() + 4;
    require(answer.size() >= header_size + size);
    require(std::equal(message.begin() + header_size, message.begin() + header_size + size,
                       answer.begin() + header_size));
  }
  ldns_pkt* packet = nullptr;
  require(ldns_wire2pkt(&packet, answer.data(), answer.size()) == LDNS_STATUS_OK);
  require(ldns_pkt_edns(packet) == query.edns.present);
  ldns_pkt_free(packet);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static CounterBlock counters;
  static Names names;
  static const auto cookies =
      std::make_shared<const ServerCookies>(std::vector{SipKey{1}}, [] { return 1'700'000'000U; });
  static Responder responders[] = {
      {{"fuzzed", OnExhaustion::silence, false, cookies, {Client{}.source.address}},
       ZoneSet{zones()},
       &names,
       counters},
      {{"fuzzed", OnExhaustion::servfail}, ZoneSet{zones()}, &names, counters},
  };
  static std::vector<std::uint8_t> room(tcp_size);
  if (size == 0) return 0;
  Client client;
  client.transport = (data[0] & 1) != 0 ? Transport::tcp : Transport::udp;
  client.view = (data[0] & 2) != 0 ? View::inside : View::outside;
  names.choice = data[0] >> 2 & 3;
  names.challenges = (data[0] & 0x40) != 0;
  Responder& responder = responders[data[0] >> 4 & 1];

  const std::span message{data + 1, size - 1};
  auto outcome = responder.respond(message, client, Instant{}, room);
  if (const auto* pending = std::get_if<PendingQuery>(&outcome)) {
    std::optional<net::IpAddress> address;
    const bool asks_v4 = pending->question.type == RrType::a;
    if ((data[0] & 0x20) != 0) address = names.address(asks_v4 ? net::Family::v4 : net::Family::v6);
    outcome = responder.complete(PendingQuery{*pending}, address, room);
    require(!std::holds_alternative<PendingQuery>(outcome));
  }
  if (auto* zone = std::get_if<ZoneTransfer>(&outcome)) {
    check(message, zone->next(room), client.transport);
    for (int messages = 1; !zone->done(); ++messages) {
      require(messages < 100);
      require(!zone->next(room).empty());
    }
  }
  if (const auto* answered = std::get_if<Answered>(&outcome))
    check(message, answered->bytes, client.transport);
  // The word to come by TCP is an answer like any other, and no longer than the query (GUARD-7).
  const auto told = come_by_tcp(message, room);
  if (!told.empty()) {
    require(told.size() <= message.size());
    require((told[2] & 0x82) == 0x82 && told[0] == message[0] && told[1] == message[1]);
  }
  return 0;
}
