#include "realmgw/dns/recursor.hpp"

#include "realmgw/dns/reverse.hpp"

#include <algorithm>
#include <utility>

#include "reply_room.hpp"

namespace rgw::dns {
namespace {

constexpr std::string_view overload_text = "too many queries wait for an answer";
constexpr std::string_view failure_text = "no upstream gave an answer";

/// Is this NAPTR record one of a customer edge node? Its services field names the protocol that edges speak
/// with each other, CETP (RFC 3403 section 4.1: after order, preference and flags).
bool names_edge(const Record& record) {
  const auto& bytes = record.rdata.bytes;
  constexpr std::size_t flags_at = 4;
  if (record.type != RrType::naptr || bytes.size() <= flags_at) return false;
  const std::size_t services_at = flags_at + 1U + bytes[flags_at];
  if (services_at >= bytes.size() || services_at + 1U + bytes[services_at] > bytes.size()) return false;
  const auto services = std::span{bytes}.subspan(services_at + 1, bytes[services_at]);
  constexpr std::string_view cetp = "cetp";
  return services.size() >= cetp.size() &&
         std::equal(cetp.begin(), cetp.end(), services.begin(),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == to_lower(b); });
}

bool failed(const Response& response) {
  return response.rcode == Rcode::servfail;
}

bool is_stale(const std::optional<ExtendedError>& error) {
  return error == ExtendedError::stale_answer || error == ExtendedError::stale_nxdomain;
}

// RFC 8767 section 5: how long a client waits before it gets a stale answer, and how long a failure holds.
constexpr std::chrono::milliseconds stale_after{1800};
constexpr std::uint32_t failure_holds = 30;

}  // namespace

Recursor::Recursor(RecursorConfig config, AnswerCache& cache, Upstream& upstream, ProxyBinder* binder,
                   CounterBlock& counters)
    : config_{std::move(config)},
      cache_{cache},
      upstream_{upstream},
      counters_{counters},
      fetches_{upstream, config_.patience, counters},
      room_(tcp_size) {
  if (config_.dns64) dns64_.emplace(*config_.dns64, config_.dns64_exclude);
  if (binder != nullptr) dns46_.emplace(*binder);
}

bool Recursor::may_synthesise(const AnswerKey& key) const {
  // RFC 6147 section 5.5: who sets both bits validates for himself, and gets what there is to validate.
  if (key.dnssec_ok() && key.checking_disabled()) return false;
  return (dns64_ && key.type() == RrType::aaaa) || (dns46_ && key.type() == RrType::a);
}

Recursor::Plan Recursor::plan_for(const AnswerKey& key) const {
  if (may_synthesise(key)) {
    return {key.type() == RrType::aaaa ? Manner::dns64 : Manner::dns46, key.with(Form::served), key};
  }
  if (key.type() == RrType::ptr) {
    const Name name = key.question().name;
    std::optional<net::IpAddress> meant;
    if (dns64_) meant = dns64_->reverse(name);
    if (!meant && dns46_) meant = dns46_->reverse(name);
    if (meant) {
      const Question inner{Name::from_text(reverse_name(*meant)).value(), RrType::ptr};
      return {Manner::reverse, key.with(Form::served),
              AnswerKey{inner, key.dnssec_ok(), key.checking_disabled()}};
    }
  }
  return {Manner::forward, key, key};
}

std::optional<AnswerView> Recursor::find_cached(const Plan& plan, Instant now) {
  if (const auto served = cache_.find(plan.served, now)) return served;
  if (plan.manner == Manner::forward || plan.manner == Manner::reverse) return std::nullopt;
  // A native answer that is there needs no synthesis; nor does a name that is not.
  const auto native = cache_.find(plan.native, now);
  if (native && (native->head.has_data || native->head.rcode == Rcode::nxdomain)) return native;
  return std::nullopt;
}

std::optional<AnswerView> Recursor::find_stale(const Plan& plan, Instant now) {
  // What a proxy stands for may have changed since.
  if (plan.manner != Manner::dns46) {
    if (const auto served = cache_.find_stale(plan.served, now)) return served;
  }
  if (plan.manner == Manner::forward || plan.manner == Manner::reverse) return std::nullopt;
  const auto native = cache_.find_stale(plan.native, now);
  if (native && (native->head.has_data || native->head.rcode == Rcode::nxdomain)) return native;
  return std::nullopt;
}

bool Recursor::in_vain(const AnswerKey& key, Instant now) {
  return config_.serve_stale.count() != 0 &&
         (upstream_.dead() || cache_.find(key.with(Form::failed), now).has_value());
}

RecursionOutcome Recursor::ask(const Query& query, const Client& client, Instant now,
                               std::span<std::uint8_t> room) {
  counters_.add(Counter::dns_recursive);
  if (dns64_) {
    if (const auto special = dns64_->special(query.question))
      return Answered{write(encode(*special, query.question).view(), query, client, room)};
  }
  const AnswerKey asked{query.question, query.edns.dnssec_ok, (query.flags & flag::cd) != 0};
  const Plan plan = plan_for(asked);
  if (const auto cached = find_cached(plan, now)) {
    counters_.add(Counter::dns_cache_hits);
    return Answered{write(*cached, query, client, room)};
  }
  if (in_vain(plan.native, now)) {
    if (const auto stale = find_stale(plan, now)) return Answered{write(*stale, query, client, room)};
  }
  const Text text{plan.served.bytes()};
  if (const auto found = jobs_.find(text); found != jobs_.end()) {
    if (is_waiting(found->second, query, client)) {
      counters_.add(Counter::dns_retransmitted);
      return Silent{};
    }
    if (auto refused = refuse(query, client, room)) return *refused;
    counters_.add(Counter::dns_merged);
    return enlist(found->second, query, client);
  }
  if (auto refused = refuse(query, client, room)) return *refused;
  Job job{plan, {}, {}, {}, now};
  if (config_.ces && (asked.type() == RrType::a || asked.type() == RrType::aaaa))
    ask_for_peer(asked.with(RrType::naptr), now);
  job.native = need(plan.native, text, now);
  if (plan.manner == Manner::dns64) job.other = need(plan.native.with(RrType::a), text, now);
  if (plan.manner == Manner::dns46) job.other = need(plan.native.with(RrType::aaaa), text, now);
  if (const auto settled = settle(job, now)) {
    const EncodedAnswer answer = keep(job, *settled, now);
    return Answered{write(answer.view(), query, client, room)};
  }
  if (config_.serve_stale.count() != 0) impatient_.emplace_back(now, text);
  return enlist(jobs_.emplace(text, std::move(job)).first->second, query, client);
}

bool Recursor::is_waiting(const Job& job, const Query& query, const Client& client) {
  return std::ranges::any_of(job.waiters, [&](const Waiter& waiter) {
    return waiter.query.id == query.id && waiter.client.source == client.source &&
           waiter.client.transport == client.transport;
  });
}

std::optional<RecursionOutcome> Recursor::refuse(const Query& query, const Client& client,
                                                 std::span<std::uint8_t> room) {
  const auto of_client = waiting_by_client_.find(client.source.address);
  const bool client_full =
      of_client != waiting_by_client_.end() && of_client->second >= config_.max_waiting_per_client;
  if (waiting_ < config_.max_waiting && fetches_.size() < config_.max_fetches && !client_full)
    return std::nullopt;
  counters_.add(Counter::dns_recursion_limited);
  const EncodedAnswer overload = encode(Response::failure(ExtendedError::other), query.question);
  return Answered{write(overload.view(), query, client, room)};
}

Deferred Recursor::enlist(Job& job, const Query& query, const Client& client) {
  const RecursionTicket ticket{next_ticket_++};
  job.waiters.push_back({ticket, client, query});
  ++waiting_;
  ++waiting_by_client_[client.source.address];
  return {ticket};
}

std::span<const std::uint8_t> Recursor::write(const AnswerView& answer, const Query& query,
                                              const Client& client, std::span<std::uint8_t> room) {
  OptRecord opt;
  opt.dnssec_ok = query.edns.dnssec_ok;
  if (query.edns.wants_nsid) opt.nsid = config_.nsid;
  opt.error = answer.head.error;
  if (is_stale(opt.error)) {
    counters_.add(Counter::dns_stale_answers);
  } else if (opt.error) {
    opt.error_text = *opt.error == ExtendedError::other ? overload_text : failure_text;
  }
  // Who asks for AD, or understands signatures, is told of it (RFC 6840 section 5.8).
  const bool wants_ad = (query.flags & flag::ad) != 0 || query.edns.dnssec_ok;
  std::uint16_t flags = static_cast<std::uint16_t>(query.flags & (flag::rd | flag::cd)) | flag::ra;
  if (answer.head.authentic && wants_ad) flags |= flag::ad;
  const auto written =
      write_answer(answer, query.question, {query.id, flags, query.edns.present ? &opt : nullptr},
                   room_for(client.transport, query.edns, room));
  counters_.add(Counter::dns_answers);
  if (written.truncated) counters_.add(Counter::dns_truncated);
  if (answer.head.rcode == Rcode::nxdomain) counters_.add(Counter::dns_nxdomain);
  return written.bytes;
}

std::optional<Response> Recursor::need(const AnswerKey& key, const Text& job, Instant now) {
  if (const auto cached = cache_.find(key, now)) return decode(*cached, key.question());
  if (in_vain(key, now)) {
    if (const auto stale = cache_.find_stale(key, now)) return decode(*stale, key.question());
  }
  fetches_.ask(key, &job, now);
  return std::nullopt;
}

void Recursor::ask_for_peer(const AnswerKey& key, Instant now) {
  if (!cache_.find(key, now)) fetches_.ask(key, nullptr, now);
}

void Recursor::step(Instant now, AnswerSink& sink) {
  while (auto done = fetches_.take(now)) receive(*done, now, sink);
  answer_the_impatient(now, sink);
}

/// RFC 8767 section 5: the fetch goes on, and what it brings is kept.
void Recursor::answer_the_impatient(Instant now, AnswerSink& sink) {
  while (!impatient_.empty() && impatient_.front().first + stale_after <= now) {
    const auto [begun, text] = std::move(impatient_.front());
    impatient_.pop_front();
    const auto found = jobs_.find(text);
    if (found == jobs_.end() || found->second.begun != begun) continue;  // it has been answered
    const auto stale = find_stale(found->second.plan, now);
    if (!stale) continue;
    const Job job = std::move(jobs_.extract(found).mapped());
    const Question question = job.plan.served.question();
    finish(job, encode(decode(*stale, question), question), sink);
  }
}

void Recursor::remember(const AnswerKey& key, Response& response, Instant now) {
  std::optional<AnswerView> stale;
  if (config_.serve_stale.count() != 0) {
    const AnswerKey marker = key.with(Form::failed);
    if (failed(response)) {
      stale = cache_.find_stale(key, now);
    } else if (cache_.find(marker, now)) {
      cache_.store(marker, {}, 0, now);  // over
    }
  }
  if (!stale) return cache_.store(key, encode(response, key.question()).view(), response.lifetime(), now);
  Response known = decode(*stale, key.question());
  cache_.store(key.with(Form::failed), encode(response, key.question()).view(), failure_holds, now);
  response = std::move(known);
}

void Recursor::receive(Fetches::Done& done, Instant now, AnswerSink& sink) {
  const AnswerKey& key = done.key;
  Response& response = done.response;
  if (key.type() == RrType::aaaa && may_synthesise(key)) dns64_->exclude(response);
  if (key.type() == RrType::naptr && config_.ces) report_peer(response);
  remember(key, response, now);

  for (const Text& text : done.askers) {
    const auto found = jobs_.find(text);
    if (found == jobs_.end()) continue;
    Job& waiting = found->second;
    (waiting.plan.native == key ? waiting.native : waiting.other) = response;
    const auto settled = settle(waiting, now);
    if (!settled) continue;
    // Out of the table first: the sink may lead to another question.
    const Job job = std::move(jobs_.extract(found).mapped());
    finish(job, keep(job, *settled, now), sink);
  }
}

std::optional<Response> Recursor::settle(const Job& job, Instant now) {
  if (!job.native) return std::nullopt;
  switch (job.plan.manner) {
    case Manner::forward:
      return job.native;
    case Manner::reverse:
      return aliased(job);
    case Manner::dns64:
    case Manner::dns46:
      break;
  }
  // RFC 6147 sections 5.1.1 and 5.1.2: what is there natively, and what is said not to be, stands; any other
  // error counts as an empty answer.
  if (job.native->rcode == Rcode::nxdomain || job.native->has(job.plan.native.type())) return job.native;
  if (!job.other) return std::nullopt;
  return synthesise(job, now);
}

Response Recursor::aliased(const Job& job) const {
  if (failed(*job.native)) return *job.native;
  constexpr std::uint32_t alias_ttl = 60;  // a proxy's remote changes
  Response response = *job.native;
  response.authentic = false;
  response.synthesised = true;
  response.records.insert(
      response.records.begin(),
      name_record(job.plan.served.question().name, RrType::cname, std::min(alias_ttl, job.native->lifetime()),
                  job.plan.native.question().name));
  return response;
}

Response Recursor::synthesise(const Job& job, Instant now) {
  const Response& native = *job.native;
  const Response& other = *job.other;
  std::optional<Response> response;
  if (job.plan.manner == Manner::dns64) {
    response = dns64_->synthesise(native, other);
    if (response) counters_.add(Counter::dns64_synthesised);
  } else {
    bool exhausted = false;
    response = dns46_->synthesise(native, other, now, exhausted);
    if (response) counters_.add(Counter::dns46_synthesised);
    if (exhausted) counters_.add(Counter::dns46_exhausted);
    // Nothing that is only full for the moment may be remembered as absent.
    if (!response && exhausted) return Response::failure(ExtendedError::not_ready);
  }
  if (response) {
    if (is_stale(native.error) || is_stale(other.error)) response->error = ExtendedError::stale_answer;
    return *response;
  }
  // That a name has no address at all is known only where both questions were answered.
  return !failed(native) && failed(other) ? other : native;
}

EncodedAnswer Recursor::keep(const Job& job, const Response& response, Instant now) {
  EncodedAnswer answer = encode(response, job.plan.served.question());
  const bool is_native = !response.synthesised && (!job.other || response.has(job.plan.native.type()) ||
                                                   response.rcode != Rcode::noerror);
  // It lies in the cache as received, or is not to be kept any longer.
  if (job.plan.manner == Manner::forward || is_native || is_stale(response.error)) return answer;
  // That there is neither the one type nor the other is known for as long as both are.
  const std::uint32_t lifetime =
      response.synthesised ? response.lifetime() : std::min(response.lifetime(), job.other->lifetime());
  cache_.store(job.plan.served, answer.view(), lifetime, now);
  return answer;
}

void Recursor::finish(const Job& job, const EncodedAnswer& answer, AnswerSink& sink) {
  for (const Waiter& waiter : job.waiters) {
    --waiting_;
    const auto of_client = waiting_by_client_.find(waiter.client.source.address);
    if (--of_client->second == 0) waiting_by_client_.erase(of_client);
    sink.deliver(waiter.ticket, write(answer.view(), waiter.query, waiter.client, room_));
  }
}

void Recursor::report_peer(const Response& response) {
  for (const auto& record : response.records) {
    if (record.section != Section::answer || !names_edge(record)) continue;
    counters_.add(Counter::dns_ces_peers);
    peers_.push_back(record.owner);
    if (peers_.size() > max_peers) peers_.pop_front();
    return;
  }
}

}  // namespace rgw::dns
