#include "sip_media.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace rgw::alg::sip {
namespace {

SdpView::Place place(const Medium& medium) {
  SdpView::Place seen{medium.hole->external(), std::nullopt};
  if (medium.rtcp) seen.rtcp = medium.rtcp_hole->external();
  return seen;
}

}  // namespace

std::optional<IpAddress> MediaView::address(const IpAddress& address) {
  if (from_ == Side::inside) return book_.seen_outside(address);
  return book_.seen_inside(address);
}

std::optional<SdpView::Place> MediaView::media(const SdpStream& stream) {
  if (stream.media.port == 0) {
    dialogue_.offered.erase(stream.index);
    dialogue_.media.erase(stream.index);
    dialogue_.peers.erase(stream.index);
    return std::nullopt;
  }
  const auto seen = from_ == Side::inside ? outward(stream) : inward(stream);
  introduce(stream.index);
  return seen;
}

void MediaView::introduce(unsigned index) {
  const auto peer = dialogue_.peers.find(index);
  if (peer == dialogue_.peers.end()) return;
  for (Media* media : {&dialogue_.offered, &dialogue_.media}) {
    if (const auto medium = media->find(index); medium != media->end()) medium->second.meet(peer->second);
  }
}

bool MediaView::shows(const IpAddress& address) const {
  return from_ == Side::outside || !book_.is_inside(address);
}

std::optional<SdpView::Place> MediaView::outward(const SdpStream& stream) {
  if (!book_.is_inside(stream.media.address)) {
    const auto seen = book_.seen_outside(stream.media.address);
    if (!seen) return std::nullopt;
    return Place{{*seen, stream.media.port}, stream.rtcp};
  }
  Medium medium{stream.protocol, stream.media, stream.ports, stream.rtcp, nullptr, nullptr, {}};
  const Medium* elsewhere = nullptr;  // another m= line's
  for (const Media* media : {&dialogue_.offered, &dialogue_.media}) {
    for (const auto& [index, known] : *media) {
      if (!known.same_place(medium)) continue;
      if (index == stream.index) return place(known);
      elsewhere = &known;
    }
  }
  if (dialogue_.offered.size() >= most_media) return std::nullopt;
  if (elsewhere != nullptr) {
    medium = *elsewhere;
  } else {
    medium.hole = open(stream.protocol, stream.media, stream.ports);
    if (!medium.hole) return std::nullopt;
    if (stream.rtcp) {
      if (!book_.is_inside(stream.rtcp->address)) return std::nullopt;
      medium.rtcp_hole = open(stream.protocol, *stream.rtcp, 1);
      if (!medium.rtcp_hole) return std::nullopt;
    }
  }
  return place(dialogue_.offered[stream.index] = std::move(medium));
}

std::shared_ptr<Pinhole> MediaView::open(net::Protocol protocol, const Endpoint& inside, std::uint8_t ports) {
  PinholeRequest request;
  request.protocol = protocol;
  request.target = inside;
  request.ports = ports;
  request.preferred_port = inside.port;
  request.single_use = false;  // early media, forks and the answerer may send from different places
  request.deadline = std::max(dialogue_.deadline, now_ + ringing_time);
  auto hole = Pinhole::open(book_, request);
  return hole ? std::make_shared<Pinhole>(std::move(*hole)) : nullptr;
}

/// A medium of the outside; or, between two inside agents, the inside one that the pinhole stands for.
std::optional<SdpView::Place> MediaView::inward(const SdpStream& stream) {
  if (const auto inside = book_.inside_of(stream.media, stream.protocol)) {
    Place direct{*inside, std::nullopt};
    if (stream.rtcp) direct.rtcp = book_.inside_of(*stream.rtcp, stream.protocol).value_or(*stream.rtcp);
    return direct;
  }
  const auto seen = book_.seen_inside(stream.media.address);
  if (!seen) return std::nullopt;
  dialogue_.peers[stream.index] = {stream.media, stream.rtcp};
  Place same{{*seen, stream.media.port}, stream.rtcp};
  if (same.rtcp) same.rtcp->address = book_.seen_inside(same.rtcp->address).value_or(same.rtcp->address);
  return same;
}

}  // namespace rgw::alg::sip
