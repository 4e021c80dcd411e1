#include "realmgw/dns/responder.hpp"

#include "realmgw/dns/message_writer.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "reply_room.hpp"
#include "walk.hpp"

namespace rgw::dns {
namespace {

constexpr std::size_t max_nsid = 64;
constexpr std::uint8_t edns_version = 0;
constexpr std::string_view exhausted_text = "no address is to be had at the moment";

ResponderConfig checked(ResponderConfig config) {
  if (config.nsid.size() > max_nsid) throw std::invalid_argument("the NSID is longer than 64 bytes");
  return config;
}

/// An answer on its way: what every answer to one query shares.
class Reply {
 public:
  Reply(const PendingQuery& query, const ResponderConfig& config, std::span<std::uint8_t> room)
      : flags_{query.recursion_desired ? flag::rd : std::uint16_t{0}},
        has_opt_{query.edns.present},
        writer_{room_for(query.client.transport, query.edns, room)} {
    opt_.dnssec_ok = query.edns.dnssec_ok;
    if (query.edns.wants_nsid) opt_.nsid = config.nsid;
    if (query.edns.cookie && config.cookies) show_cookie(*config.cookies, query);
    if (query.edns.subnet) opt_.subnet = subnet_.emplace(*query.edns.subnet).data();
    if (config.recursion && query.client.view == View::inside) flags_ |= flag::ra;
    writer_.begin(query.id);
  }

  void question(const Question& question, std::uint16_t question_class) {
    writer_.question(question, question_class);
    if (has_opt_) writer_.reserve(opt_.size());
    after_question_ = writer_.mark();
  }
  [[nodiscard]] MessageWriter& writer() { return writer_; }

  /// Takes every record back.
  void clear() { writer_.rewind(after_question_); }
  /// It is for clients of the prefix that the query told, and for no others.
  void narrow() { subnet_->narrow(); }
  void error(ExtendedError code, std::string_view text) {
    opt_.error = code;
    opt_.error_text = text;
  }
  std::span<const std::uint8_t> finish(Rcode rcode, std::uint16_t flags = 0, Opcode opcode = Opcode::query) {
    return writer_.finish(opcode, static_cast<std::uint16_t>(flags_ | flags), rcode,
                          has_opt_ ? &opt_ : nullptr);
  }

 private:
  void show_cookie(const ServerCookies& cookies, const PendingQuery& query) {
    const ClientCookie& client = query.edns.cookie->client;
    const auto server = cookies.make(client, query.client.source.address);
    std::ranges::copy(server, std::ranges::copy(client, cookie_.begin()).out);
    opt_.cookie = cookie_;
  }

  std::uint16_t flags_;
  bool has_opt_;
  std::array<std::uint8_t, 8 + ServerCookies::size> cookie_;
  std::optional<ClientSubnetEcho> subnet_;
  OptRecord opt_;
  MessageWriter writer_;
  MessageWriter::Mark after_question_{};
};

PendingQuery context_of(const Query& query, const Client& client, bool proven) {
  return {.ticket = {},
          .client = client,
          .id = query.id,
          .recursion_desired = (query.flags & flag::rd) != 0,
          .edns = query.edns,
          .proven = proven,
          .question = query.question,
          .host = {},
          .service = {}};
}

bool is_transfer(RrType type) {
  return type == RrType::axfr || type == RrType::ixfr;
}

/// What a readable query gets without a look at the zones; nothing where it deserves one.
std::optional<Rcode> refusal(const Query& query) {
  if (query.edns.version != edns_version) return Rcode::badvers;
  if (query.question_class != class_in) return Rcode::refused;
  if (is_meta(query.question.type) && query.question.type != RrType::any && !is_transfer(query.question.type))
    return Rcode::notimp;
  return std::nullopt;
}

}  // namespace

std::span<const std::uint8_t> come_by_tcp(std::span<const std::uint8_t> message,
                                          std::span<std::uint8_t> room) {
  const Query query = read_query(message);
  if (!query.has_question || query.state == Query::State::response) return {};
  MessageWriter writer{room};
  writer.begin(query.id);
  writer.question(query.question, query.question_class);
  const auto flags = static_cast<std::uint16_t>((query.flags & flag::rd) | flag::tc);
  return writer.finish(Opcode::query, flags, Rcode::noerror, nullptr);
}

Responder::Responder(ResponderConfig config, ZoneSet zones, DynamicNames* names, CounterBlock& counters)
    : config_{checked(std::move(config))},
      zones_{std::make_shared<const ZoneSet>(std::move(zones))},
      names_{names},
      counters_{counters} {}

void Responder::replace(ResponderConfig config, ZoneSet zones) {
  config_ = checked(std::move(config));
  zones_ = std::make_shared<const ZoneSet>(std::move(zones));
}

Outcome Responder::respond(std::span<const std::uint8_t> message, const Client& client, Instant now,
                           std::span<std::uint8_t> room) {
  const Query query = read_query(message);
  if (query.state == Query::State::unreadable) {
    counters_.add(Counter::dns_malformed);
    return Silent{};
  }
  if (query.state == Query::State::response) {
    counters_.add(Counter::dns_not_query);
    return Silent{};
  }
  counters_.add(Counter::dns_queries);
  const bool proven = is_proven(query, client);
  const PendingQuery context = context_of(query, client, proven);
  if (query.state == Query::State::other_opcode) {
    // A question of another opcode is not ours to read; its answer is a header.
    counters_.add(Counter::dns_not_query);
    const bool update = query.opcode() == Opcode::update;  // DNS-6: unsigned ones are refused
    if (update) counters_.add(Counter::dns_refused);
    return answered(
        Reply{context, {}, room}.finish(update ? Rcode::refused : Rcode::notimp, 0, query.opcode()), proven);
  }

  const auto without_records = [&](Rcode rcode) {
    Reply reply{context, config_, room};
    if (query.has_question) reply.question(query.question, query.question_class);
    return answered(reply.finish(rcode), proven);
  };
  if (query.state == Query::State::malformed) {
    counters_.add(Counter::dns_malformed);
    return without_records(Rcode::formerr);
  }
  if (const auto rcode = refusal(query)) {
    if (*rcode == Rcode::refused) counters_.add(Counter::dns_refused);
    return without_records(*rcode);
  }
  if (is_transfer(query.question.type)) {
    auto begun = transfer(query, client);
    if (auto* zone = std::get_if<ZoneTransfer>(&begun)) return std::move(*zone);
    counters_.add(Counter::dns_transfers_refused);
    return without_records(std::get<Rcode>(begun));
  }
  auto outcome = answer(context, nullptr, now, room);
  if (auto* elsewhere = std::get_if<Elsewhere>(&outcome)) elsewhere->query = query;
  return outcome;
}

/// By TCP alone (RFC 5936 section 4.2), and by the address of who asks, which TCP proves. A question for what
/// has changed (IXFR) is answered with the whole zone (RFC 1995 section 4).
std::variant<Rcode, ZoneTransfer> Responder::transfer(const Query& query, const Client& client) {
  const auto& known = config_.secondaries;
  if (client.transport != Transport::tcp || std::ranges::find(known, client.source.address) == known.end())
    return Rcode::refused;
  const Name lower = query.question.name.lower();
  const Zone* zone = zones_->find(lower, client.view);
  if (zone == nullptr || !(zone->name() == query.question.name)) return Rcode::notauth;
  counters_.add(Counter::dns_transfers);
  return ZoneTransfer{zones_, *zone, query};
}

Outcome Responder::complete(const PendingQuery& query, std::optional<net::IpAddress> address,
                            std::span<std::uint8_t> room) {
  if (!address) return exhausted(query, room);
  const Settled settled{query.host, query.service, *address};
  return answer(query, &settled, Instant{}, room);
}

Outcome Responder::answer(const PendingQuery& query, const Settled* settled, Instant now,
                          std::span<std::uint8_t> room) {
  Reply reply{query, config_, room};
  reply.question(query.question, class_in);
  const Requester requester = requester_of(query);
  const Walked walked =
      Walk{*zones_, names_, query.client.view, requester, query.question, now, settled, reply.writer()}.run();
  if (walked.retransmitted) counters_.add(Counter::dns_retransmitted);
  if (walked.bound) {
    counters_.add(Counter::dns_bound);
    reply.narrow();
  }

  switch (walked.end) {
    case Walked::End::answered:
      break;
    case Walked::End::outside:
      if (config_.recursion && query.client.view == View::inside && query.recursion_desired &&
          settled == nullptr)
        return Elsewhere{};
      counters_.add(Counter::dns_refused);
      reply.error(ExtendedError::not_authoritative, {});
      return answered(reply.finish(Rcode::refused), query.proven);
    case Walked::End::waiting: {
      counters_.add(Counter::dns_waiting);
      PendingQuery pending = query;
      pending.ticket = walked.ticket;
      pending.host = walked.host;
      pending.service = walked.service;
      pending.proven |= walked.proven;
      return pending;
    }
    case Walked::End::exhausted:
      return exhausted(query, room);
    case Walked::End::challenged:
      return challenge(query, room);
    case Walked::End::withdrawn:
      return no_answer(query, room);
  }
  std::uint16_t flags = walked.authoritative ? flag::aa : std::uint16_t{0};
  if (walked.rcode == Rcode::nxdomain) counters_.add(Counter::dns_nxdomain);
  if (walked.overflow) {
    // Half an RRset is none (RFC 2181 section 9): the client asks again over TCP and gets all.
    counters_.add(Counter::dns_truncated);
    reply.clear();
    flags |= flag::tc;
  }
  if (walked.aliased) counters_.add(Counter::dns_aliased);
  return answered(reply.finish(walked.rcode, flags), query.proven || walked.proven);
}

Outcome Responder::exhausted(const PendingQuery& query, std::span<std::uint8_t> room) {
  if (config_.on_exhaustion == OnExhaustion::silence) return no_answer(query, room);
  const bool refuses = config_.on_exhaustion == OnExhaustion::refuse;
  if (refuses) counters_.add(Counter::dns_refused);
  return failed(query, refuses ? Rcode::refused : Rcode::servfail, room);
}

/// Silence makes a resolver ask again over UDP. Over TCP nobody asks again: the connection would only be held
/// until one side has enough of it (RFC 7766 section 6.2.3), so it is told.
Outcome Responder::no_answer(const PendingQuery& query, std::span<std::uint8_t> room) {
  if (query.client.transport == Transport::tcp) return failed(query, Rcode::servfail, room);
  counters_.add(Counter::dns_silent);
  return Silent{};
}

Outcome Responder::failed(const PendingQuery& query, Rcode rcode, std::span<std::uint8_t> room) {
  Reply reply{query, config_, room};
  reply.question(query.question, class_in);
  reply.error(ExtendedError::not_ready, exhausted_text);
  return answered(reply.finish(rcode), query.proven);
}

/// By a cookie, where the client knows what one is; else by TCP (GUARD-1).
Outcome Responder::challenge(const PendingQuery& query, std::span<std::uint8_t> room) {
  Reply reply{query, config_, room};
  reply.question(query.question, class_in);
  if (query.edns.cookie && config_.cookies) {
    counters_.add(Counter::dns_bad_cookie);
    return answered(reply.finish(Rcode::badcookie), query.proven);
  }
  counters_.add(Counter::dns_sent_to_tcp);
  return answered(reply.finish(Rcode::noerror, flag::tc), query.proven);
}

Requester Responder::requester_of(const PendingQuery& query) const {
  const Client& client = query.client;
  Requester requester{client.source,    query.id,
                      client.transport, client.view,
                      query.proven,     query.edns.cookie.has_value() && config_.cookies != nullptr};
  const auto& subnet = query.edns.subnet;
  const auto holds = [&](const net::Prefix& prefix) { return prefix.contains(client.source.address); };
  if (subnet && subnet->prefix.length() > 0 && client.view == View::outside &&
      std::ranges::any_of(config_.trusted, holds))
    requester.client = subnet->prefix;
  return requester;
}

bool Responder::is_proven(const Query& query, const Client& client) const {
  if (client.transport == Transport::tcp || client.tcp_at_relay) return true;
  const auto& cookie = query.edns.cookie;
  return cookie && cookie->server_size != 0 && config_.cookies &&
         config_.cookies->knows(std::span{cookie->server}.first(cookie->server_size), cookie->client,
                                client.source.address);
}

Outcome Responder::answered(std::span<const std::uint8_t> bytes, bool proven) {
  counters_.add(Counter::dns_answers);
  return Answered{bytes, proven};
}

}  // namespace rgw::dns
