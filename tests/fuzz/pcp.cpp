// PCP datagrams of any bytes, put to a server that lives on between them (RFC 6887): each response has the
// form that section 7.2 gives it, and the leases are never more than they may be.
//
// The input is a row of datagrams, each behind a byte of how long it is in words of four bytes, and a byte of
// what happens besides: time that passes, and what the packet path says.
#include "realmgw/pcp/server.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>

namespace {

using namespace rgw;
using namespace rgw::pcp;

constexpr LeaseBook::Limits limits{8, 3};

struct FuzzMapper final : Mapper {
  std::deque<Ticket> asked;
  bool takes = true;
  std::optional<net::Family> family_for(const net::IpAddress&, net::Family wanted) const override {
    return wanted;
  }
  std::optional<net::Endpoint> fixed(const LeaseKey& key) const override {
    return key.port == 80 ? std::optional{net::Endpoint{key.host, 80}} : std::nullopt;
  }
  bool ask(Ticket ticket, const Wish&) override {
    if (takes) asked.push_back(ticket);
    return takes;
  }
  bool close(const LeaseKey&) override { return takes; }
  bool release(const LeaseKey&) override { return takes; }
};

void check(std::span<const std::uint8_t> response) {
  if (response.empty()) return;
  const bool good = response.size() >= 24 && response.size() <= longest_message && response.size() % 4 == 0 &&
                    response[0] == version && (response[1] & 0x80) != 0 && response[2] == 0 &&
                    response[3] <= 13;
  if (!good) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::uint8_t> rest{data, size};
  FuzzMapper mapper;
  CounterBlock counters;
  Instant now{};
  Server server{{std::chrono::seconds{2}, std::chrono::seconds{1000}, limits}, mapper, counters, now};
  std::array<std::uint8_t, longest_message> room;
  while (rest.size() >= 2) {
    const std::size_t length = std::min<std::size_t>(rest[0] * std::size_t{4}, rest.size() - 2);
    const std::uint8_t what = rest[1];
    const auto datagram = rest.subspan(2, length);
    rest = rest.subspan(2 + length);
    // Usually it comes from whom its client takes itself for.
    Client client{0, {net::Ipv4Address{10, 0, 0, what}, 1}};
    const auto read = read_request(datagram);
    if (const auto* request = std::get_if<Request>(&read); request != nullptr && what % 8 != 0)
      client.endpoint.address = request->client;
    mapper.takes = what % 16 != 1;
    check(server.receive(datagram, client, now, room));
    while (!mapper.asked.empty() && what % 4 != 3) {
      const Ticket ticket = mapper.asked.front();
      mapper.asked.pop_front();
      Server::Answer answer{net::Endpoint{net::Ipv4Address{198, 51, 100, 1}, 5000}, Result::success};
      if (what % 32 == 4) answer = {std::nullopt, Result::no_resources};
      if (const auto response = server.answer(ticket, answer, now, room)) check(response->bytes);
    }
    now += std::chrono::seconds{what / 2};
    server.tick(now);
    if (server.leases().all().size() > limits.leases) __builtin_trap();
  }
  return 0;
}
