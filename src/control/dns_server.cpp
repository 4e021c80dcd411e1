#include "realmgw/control/dns_server.hpp"

#include <algorithm>
#include <utility>

namespace rgw::control {

dns::View view_of(const ring::Snapshot& snapshot, const net::IpAddress& source) {
  return snapshot.is_inside(source) ? dns::View::inside : dns::View::outside;
}

DnsServer::DnsServer(EventLoop& loop, const Clock& clock, const RealmInForce& realm,
                     dns::Responder& responder, DnsTimes& times, CounterBlock& counters)
    : loop_{loop},
      clock_{clock},
      realm_{realm},
      responder_{responder},
      times_{times},
      counters_{counters},
      tcp_{loop, clock, *this} {}

net::Endpoint DnsServer::listen(const net::Endpoint& local) {
  udp_.push_back(std::make_unique<DnsUdp>(loop_, clock_, local, *this));
  return tcp_.listen(udp_.back()->local());
}

bool DnsServer::is_relay(const net::IpAddress& peer) const {
  const auto& trusted = realm_->realm.dns.trusted;
  return std::ranges::any_of(trusted, [&](const net::Prefix& prefix) { return prefix.contains(peer); });
}

bool DnsServer::believes(const net::IpAddress& peer, const dns::ProxyHeader& header) {
  if (header.state == dns::ProxyHeader::State::whole && is_relay(peer)) return true;
  counters_.add(Counter::dns_bad_relay);
  return false;
}

std::optional<DnsServer::Asked> DnsServer::who_asks(std::span<const std::uint8_t> bytes,
                                                    const ReplyPath& path) {
  using State = dns::ProxyHeader::State;
  Asked asked{bytes, {}};
  auto header = path.header;
  if (path.kind == dns::Transport::udp) {
    const auto front = dns::read_proxy_header(bytes);
    // What is shorter than a message's header is none of a relay's either.
    const bool too_short = front.state == State::unfinished && bytes.size() < dns::header_size;
    if (front.state != State::none && !too_short) {
      if (!believes(path.client.address, front)) return std::nullopt;
      header = front;
      asked.message = bytes.subspan(front.size);
    }
  }
  // Behind a header a record may be of the sender's own making, also where the header names nobody.
  if (header) {
    asked.sender = header->sender;
    return asked;
  }
  if (!is_relay(path.client.address)) return asked;
  const auto xpf = dns::read_xpf(asked.message);
  if (xpf.malformed) {
    counters_.add(Counter::dns_bad_relay);
    return std::nullopt;
  }
  asked.sender = xpf.sender;
  return asked;
}

std::span<const std::uint8_t> DnsServer::answer(std::span<const std::uint8_t> bytes, const ReplyPath& path,
                                                Instant now, std::span<std::uint8_t> room) {
  const auto asked = who_asks(bytes, path);
  if (!asked) return {};
  const std::span<const std::uint8_t> query = asked->message;
  if (updates_ != nullptr && dns::is_update(query)) return updates_->answer(query, room);
  dns::Client client{path.client, path.kind};
  if (const auto& sender = asked->sender) {
    counters_.add(Counter::dns_relayed);
    client.source = sender->source;
    client.tcp_at_relay = sender->transport == dns::Transport::tcp;
    if (!client.tcp_at_relay) client.transport = dns::Transport::udp;
  }
  client.view = view_of(*realm_, client.source.address);
  auto outcome = responder_.respond(query, client, now, room);
  if (const auto* answered = std::get_if<dns::Answered>(&outcome)) {
    times_.own.add(clock_.now() - now);
    return guard_ == nullptr ? answered->bytes : guard_->balanced(query, *answered, client, now, room);
  }
  if (const auto* elsewhere = std::get_if<dns::Elsewhere>(&outcome);
      elsewhere != nullptr && recursion_ != nullptr) {
    const auto answer = recursion_->answer(elsewhere->query, client, path, now, room);
    if (!answer.empty()) times_.own.add(clock_.now() - now);
    return answer;
  }
  if (auto* zone = std::get_if<dns::ZoneTransfer>(&outcome)) {
    if (transfers_.size() == max_transfers) {
      counters_.add(Counter::dns_transfers_refused);
      return zone->refuse(dns::Rcode::servfail, room);
    }
    transfers_.push_back({path.connection, std::move(*zone)});
    return {};
  }
  if (auto* pending = std::get_if<dns::PendingQuery>(&outcome)) {
    waiting_.insert_or_assign(pending->ticket, Wait{std::move(*pending), path, now});
  }
  return {};
}

void DnsServer::tick(Instant now) {
  tcp_.tick(now);
  go_on_with_transfers();
}

/// A few messages of each in a turn, as fast as its connection takes them.
void DnsServer::go_on_with_transfers() {
  constexpr unsigned messages_per_turn = 4;
  for (auto transfer = transfers_.begin(); transfer != transfers_.end();) {
    auto& [connection, zone] = *transfer;
    std::optional<bool> takes = tcp_.takes_more(connection);
    for (unsigned i = 0; i < messages_per_turn && takes == true && !zone.done(); ++i) {
      const auto message = zone.next(room_);
      tcp_.send_part(connection, message, !zone.done());
      takes = tcp_.takes_more(connection);
    }
    transfer = !takes || zone.done() ? transfers_.erase(transfer) : std::next(transfer);
  }
}

void DnsServer::complete(dns::Ticket ticket, std::optional<net::IpAddress> address) {
  const auto found = waiting_.extract(ticket);
  if (found.empty()) return;
  const Wait& wait = found.mapped();
  const auto outcome = responder_.complete(wait.query, address, room_);
  const auto* answered = std::get_if<dns::Answered>(&outcome);
  if (answered == nullptr) return;
  times_.waited.add(clock_.now() - wait.asked);
  wait.path.transport->send(wait.path, answered->bytes);
}

}  // namespace rgw::control
