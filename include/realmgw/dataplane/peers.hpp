// The rings from worker to worker: one for each ordered pair, one writer and one reader each.
#pragma once

#include "realmgw/base/strong_id.hpp"
#include "realmgw/ring/spsc_ring.hpp"

#include <cstdint>
#include <memory>
#include <vector>

#include <rte_mbuf.h>

namespace rgw::dataplane {

/// A packet, with its note or `as_it_came`; or, where there is none, word of the session that a signpost
/// leads to.
struct PeerMessage {
  enum class Word : std::uint8_t {
    ended,       ///< there is no such session: the signpost ends too
    lives,       ///< it stands, though no packet may have passed the signpost for long
    noted,       ///< a packet whose note says where it is on its way
    as_it_came,  ///< a packet from the queue of `port`, which nobody has done anything to: its note, a line
                 ///< of its own, is not written
  };
  rte_mbuf* packet;
  std::uint32_t signpost;  ///< of word: which, on the worker that gets it
  Word word;
  PortId port;
};
static_assert(sizeof(PeerMessage) == 16);

using PeerRing = ring::SpscRing<PeerMessage>;

class PeerMesh {
 public:
  explicit PeerMesh(unsigned workers, unsigned capacity = 2048) : workers_{workers} {
    rings_.resize(std::size_t{workers} * workers);
    for (unsigned from = 0; from < workers; ++from) {
      for (unsigned to = 0; to < workers; ++to) {
        if (from == to) continue;
        rings_[from * workers + to] =
            std::make_unique<PeerRing>("w" + std::to_string(from) + "w" + std::to_string(to), capacity);
      }
    }
  }

  [[nodiscard]] unsigned workers() const { return workers_; }
  /// The ring that `from` writes and `to` reads; they differ.
  [[nodiscard]] PeerRing& ring(WorkerId from, WorkerId to) {
    return *rings_[from.value() * workers_ + to.value()];
  }

 private:
  unsigned workers_;
  std::vector<std::unique_ptr<PeerRing>> rings_;
};

}  // namespace rgw::dataplane
