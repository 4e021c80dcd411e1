// The sessions of one worker: records, the index by both keys, and their timers. Hot path.
#pragma once

#include "realmgw/base/hash.hpp"
#include "realmgw/base/huge_array.hpp"
#include "realmgw/nat/flow_index.hpp"
#include "realmgw/nat/session.hpp"
#include "realmgw/nat/timer_wheel.hpp"
#include "realmgw/net/packet.hpp"
#include "realmgw/net/parse.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <thread>

namespace rgw::nat {

/// A session's place in the table.
using SessionSlot = std::uint32_t;
inline constexpr SessionSlot no_session = 0xffffffff;

/// Fixed in size; allocation, setup and end are O(1). A session is findable by both of its keys or by
/// neither.
class SessionTable {
 public:
  /// Room for `capacity` sessions, 1 to 2^29. `now` is where the timers begin. Throws std::bad_alloc.
  SessionTable(std::uint32_t capacity, const HashSalt& salt, Instant now);

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }
  /// Memory, all included.
  [[nodiscard]] std::size_t bytes() const;

  [[nodiscard]] Session& operator[](SessionSlot slot) { return records_[slot]; }
  [[nodiscard]] const Session& operator[](SessionSlot slot) const { return records_[slot]; }

  template <class Address>
  [[nodiscard]] std::uint64_t hash(const net::FlowKey<Address>& key) const {
    return hash_words(net::ends_of(key.near, key.far, salt_), std::bit_cast<std::uint64_t>(key.tail), salt_);
  }
  [[nodiscard]] std::uint64_t hash(const net::Packet& packet) const {
    return packet.family == net::Family::v4 ? hash(packet.key4) : hash(packet.key6);
  }
  [[nodiscard]] std::uint64_t hash(const net::PlainPacket& packet) const {
    return hash_words(packet.ends, packet.tail, salt_);
  }
  [[nodiscard]] const HashSalt& salt() const { return salt_; }
  [[nodiscard]] FlowIndex& index() { return index_; }
  [[nodiscard]] const FlowIndex& index() const { return index_; }

  /// The session of a key, of whichever side.
  template <class Address>
  [[nodiscard]] SessionSlot find(const net::FlowKey<Address>& key) const {
    return find(key, hash(key));
  }
  template <class Address>
  [[nodiscard]] SessionSlot find(const net::FlowKey<Address>& key, std::uint64_t hash) const {
    const auto found = index_.find(hash, [&](SessionSlot slot) { return records_[slot].matches(key); });
    return found ? *found : no_session;
  }

  /// A zeroed record that nobody can find yet; `no_session` where the table is full.
  [[nodiscard]] SessionSlot allocate();
  /// Asks for the record that the `n`th `allocate` from now on gives, as far as that is known.
  [[gnu::always_inline]] void prefetch_free(std::uint32_t n) const {
    const SessionSlot slot = free_ != no_session ? free_ : fresh_ + n;
    if (slot >= capacity_) return;
    __builtin_prefetch(&records_[slot], 1);
    __builtin_prefetch(&records_[slot].host6, 1);
  }
  /// Makes a filled-in record findable, from inside and from outside (a signpost: from outside alone), and
  /// starts its timer. False, and nothing changed, where one of its keys is taken or the index is full.
  [[nodiscard]] bool publish(SessionSlot slot, Tick now);
  /// The same of a session (no signpost) whose keys, of these hashes, are known to be of no session yet: it
  /// was just looked for. False where the index is full.
  [[nodiscard]] bool publish_new(SessionSlot slot, Tick now, std::uint64_t inside_hash,
                                 std::uint64_t outside_hash);
  /// Gives back a record that was never published.
  void discard(SessionSlot slot);
  /// Ends a session.
  void retire(SessionSlot slot);

  /// Gives a session `deadline`. Sooner than before or later: the timer follows.
  void reschedule(SessionSlot slot, Tick deadline);
  /// Later than before: the timer notices when it fires. The cheap way, for each packet.
  static void extend(Session& session, Tick deadline) { session.deadline = deadline; }

  /// Calls `end(slot)` for sessions whose time is over, which has to `retire` them; looks at no more than
  /// `budget`. Calls `lives(slot)` for those that packets have given more time: at least once in the time
  /// that their timer runs.
  template <class End, class Lives>
  void expire(Tick now, std::uint32_t budget, End&& end, Lives&& lives) {
    const auto is_over = [&](SessionSlot slot) {
      return static_cast<std::int32_t>(records_[slot].deadline - now) <= 0;
    };
    wheel_.advance(
        links(), now, budget,
        [&](SessionSlot slot) -> std::optional<Tick> {
          if (is_over(slot)) {
            end(slot);
            return std::nullopt;
          }
          lives(slot);
          return records_[slot].deadline;
        },
        [&](SessionSlot slot) {
          if (!is_over(slot)) return;
          index_.prefetch(hash_of_side(records_[slot], Side::outside));
          index_.prefetch(hash_of_side(records_[slot], Side::inside));
        });
  }

  /// Is there a live session in this slot? For walks over the table.
  [[nodiscard]] bool live(SessionSlot slot) const {
    return records_[slot].inside.tail.protocol != net::Protocol::any;
  }
  /// Slots ever used are below this.
  [[nodiscard]] SessionSlot high_water() const { return fresh_; }

 private:
  /// Where the timer wheel finds a record's links.
  struct Links {
    HugeArray<Session>& records;
    [[nodiscard]] TimerWheel::Links& operator()(SessionSlot slot) const { return records[slot].links; }
  };
  [[nodiscard]] Links links() { return {records_}; }

  [[nodiscard]] std::uint64_t hash_of_side(const Session& session, Side side) const;
  [[nodiscard]] bool taken(const Session& session, Side side, std::uint64_t hash) const;

  void note_ends(Session& session) const;
  void start(SessionSlot slot, Tick now);

  std::uint32_t capacity_;
  HashSalt salt_;
  HugeArray<Session> records_;
  FlowIndex index_;
  TimerWheel wheel_;
  std::uint32_t size_ = 0;
  SessionSlot fresh_ = 0;          ///< never used from here on
  SessionSlot free_ = no_session;  ///< used before and free: a stack through `links.next`
  std::jthread other_records_;     ///< makes their memory ready; goes before they do
};

}  // namespace rgw::nat
