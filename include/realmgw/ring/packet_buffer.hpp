// A packet on its way between threads: an owned mbuf and the note pinned to it.
#pragma once

#include "realmgw/base/endian.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/transport.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include <rte_mbuf.h>

namespace rgw::ring {

/// What the thread that takes a packet off a ring is to do with it.
enum class Purpose : std::uint8_t {
  // worker -> worker
  forward,  ///< its flow is yours: it takes the short way or the walk there, as seen on `port`
  finish,   ///< send this frame through `port`: you hold its transmit queue
  // worker -> control
  to_kernel,  ///< write the frame to the TAP of `port`
  neighbour,  ///< an ARP or neighbour discovery frame: learn from it, and write it to the TAP of `port`
  query,      ///< a DNS query in a whole UDP datagram: answer it, or write the frame to the TAP of `port`
  resolve,    ///< translated and routed: find the MAC of `next_hop` on `port`, then send it back with
              ///< `transmit`
  inspect,    ///< of a session that an ALG reads, on the ring of signalling: read it, then `edited`
  // control -> worker
  transmit,     ///< a complete frame: send it through `port`
  from_kernel,  ///< a frame that the kernel sent through the TAP of `port`
  edited,       ///< of an inspected session: translate it, as seen on `port`
};

/// Names a companion: its place in the worker's list, and which of all companions that had this place it is.
struct CompanionId {
  std::uint32_t place = 0;  ///< 0: none
  std::uint32_t generation = 0;
  WorkerId worker;
  std::array<std::uint8_t, 3> zero{};
  friend bool operator==(const CompanionId&, const CompanionId&) = default;
};
static_assert(sizeof(CompanionId) == 12);

/// What the worker that holds a signpost knows of the session that it leads to.
enum class SignpostState : std::uint8_t {
  confirmed,     ///< home has said that the session stands
  unconfirmed,   ///< home has not said so yet, or its word was lost: it says so again
  fresh,         ///< the same, and the signpost was set up for this very packet
  fresh_proven,  ///< the same, and the sender of this packet, a SYN, has shown that he is there
};

/// The note in an mbuf's private area. Written by the sender before the push, read by the receiver after the
/// pop; while a packet stays on one worker nobody looks at it.
struct PacketNote {
  Purpose purpose;
  PortId port;
  WorkerId from;      ///< who pushed it, where a worker did
  std::uint8_t hops;  ///< how often a worker has handed it to another; bounded
  bool ports_known;   ///< `forward`: a fragment, whose flow was learnt from the first one
  bool hairpinned;    ///< `forward`: already translated outbound once
  be16 near_port;     ///< where `ports_known`: as in net::FlowTail
  be16 far_port;
  net::Protocol protocol;
  std::uint8_t l4_protocol;
  std::uint16_t datagram_length;  ///< as in net::Packet
  std::uint32_t signpost;         ///< `forward`: the sender's signpost for this flow, or none
  SignpostState signpost_state;   ///< where there is a signpost
  net::IpAddress next_hop;        ///< `resolve`
  CompanionId companion;          ///< `inspect`, `edited`
};
static_assert(sizeof(PacketNote) <= 64);

/// The private area that every mempool of ours gives its mbufs: one cache line, so that data stays aligned.
inline constexpr std::uint16_t packet_note_room = 64;
inline constexpr std::uint32_t no_signpost = 0xffffffff;

[[nodiscard]] inline PacketNote& note(rte_mbuf* mbuf) {
  return *static_cast<PacketNote*>(rte_mbuf_to_priv(mbuf));
}

/// Owns an mbuf; gives it back at the end. `release()` hands it on (to a ring or a device).
class PacketBuffer {
 public:
  PacketBuffer() = default;
  explicit PacketBuffer(rte_mbuf* mbuf) : mbuf_{mbuf} {}
  PacketBuffer(PacketBuffer&& other) noexcept : mbuf_{std::exchange(other.mbuf_, nullptr)} {}
  PacketBuffer& operator=(PacketBuffer&& other) noexcept {
    if (this != &other) {
      rte_pktmbuf_free(mbuf_);
      mbuf_ = std::exchange(other.mbuf_, nullptr);
    }
    return *this;
  }
  ~PacketBuffer() { rte_pktmbuf_free(mbuf_); }

  /// A buffer holding a copy of `frame`; empty where the pool has none left or the frame is too long for one.
  [[nodiscard]] static PacketBuffer copy_of(std::span<const std::uint8_t> frame, rte_mempool* pool) {
    PacketBuffer buffer{rte_pktmbuf_alloc(pool)};
    if (!buffer) return buffer;
    char* room = rte_pktmbuf_append(buffer.mbuf_, static_cast<std::uint16_t>(frame.size()));
    if (frame.size() > 0xffff || room == nullptr) return PacketBuffer{};
    std::memcpy(room, frame.data(), frame.size());
    return buffer;
  }

  explicit operator bool() const { return mbuf_ != nullptr; }
  [[nodiscard]] rte_mbuf* get() const { return mbuf_; }
  [[nodiscard]] rte_mbuf* release() { return std::exchange(mbuf_, nullptr); }
  [[nodiscard]] PacketNote& note() const { return ring::note(mbuf_); }
  /// The bytes of the (single-segment) frame.
  [[nodiscard]] std::span<std::uint8_t> bytes() const {
    return {rte_pktmbuf_mtod(mbuf_, std::uint8_t*), rte_pktmbuf_data_len(mbuf_)};
  }

 private:
  rte_mbuf* mbuf_ = nullptr;
};

}  // namespace rgw::ring
