// What an asker must show before a reservation is made for him (GUARD-1 to GUARD-3).
#pragma once

#include "realmgw/base/challenge.hpp"
#include "realmgw/base/clock.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/guard/prefix_table.hpp"
#include "realmgw/net/address.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rgw::guard {

struct LadderConfig {
  Challenge challenge = Challenge::load;
  std::uint32_t proven_pending = 64;   ///< claims that a prefix may have at one time
  std::uint32_t unproven_pending = 4;  ///< the same without proof
  std::uint32_t host_pending = 16;     ///< reservations that a host may have at one time
  bool alias = true;                   ///< who never comes by TCP may ask for an alias
};

/// A query that would make a claim.
struct Asking {
  net::IpAddress source;
  bool proven = false;         ///< by TCP, a cookie, an alias or a trusted relay
  bool by_alias = false;       ///< by an alias alone
  bool knows_cookies = false;  ///< shows a client's cookie, so that he will show the server's
  HostId host;
  bool plain = false;  ///< the host's name, not a service's
  bool joins = false;  ///< shares a reservation that stands, and takes no room
  /// Shares one that yields to the next asker with proof: who has none would be promised what cannot be kept.
  bool joins_what_yields = false;
};

/// How full the pool is, of the family that is asked for.
struct PoolLoad {
  std::size_t addresses = 0, carrying = 0;
  std::size_t unproven = 0;  ///< addresses that carry nothing but what was reserved without proof
  std::size_t of_host = 0;   ///< reservations that the host has
};

enum class Finding : std::uint8_t {
  admitted,
  to_prove,    ///< show an address first
  to_alias,    ///< the same, and this prefix was told to come by TCP and never has
  over_quota,  ///< of the prefix or the host
  distrusted,  ///< of this prefix too few reservations are used, for how full the pool is
};

/// What became of a claim.
enum class Fate : std::uint8_t {
  used,       ///< a packet took it
  expired,    ///< none did in time
  displaced,  ///< none had when somebody with proof needed the room: not in vain by the asker's fault
  withdrawn,  ///< it ended otherwise, which says nothing of the asker
};

/// The ladder: proof, quotas, reputation. It hears what becomes of claims. Bounded memory; one thread; no
/// clock of its own.
class Ladder {
 public:
  Ladder(const LadderConfig& config, const HashSalt& salt);
  void change(const LadderConfig& config) { config_ = config; }

  [[nodiscard]] Finding judge(const Asking& asking, const PoolLoad& load, Instant now);

  void claim_began(const net::IpAddress& source, bool proven, Instant now);
  void claim_ended(const net::IpAddress& source, bool proven, HostId host, net::Family family, Fate fate,
                   Instant now);

  /// Claims used, of those that ended: 1/2 for a stranger; what is a minute older counts half as much.
  [[nodiscard]] double reputation(const net::IpAddress& source, Instant now);
  [[nodiscard]] std::size_t unproven_claims() const { return unproven_claims_; }
  [[nodiscard]] std::size_t prefixes() const { return prefixes_.size(); }
  /// Are unproven reservations many, or not used?
  [[nodiscard]] bool is_calm(const PoolLoad& load, Instant now);

 private:
  static constexpr std::chrono::seconds half_life{60};
  static constexpr std::size_t remembered_uses = 4096;

  struct Record {
    float used = 0, expired = 0;
    Instant at{};                            ///< when they were right
    std::uint16_t proven = 0, unproven = 0;  ///< claims that stand
    bool was_proven = false;
    bool needs_no_alias = false;   ///< it came by TCP or with a cookie
    std::uint8_t sent_to_tcp = 0;  ///< how often, as far as that matters
    // Who has proven nothing takes no place of who has; nor does anybody while claims stand.
    [[nodiscard]] bool gives_way_to(bool by_proven) const {
      return proven + unproven == 0 && (by_proven || !was_proven);
    }
  };
  /// That a prefix has used an address of the host in one family: it may have asked for both.
  struct Use {
    std::uint64_t who = 0;
    Instant at{};
  };
  /// Of the last ten seconds, by second: unproven claims that ended, and those of them that nobody used.
  struct Second {
    std::int64_t number = -1;
    std::uint32_t ended = 0, expired = 0;
  };

  static void fade(Record& record, Instant now);
  [[nodiscard]] Use& use_of(const AskerPrefix& prefix, HostId host, net::Family family);
  [[nodiscard]] std::uint64_t key_of(const AskerPrefix& prefix, HostId host, net::Family family) const;
  [[nodiscard]] bool mostly_unused(Instant now) const;
  [[nodiscard]] Finding challenge(const Asking& asking, const AskerPrefix& prefix, Instant now);

  LadderConfig config_;
  HashSalt salt_;
  PrefixTable<Record> prefixes_;
  std::vector<Use> uses_;
  std::array<Second, 10> seconds_{};
  std::size_t unproven_claims_ = 0;
};

}  // namespace rgw::guard
