// What a worker keeps beside the records of few sessions, whichever they are: who reads them, how their
// numbers move, by which pinhole they came. Other sessions have none and pay nothing.
#pragma once

#include "realmgw/alg/sequence_map.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/nat/pinhole_table.hpp"
#include "realmgw/nat/session_table.hpp"
#include "realmgw/net/side.hpp"
#include "realmgw/ring/packet_buffer.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace rgw::dataplane {

struct Companion {
  enum class Reading : std::uint8_t {
    none,     ///< it came by a pinhole, and that is all
    text,     ///< control reads every packet
    numbers,  ///< all edits are through: only numbers have to be adjusted
  };

  nat::SessionSlot session = nat::no_session;  ///< none: the place is free
  std::uint32_t generation = 0;
  Reading reading = Reading::none;
  nat::PinholeTable::Index pinhole = nat::PinholeTable::none;
  std::uint32_t next = 0,
                previous = 0;  ///< of the sessions of the pinhole; of a free place: the next free one
  std::array<alg::SequenceMap, 2> maps;  ///< by the side that segments come from; where `numbers`
};

/// Fixed in size; one worker's.
class Companions {
 public:
  /// Room for `capacity` sessions, at most Session::max_companions, and the sessions of `pinholes` pinholes.
  Companions(std::uint32_t capacity, std::uint32_t pinholes) : places_(capacity + 1), first_(pinholes) {
    for (std::uint32_t place = capacity; place != 0; --place) {
      places_[place].next = free_;
      free_ = place;
    }
  }

  /// A place for a session; 0 where all are taken.
  [[nodiscard]] std::uint32_t add(nat::SessionSlot session) {
    const std::uint32_t place = free_;
    if (place == 0) return 0;
    Companion& companion = places_[place];
    free_ = companion.next;
    const std::uint32_t generation = companion.generation + 1;
    companion = {};
    companion.session = session;
    companion.generation = generation;
    ++size_;
    return place;
  }
  void remove(std::uint32_t place) {
    leave_pinhole(place);
    places_[place].session = nat::no_session;
    places_[place].next = free_;
    free_ = place;
    --size_;
  }

  [[nodiscard]] Companion& operator[](std::uint32_t place) { return places_[place]; }
  /// The companion of that name, or nullptr where its session has ended.
  [[nodiscard]] Companion* find(const ring::CompanionId& id) {
    if (id.place == 0 || id.place >= places_.size()) return nullptr;
    Companion& companion = places_[id.place];
    return companion.session != nat::no_session && companion.generation == id.generation ? &companion
                                                                                         : nullptr;
  }
  [[nodiscard]] ring::CompanionId id(std::uint32_t place, WorkerId worker) const {
    return {place, places_[place].generation, worker, {}};
  }

  /// The session came by this pinhole.
  void join_pinhole(std::uint32_t place, nat::PinholeTable::Index pinhole) {
    Companion& companion = places_[place];
    companion.pinhole = pinhole;
    companion.next = first_[pinhole];
    if (companion.next != 0) places_[companion.next].previous = place;
    first_[pinhole] = place;
  }
  void leave_pinhole(std::uint32_t place) {
    Companion& companion = places_[place];
    if (companion.pinhole == nat::PinholeTable::none) return;
    (companion.previous != 0 ? places_[companion.previous].next : first_[companion.pinhole]) = companion.next;
    if (companion.next != 0) places_[companion.next].previous = companion.previous;
    companion.pinhole = nat::PinholeTable::none;
    companion.next = companion.previous = 0;
  }
  /// A session that came by the pinhole, or 0.
  [[nodiscard]] std::uint32_t first_of(nat::PinholeTable::Index pinhole) const { return first_[pinhole]; }

  [[nodiscard]] std::uint32_t size() const { return size_; }

 private:
  std::vector<Companion> places_;  ///< place 0 stays empty
  std::vector<std::uint32_t> first_;
  std::uint32_t free_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace rgw::dataplane
