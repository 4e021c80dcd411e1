#include "realmgw/control/dns_server.hpp"

#include <utility>

namespace rgw::control {

dns::View view_of(const ring::Snapshot& snapshot, const net::IpAddress& source) {
  return snapshot.is_inside(source) ? dns::View::inside : dns::View::outside;
}

DnsServer::DnsServer(EventLoop& loop, const Clock& clock, const RealmInForce& realm,
                     dns::Responder& responder, DnsTimes& times)
    : loop_{loop},
      clock_{clock},
      realm_{realm},
      responder_{responder},
      times_{times},
      tcp_{loop, clock, *this} {}

net::Endpoint DnsServer::listen(const net::Endpoint& local) {
  udp_.push_back(std::make_unique<DnsUdp>(loop_, clock_, local, *this));
  return tcp_.listen(udp_.back()->local());
}

std::span<const std::uint8_t> DnsServer::answer(std::span<const std::uint8_t> query, const ReplyPath& path,
                                                Instant now, std::span<std::uint8_t> room) {
  if (updates_ != nullptr && dns::is_update(query)) return updates_->answer(query, room);
  const dns::Client client{path.client, path.kind, view_of(*realm_, path.client.address)};
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
  if (auto* pending = std::get_if<dns::PendingQuery>(&outcome)) {
    waiting_.insert_or_assign(pending->ticket, Wait{std::move(*pending), path, now});
  }
  return {};
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
