// SYNs from outside that nothing lets in, kept for a simultaneous open: the V4 INIT state of RFC 6146
// section 3.5.2.2 for what filtering refuses, RFC 5382 REQ-4 for NAT44. One worker's part.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/flat_map.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/nat/address_key.hpp"
#include "realmgw/net/flow_key.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace rgw::nat {

/// Keeps of each SYN what an ICMP error quotes, not the packet: should the host inside send its own SYN, this
/// one is dropped (RFC 5382 REQ-4), and never forwarded. All are kept equally long, so that the oldest is the
/// first to end; no allocation after construction, 200 bytes each.
class StoredSyns {
 public:
  /// Of a frame, Ethernet header included: IP header, TCP header and 20 bytes of IPv6 or IPv4 options.
  static constexpr std::size_t frame_room = 14 + 40 + 60;

  struct Syn {
    Instant deadline;
    PortId port;  ///< where it came in
    net::Family family;
    bool answered;         ///< the host inside sent its own
    std::uint16_t length;  ///< bytes of `frame` that count
    std::array<std::uint8_t, frame_room> frame;
  };
  enum class Kept : std::uint8_t { stored, known, full };

  /// Room for `capacity` SYNs, each for `life`.
  StoredSyns(std::uint32_t capacity, Duration life, const HashSalt& salt)
      : life_{life}, ring_(capacity), keys_(capacity), by_flow_{capacity, salt} {}

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint32_t capacity() const { return static_cast<std::uint32_t>(ring_.size()); }
  /// From now on a SYN is kept for as long.
  void last(Duration life) { life_ = life; }

  /// Keeps a SYN of the flow `outside`, as it came: the frame from its Ethernet header on. One of a flow that
  /// waits already adds nothing, and moves no deadline.
  template <class Address>
  [[nodiscard]] Kept keep(const net::FlowKey<Address>& outside, PortId port,
                          std::span<const std::uint8_t> frame, Instant now) {
    const Key key{outside};
    if (by_flow_.contains(key)) return Kept::known;
    if (size_ == ring_.size()) return Kept::full;
    const std::uint32_t slot = place(size_);
    if (by_flow_.insert(key, slot) == nullptr) return Kept::full;
    Syn& syn = ring_[slot];
    syn.deadline = now + life_;
    syn.port = port;
    syn.family = Address::family;
    syn.answered = false;
    syn.length = static_cast<std::uint16_t>(std::min(frame.size(), frame_room));
    std::copy_n(frame.begin(), syn.length, syn.frame.begin());
    keys_[slot] = key;
    ++size_;
    return Kept::stored;
  }

  /// A SYN from inside has opened this flow. Did one from outside wait for it?
  template <class Address>
  bool forget(const net::FlowKey<Address>& outside) {
    if (size_ == 0) return false;
    const Key key{outside};
    const std::uint32_t* slot = by_flow_.find(key);
    if (slot == nullptr) return false;
    ring_[*slot].answered = true;
    by_flow_.erase(key);
    return true;
  }

  /// `ended(syn)` for those whose time is over without an answer, at most `limit` a call.
  template <class Ended>
  void expire(Instant now, std::uint32_t limit, Ended&& ended) {
    for (std::uint32_t n = 0; n < limit && size_ != 0 && ring_[first_].deadline <= now; ++n) {
      const Syn& syn = ring_[first_];
      if (!syn.answered) {
        by_flow_.erase(keys_[first_]);
        ended(syn);
      }
      first_ = place(1);
      --size_;
    }
  }

 private:
  struct Key {
    AddressKey near, far;
    std::array<std::uint8_t, 4> ports{};

    Key() = default;
    template <class Address>
    explicit Key(const net::FlowKey<Address>& flow) : near{flow.near}, far{flow.far} {
      const std::uint16_t a = flow.tail.near_port.host(), b = flow.tail.far_port.host();
      ports = {static_cast<std::uint8_t>(a >> 8), static_cast<std::uint8_t>(a),
               static_cast<std::uint8_t>(b >> 8), static_cast<std::uint8_t>(b)};
    }
    friend bool operator==(const Key&, const Key&) = default;
  };
  static_assert(PlainKey<Key>);

  /// The `n`th from the oldest.
  [[nodiscard]] std::uint32_t place(std::uint32_t n) const {
    return static_cast<std::uint32_t>((first_ + std::uint64_t{n}) % ring_.size());
  }

  Duration life_;
  std::vector<Syn> ring_;
  std::vector<Key> keys_;  ///< by place in the ring
  FlatMap<Key, std::uint32_t> by_flow_;
  std::uint32_t first_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace rgw::nat
