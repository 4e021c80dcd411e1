// Recursion against hostile upstreams (RFC 6147): whatever they reply, each client gets one well-formed
// answer to its question within its size, and no address of a kind that must not be answered. The first byte
// of an input chooses type, DO, CD and transport; the rest is cut into replies, each with its length before
// it.
#include "realmgw/dns/recursor.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
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

/// Replies with what the input holds, in its order; then with silence.
class Hostile final : public Upstream {
 public:
  explicit Hostile(std::span<const std::uint8_t> input) : input_{input} {}

  void ask(FetchId id, std::span<const std::uint8_t> query) override {
    require(read_query(query).state == Query::State::good);
    waiting_.push_back({id, {query.begin(), query.end()}});
  }
  void cancel(FetchId) override {}
  bool dead() const override { return waiting_.empty() && input_.empty(); }
  std::optional<UpstreamReply> take() override {
    if (waiting_.empty() || input_.size() < 2) return std::nullopt;
    const std::size_t size = std::min<std::size_t>(input_[0] << 8 | input_[1], input_.size() - 2);
    const auto [id, query] = waiting_.back();
    waiting_.pop_back();
    UpstreamReply reply{id, UpstreamReply::Status::answered, {}};
    // Half of them get a header and a question that fit, so that the records behind are looked at.
    if ((size & 1) != 0) {
      reply.message.assign(query.begin(), query.end() - 11);
      reply.message[2] |= 0x80;
      reply.message[7] = static_cast<std::uint8_t>(size >> 1 & 7);
      reply.message[9] = static_cast<std::uint8_t>(size >> 4 & 3);
      reply.message[11] = 0;
    }
    const auto rest = input_.subspan(2, size);
    reply.message.insert(reply.message.end(), rest.begin(), rest.end());
    input_ = input_.subspan(2 + size);
    return reply;
  }

 private:
  std::span<const std::uint8_t> input_;
  std::vector<std::pair<FetchId, std::vector<std::uint8_t>>> waiting_;
};

class Proxies final : public ProxyBinder {
 public:
  std::optional<net::Ipv4Address> bind(const net::Ipv6Address& remote, Instant now, Instant until) override {
    require(until > now && Dns46::translates(remote));
    return net::Ipv4Address{100, 64, 0, 1};
  }
  std::optional<net::Ipv6Address> remote_of(const net::Ipv4Address&) const override { return std::nullopt; }
};

void check(std::span<const std::uint8_t> answer, const Query& query, Transport transport) {
  const std::size_t limit = transport == Transport::tcp ? tcp_size
                            : query.edns.present        ? edns_udp_size
                                                        : classic_udp_size;
  require(answer.size() <= limit);
  const auto response = read_response(answer, query.question, true);
  require(response.has_value());
  for (const auto& record : response->records) {
    if (record.section != Section::answer || record.type != RrType::aaaa || query.edns.dnssec_ok) continue;
    require(query.question.type != RrType::aaaa ||
            !Dns64::default_exclusions()[0].contains(address_in(record)));
  }
  // What the gateway need not understand it passes on as bytes (RFC 3597 section 3), sense or nonsense.
  const auto understood = [](const Record& record) {
    constexpr RrType types[] = {RrType::a,   RrType::aaaa, RrType::cname, RrType::dname,
                                RrType::soa, RrType::mx,   RrType::ns,    RrType::ptr};
    return std::ranges::find(types, record.type) != std::end(types);
  };
  if (!std::ranges::all_of(response->records, understood)) return;
  ldns_pkt* packet = nullptr;
  require(ldns_wire2pkt(&packet, answer.data(), answer.size()) == LDNS_STATUS_OK);
  ldns_pkt_free(packet);
}

class Sink final : public AnswerSink {
 public:
  Sink(const Query& query, Transport transport) : query_{query}, transport_{transport} {}
  void deliver(RecursionTicket, std::span<const std::uint8_t> answer) override {
    check(answer, query_, transport_);
    ++delivered;
  }
  unsigned delivered = 0;

 private:
  const Query& query_;
  Transport transport_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::vector<std::uint8_t> room(tcp_size);
  if (size == 0) return 0;
  CounterBlock counters;
  Random random{1};
  AnswerCache cache{{16, 65536, std::chrono::hours{1}}, HashSalt{random}};
  Hostile upstream{{data + 1, size - 1}};
  Proxies proxies;
  RecursorConfig config;
  config.dns64.emplace(net::Prefix::parse("fd64::/96").value());
  config.ces = true;
  config.serve_stale = std::chrono::hours{1};
  Recursor recursor{config, cache, upstream, &proxies, counters};

  constexpr RrType types[] = {RrType::aaaa, RrType::a, RrType::mx, RrType::any};
  Query query;
  query.state = Query::State::good;
  query.flags = flag::rd | ((data[0] & 4) != 0 ? flag::cd : std::uint16_t{0});
  query.question = {Name::from_text("www.a.example").value(), types[data[0] & 3]};
  query.question_class = class_in;
  query.has_question = true;
  query.edns.present = (data[0] & 8) != 0;
  query.edns.dnssec_ok = (data[0] & 24) == 24;
  query.edns.udp_size = 4096;
  Client client;
  client.transport = (data[0] & 32) != 0 ? Transport::tcp : Transport::udp;
  client.view = View::inside;

  // Twice, so that what was kept is served, too.
  Instant now{std::chrono::seconds{1000}};
  for (int i = 0; i < 2; ++i) {
    Sink sink{query, client.transport};
    const auto outcome = recursor.ask(query, client, now, room);
    if (const auto* answered = std::get_if<Answered>(&outcome)) {
      check(answered->bytes, query, client.transport);
      continue;
    }
    recursor.step(now, sink);
    now += std::chrono::seconds{6};
    recursor.step(now, sink);
    require(sink.delivered == 1 && recursor.waiting() == 0);
  }
  return 0;
}
