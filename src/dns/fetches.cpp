#include "realmgw/dns/fetches.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

#include "opt_head.hpp"

namespace rgw::dns {
namespace {

/// The query that an upstream gets. It asks for validation's result (AD, RFC 6840 section 5.7) and leaves
/// validation itself to the client that asked so (CD).
std::span<const std::uint8_t> upstream_query(const AnswerKey& key, const Question& question,
                                             std::span<std::uint8_t> room) {
  const auto type = static_cast<std::uint16_t>(question.type);
  const std::uint16_t flags = flag::rd | flag::ad | (key.checking_disabled() ? flag::cd : std::uint16_t{0});
  const auto upper = [](std::uint16_t value) { return static_cast<std::uint8_t>(value >> 8); };
  const auto lower = [](std::uint16_t value) { return static_cast<std::uint8_t>(value); };
  const std::array<std::uint8_t, header_size> header{0, 0, upper(flags), lower(flags), 0, 1, 0, 0, 0, 0,
                                                     0, 1};
  const std::array<std::uint8_t, 4> what{upper(type), lower(type), 0, class_in};
  auto out = std::ranges::copy(header, room.begin()).out;
  out = std::ranges::copy(question.name.wire(), out).out;
  out = std::ranges::copy(what, out).out;
  out = std::ranges::copy(opt_head(Rcode::noerror, key.dnssec_ok(), 0), out).out;
  return room.first(static_cast<std::size_t>(out - room.begin()));
}

/// Puts what an alias leads to behind it. False where that leads back, or too far.
bool append(Response& response, Response& more, RrType type) {
  const auto aliases = [](const Response& of) {
    return std::ranges::count_if(of.records, [](const Record& record) {
      return record.section == Section::answer &&
             (record.type == RrType::cname || record.type == RrType::dname);
    });
  };
  const auto is_known = [&](const Record& record) {
    return record.section == Section::answer && record.type == RrType::cname &&
           std::ranges::any_of(response.records, [&](const Record& known) {
             return known.type == RrType::cname && known.owner == record.owner;
           });
  };
  const bool endless =
      std::ranges::any_of(more.records, is_known) || aliases(response) + aliases(more) >= max_chain;
  // The authority section tells of the last name alone.
  std::erase_if(response.records, [](const Record& record) { return record.section != Section::answer; });
  std::ranges::move(more.records, std::back_inserter(response.records));
  response.rcode = more.rcode;
  response.authentic = response.authentic && more.authentic;
  response.leads_to = more.leads_to;
  if (!response.leads_to && !response.has(type) && response.soa() == nullptr) {
    for (auto& record : response.records) record.ttl = 0;  // as in any denial without SOA
  }
  return !endless;
}

Response failure_of(UpstreamReply::Status status) {
  return Response::failure(status == UpstreamReply::Status::unreachable
                               ? ExtendedError::network_error
                               : ExtendedError::no_reachable_authority);
}

}  // namespace

Fetches::Fetches(Upstream& upstream, std::chrono::milliseconds patience, CounterBlock& counters)
    : upstream_{upstream}, patience_{patience}, counters_{counters} {}

void Fetches::ask(const AnswerKey& key, const Asker* asker, Instant now) {
  const auto [place, is_new] = by_key_.try_emplace(std::string{key.bytes()}, Fetch{key, {}, {}});
  if (asker != nullptr) place->second.askers.push_back(*asker);
  if (!is_new) return;
  const FetchId id{next_++};
  keys_.emplace(id, place->first);
  deadlines_.emplace_back(now + patience_, id);
  put(id, place->second);
}

void Fetches::put(FetchId id, Fetch& fetch) {
  Question question = fetch.key.question();
  if (fetch.so_far) question.name = *fetch.so_far->leads_to;
  std::array<std::uint8_t, header_size + Name::max_size + 16> room;
  counters_.add(Counter::dns_upstream_queries);
  upstream_.ask(id, upstream_query(fetch.key, question, room));
}

std::optional<Fetches::Done> Fetches::take(Instant now) {
  while (const auto reply = upstream_.take()) {
    if (auto done = finish(*reply)) return done;
  }
  while (!deadlines_.empty()) {
    const auto [deadline, id] = deadlines_.front();
    const bool waits = keys_.contains(id);
    if (waits && deadline > now) break;
    deadlines_.pop_front();
    if (!waits) continue;
    upstream_.cancel(id);
    return finish({id, UpstreamReply::Status::no_answer, {}});
  }
  return std::nullopt;
}

std::optional<Fetches::Done> Fetches::finish(const UpstreamReply& reply) {
  const auto known = keys_.find(reply.id);
  if (known == keys_.end()) return std::nullopt;
  Fetch& under_way = by_key_.at(known->second);
  Question question = under_way.key.question();
  if (under_way.so_far) question.name = *under_way.so_far->leads_to;
  std::optional<Response> read;
  if (reply.status == UpstreamReply::Status::answered)
    read = read_response(reply.message, question, under_way.key.dnssec_ok());
  if (!read) read = failure_of(reply.status);
  if (under_way.so_far && read->rcode != Rcode::servfail) {
    if (append(*under_way.so_far, *read, question.type)) {
      std::swap(*read, *under_way.so_far);
    } else {
      read = Response::failure(ExtendedError::no_reachable_authority);
    }
  }
  if (read->leads_to) {
    // Its target is asked for under the same ID, and with the patience that is left.
    under_way.so_far = std::move(read);
    put(reply.id, under_way);
    return std::nullopt;
  }
  Fetch fetch = std::move(by_key_.extract(known->second).mapped());
  keys_.erase(known);
  if (read->rcode == Rcode::servfail) counters_.add(Counter::dns_upstream_failures);
  return Done{fetch.key, std::move(fetch.askers), std::move(*read)};
}

}  // namespace rgw::dns
