// What the SIP sessions share: dialogues with their media, and the inside endpoints that may be called.
#pragma once

#include "realmgw/alg/address_book.hpp"
#include "realmgw/alg/address_text.hpp"
#include "realmgw/base/clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rgw::alg::sip {

using namespace std::chrono_literals;

/// 64 * T1, after which a transaction is over (RFC 3261 section 17, timers B, F and H), and a call that was
/// accepted and not acknowledged (section 13.3.1.4).
inline constexpr Duration transaction_time = 32s;
/// How long a call may ring after a provisional response: timer C is over 3 minutes (RFC 3261 section 16.6).
inline constexpr Duration ringing_time = 300s;
/// How long an established call is remembered without a word of signalling, unless Session-Expires says (RFC
/// 4028).
inline constexpr Duration call_time = std::chrono::hours{2};
inline constexpr Duration longest_registration = std::chrono::hours{24};

inline constexpr std::size_t most_dialogues = 20'000;
inline constexpr std::size_t most_media = 32;
inline constexpr std::size_t most_signals = 16;
inline constexpr std::size_t most_echoes = 32;
inline constexpr std::size_t longest_identifier = 512;

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

/// A text that means nothing but itself, such as a Call-ID, and has addresses in it: how each side knows it.
struct Identifier {
  struct Change {
    std::size_t inside_at, outside_at;
    std::string inside, outside;
  };
  std::string inside;
  std::string outside;
  std::vector<Change> changes;  ///< none: it was made outside, and has an address that looks like ours
  IpAddress host;               ///< who made it, or heard of it first
  bool parameter = false;       ///< it may mean another thing to another host
};

/// The other end of a medium, outside.
struct MediumPeer {
  Endpoint media;
  std::optional<Endpoint> rtcp;
  friend bool operator==(const MediumPeer&, const MediumPeer&) = default;
};

/// What an inside agent listens at for a medium. Media of one place (RFC 9143 section 7) share its pinholes.
struct Medium {
  net::Protocol protocol{};
  Endpoint inside;
  std::uint8_t ports = 0;
  std::optional<Endpoint> rtcp;
  std::shared_ptr<Pinhole> hole, rtcp_hole;
  std::optional<MediumPeer> met{};

  [[nodiscard]] bool same_place(const Medium& other) const {
    return protocol == other.protocol && inside == other.inside && ports == other.ports && rtcp == other.rtcp;
  }
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
    for (std::uint8_t n = 0; n < ports; ++n) one(*hole, n, n == 1 ? control : after(n));
    if (rtcp) one(*rtcp_hole, 0, control);
  }
  void extend(Instant deadline) {
    hole->extend(deadline);
    if (rtcp_hole) rtcp_hole->extend(deadline);
  }
  void leave() {
    hole->leave();
    if (rtcp_hole) rtcp_hole->leave();
  }
};
using Media = std::map<unsigned, Medium>;  ///< by m= line
using MediaPeers = std::map<unsigned, MediumPeer>;

/// A call from outside that the inside has accepted. A stranger may have sent its INVITE with any source: the
/// caller has heard of the answer when it says the tag of the answer.
struct Acceptance {
  std::string tag;  ///< as the outside reads it; empty where an agent has none (RFC 2543)
  Duration lasts;   ///< from the acknowledgement on
};

/// One inside party of a call, of a registration, or of a lone transaction.
struct Dialogue {
  Media media;  ///< as agreed
  MediaPeers peers;
  Media offered;  ///< replaces the agreed ones with a 2xx, and goes with a failure
  std::map<SignalKey, std::shared_ptr<Signal>> signals;
  std::map<std::string, std::string>
      echoes;  ///< what was written outside -> what the inside party had written
  std::vector<std::shared_ptr<const Identifier>> identifiers;  ///< that were read in it
  std::set<std::string> heard;  ///< hosts of the outside's text whose addresses look like ours
  Instant deadline{};
  std::optional<Side> inviter;               ///< who sent the last INVITE
  std::optional<Acceptance> unacknowledged;  ///< accepted, and not acknowledged yet
  bool confirmed = false;                    ///< a 2xx has answered an INVITE
  bool cancelled = false;
  bool registered = false;
  bool over = false;  ///< by a BYE: a 2xx that comes late changes nothing

  /// The first, which is the Call-ID where that has an address, and those that were read last.
  void keep(const std::shared_ptr<const Identifier>& identifier) {
    const auto known = std::find(identifiers.begin(), identifiers.end(), identifier);
    if (known != identifiers.end() && known == identifiers.begin()) return;
    if (known != identifiers.end()) {
      identifiers.erase(known);
    } else if (identifiers.size() == most_echoes) {
      identifiers.erase(identifiers.begin() + 1);
    }
    identifiers.push_back(identifier);
  }
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
    unacknowledged.reset();
    confirmed = false;
  }
  /// A request of the outside within the dialogue shows that the answer has reached the caller.
  void acknowledge(std::string_view tag, Instant now) {
    if (!unacknowledged || (!unacknowledged->tag.empty() && unacknowledged->tag != tag)) return;
    at_least_until(now + unacknowledged->lasts);
    unacknowledged.reset();
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
  /// Of every inside party: the request may go to another one than the answer came from, where a proxy
  /// inside has not asked to stay on the way (RFC 3261 section 16.6, Record-Route).
  void acknowledge(std::string_view call_id, std::string_view tag, Instant now) {
    for (auto at = dialogues_.lower_bound(Key{call_id, IpAddress{}});
         at != dialogues_.end() && at->first.first == call_id; ++at)
      at->second.acknowledge(tag, now);
  }

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
    std::erase_if(by_inside_, [](const auto& entry) { return entry.second.expired(); });
    std::erase_if(by_outside_, [](const auto& entry) { return entry.second.expired(); });
  }

  /// An identifier by what the side that names it calls it; nullptr where it is not known. It lives as long
  /// as a dialogue in which it was read.
  [[nodiscard]] std::shared_ptr<const Identifier> identifier(Side named_by, const std::string& text,
                                                             const IpAddress& host) const {
    if (named_by == Side::inside) {
      const auto found = by_inside_.find(text);
      return found == by_inside_.end() ? nullptr : found->second.lock();
    }
    // Of two hosts that made the same one, each means its own; of one host's, the last.
    std::shared_ptr<const Identifier> own, of_another;
    for (auto [at, end] = by_outside_.equal_range(text); at != end; ++at) {
      auto known = at->second.lock();
      if (known && known->host == host) {
        own = std::move(known);
      } else if (known && !known->parameter) {
        of_another = std::move(known);
      }
    }
    return own ? own : of_another;
  }
  /// One that the inside knows already stays as it is, whoever says it again.
  std::shared_ptr<const Identifier> remember(Identifier identifier) {
    auto& entry = by_inside_[identifier.inside];
    if (auto known = entry.lock()) return known;
    auto kept = std::make_shared<const Identifier>(std::move(identifier));
    entry = kept;
    by_outside_.emplace(kept->outside, kept);
    return kept;
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
  std::map<std::string, std::weak_ptr<const Identifier>> by_inside_;
  std::multimap<std::string, std::weak_ptr<const Identifier>> by_outside_;
};

}  // namespace rgw::alg::sip
