// What the SIP sessions share: dialogues with their media, and the inside endpoints that may be called.
#pragma once

#include "realmgw/alg/address_book.hpp"
#include "realmgw/base/clock.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace rgw::alg::sip {

using namespace std::chrono_literals;

/// 64 * T1, after which a transaction is over (RFC 3261 section 17, timers B, F and H).
inline constexpr Duration transaction_time = 32s;
/// How long a call may ring: timer C is over 3 minutes (RFC 3261 section 16.6).
inline constexpr Duration ringing_time = 300s;
/// How long an established call is remembered without a word of signalling, unless Session-Expires says (RFC
/// 4028).
inline constexpr Duration call_time = std::chrono::hours{2};
inline constexpr Duration longest_registration = std::chrono::hours{24};

inline constexpr std::size_t most_dialogues = 20'000;
inline constexpr std::size_t most_media = 32;
inline constexpr std::size_t most_signals = 16;
inline constexpr std::size_t most_echoes = 32;

/// An inside endpoint that takes signalling, from whom, and at which external address: the one that the
/// conversation has, since what comes to another is a session of its own, between the same two as the one
/// that is there.
struct SignalKey {
  net::Protocol protocol;
  Endpoint inside;
  std::optional<IpAddress> from;
  std::optional<IpAddress> external;
  friend auto operator<=>(const SignalKey&, const SignalKey&) = default;
};

/// The pinhole of such an endpoint. Dialogues that announce the same one share it: it lasts as long as the
/// longest.
struct Signal {
  Pinhole hole;
  Instant deadline{};

  void at_least_until(Instant at) {
    if (at <= deadline) return;
    deadline = at;
    hole.extend(at);
  }
};

/// The other end of a medium, outside.
struct MediumPeer {
  Endpoint media;
  std::optional<Endpoint> rtcp;
  friend bool operator==(const MediumPeer&, const MediumPeer&) = default;
};

struct Medium {
  Endpoint inside;
  std::uint8_t ports = 0;
  Pinhole hole;
  std::optional<Endpoint> rtcp;
  Pinhole rtcp_hole;
  std::optional<MediumPeer> met;

  /// RTP goes to RTP, RTCP to RTCP (RFC 3550 section 11, RFC 3605).
  void meet(const MediumPeer& peer) {
    if (met == peer) return;
    met = peer;
    const auto after = [&](unsigned n) {
      return Endpoint{peer.media.address, static_cast<std::uint16_t>(peer.media.port + n)};
    };
    const Endpoint control = peer.rtcp.value_or(after(1));
    const auto one = [](Pinhole& of, std::uint8_t nth, const Endpoint& remote) {
      if (remote.port != 0) of.meet(nth, remote);
    };
    for (std::uint8_t n = 0; n < ports; ++n) one(hole, n, n == 1 ? control : after(n));
    if (rtcp) one(rtcp_hole, 0, control);
  }
  void extend(Instant deadline) {
    hole.extend(deadline);
    rtcp_hole.extend(deadline);
  }
  void leave() {
    hole.leave();
    rtcp_hole.leave();
  }
};
using Media = std::map<unsigned, Medium>;  ///< by m= line
using MediaPeers = std::map<unsigned, MediumPeer>;

/// One inside party of a call, of a registration, or of a lone transaction.
struct Dialogue {
  Media media;    ///< as agreed
  MediaPeers peers;
  Media offered;  ///< replaces the agreed ones with a 2xx, and goes with a failure
  std::map<SignalKey, std::shared_ptr<Signal>> signals;
  std::map<std::string, std::string>
      echoes;  ///< what was written outside -> what the inside party had written
  Instant deadline{};
  bool confirmed = false;
  bool registered = false;
  bool over = false;  ///< by a BYE: a 2xx that comes late changes nothing

  /// Is it a call or a registration that stands?
  [[nodiscard]] bool lasts(Instant now) const { return !over && (confirmed || registered) && now < deadline; }

  void until(Instant at) {
    deadline = at;
    for (auto& [index, medium] : media) medium.extend(at);
    for (auto& [index, medium] : offered) medium.extend(at);
    for (auto& [key, signal] : signals) signal->at_least_until(at);
  }
  void at_least_until(Instant at) {
    if (at > deadline) until(at);
  }
  void commit() {
    for (auto& [index, medium] : offered) media[index] = std::move(medium);
    offered.clear();
  }
  void end_media() {
    media.clear();
    offered.clear();
    peers.clear();
    confirmed = false;
  }
};

/// By Call-ID as the inside party knows it, and that party's address.
class Dialogues {
 public:
  using Key = std::pair<std::string, IpAddress>;

  [[nodiscard]] Dialogue* find(std::string_view call_id, const IpAddress& host) {
    const auto found = dialogues_.find(Key{call_id, host});
    return found == dialogues_.end() ? nullptr : &found->second;
  }
  /// nullptr where there are too many.
  [[nodiscard]] Dialogue* make(std::string_view call_id, const IpAddress& host) {
    if (Dialogue* known = find(call_id, host)) return known;
    if (dialogues_.size() >= most_dialogues) return nullptr;
    return &dialogues_[Key{call_id, host}];
  }
  [[nodiscard]] std::size_t size() const { return dialogues_.size(); }

  /// Established calls leave their pinholes to the sessions that use them; all else is closed.
  void expire(Instant now) {
    for (auto at = dialogues_.begin(); at != dialogues_.end();) {
      if (at->second.deadline > now) {
        ++at;
        continue;
      }
      if (at->second.confirmed) {
        for (auto& [index, medium] : at->second.media) medium.leave();
      }
      at = dialogues_.erase(at);
    }
    std::erase_if(signals_, [](const auto& entry) { return entry.second.expired(); });
  }

  /// The pinhole of an inside endpoint, opened where there is none. nullptr where it cannot be had.
  [[nodiscard]] std::shared_ptr<Signal> signal(AddressBook& book, const SignalKey& key,
                                               const PinholeRequest& request) {
    if (const auto known = signals_.find(key); known != signals_.end()) {
      if (auto signal = known->second.lock()) return signal;
    }
    auto opened = Pinhole::open(book, request);
    if (!opened) return nullptr;
    auto signal = std::make_shared<Signal>(Signal{std::move(*opened), request.deadline});
    signals_[key] = signal;
    return signal;
  }

 private:
  std::map<Key, Dialogue> dialogues_;
  std::map<SignalKey, std::weak_ptr<Signal>> signals_;
};

}  // namespace rgw::alg::sip
