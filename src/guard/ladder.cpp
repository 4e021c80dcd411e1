#include "realmgw/guard/ladder.hpp"

#include <algorithm>
#include <cmath>

namespace rgw::guard {
namespace {

// Fewer ends say nothing about how many of them nobody uses.
constexpr std::uint32_t least_ended = 4;
// Who was told so often to come by TCP, and never has, will not.
constexpr std::uint8_t sent_in_vain = 3;
// A client that asks for both families uses one of them within this.
constexpr std::chrono::seconds both_families{10};

struct Thresholds {
  double plain, service, joining;
};

// By load: the fuller the pool, the better a reputation is asked for.
Thresholds thresholds(const PoolLoad& load) {
  const double full =
      load.addresses == 0 ? 1 : static_cast<double>(load.carrying) / static_cast<double>(load.addresses);
  if (full <= 1.0 / 3) return {0, 0, 0};
  if (full <= 2.0 / 3) return {.3, .2, .1};
  if (full <= 0.9) return {.5, .4, .2};
  return {.7, .5, .3};
}

std::int64_t second_of(Instant now) {
  return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
}

// As if the prefix had used six of twelve before: somebody who asks a few times and does not come, with dig,
// say, is not taken for one who never does.
double score(double used, double expired) {
  return (used + 6) / (used + expired + 12);
}

}  // namespace

Ladder::Ladder(const LadderConfig& config, const HashSalt& salt)
    : config_{config}, salt_{salt}, prefixes_{salt}, uses_(remembered_uses) {}

void Ladder::fade(Record& record, Instant now) {
  const double half_lives = std::chrono::duration<double>(now - record.at) / half_life;
  if (half_lives <= 0) return;
  const auto left = static_cast<float>(std::exp2(-half_lives));
  record.used *= left;
  record.expired *= left;
  record.at = now;
}

std::uint64_t Ladder::key_of(const AskerPrefix& prefix, HostId host, net::Family family) const {
  return hash_words(prefix.value(), std::uint64_t{host.value()} << 1 | (family == net::Family::v6 ? 1 : 0),
                    salt_);
}

Ladder::Use& Ladder::use_of(const AskerPrefix& prefix, HostId host, net::Family family) {
  return uses_[key_of(prefix, host, family) % uses_.size()];
}

bool Ladder::mostly_unused(Instant now) const {
  const std::int64_t current = second_of(now);
  std::uint32_t ended = 0, expired = 0;
  for (const Second& second : seconds_) {
    if (second.number <= current - static_cast<std::int64_t>(seconds_.size())) continue;
    ended += second.ended;
    expired += second.expired;
  }
  return ended >= least_ended && 2 * expired >= ended;
}

bool Ladder::is_calm(const PoolLoad& load, Instant now) {
  // Addresses without proof take a quarter of the pool at most; claims that join them are bounded likewise.
  return load.unproven < std::max<std::size_t>(1, load.addresses / 4) &&
         unproven_claims_ < std::max<std::size_t>(8, 2 * load.addresses) && !mostly_unused(now);
}

Finding Ladder::judge(const Asking& asking, const PoolLoad& load, Instant now) {
  if (config_.challenge == Challenge::never) return Finding::admitted;
  const AskerPrefix prefix{asking.source};
  if (!asking.proven &&
      (config_.challenge == Challenge::always || asking.joins_what_yields || !is_calm(load, now)))
    return challenge(asking, prefix, now);
  Record* record = prefixes_.find_or_add(prefix, asking.proven, now);
  if (record == nullptr) return asking.proven ? Finding::admitted : Finding::to_prove;
  record->was_proven |= asking.proven;
  record->needs_no_alias |= asking.proven && !asking.by_alias;
  const std::uint32_t pending = asking.proven ? record->proven : record->unproven;
  if (pending >= (asking.proven ? config_.proven_pending : config_.unproven_pending))
    return Finding::over_quota;
  if (!asking.joins && load.of_host >= config_.host_pending) return Finding::over_quota;
  fade(*record, now);
  const Thresholds least = thresholds(load);
  const double needed = asking.joins ? least.joining : asking.plain ? least.plain : least.service;
  return score(record->used, record->expired) < needed ? Finding::distrusted : Finding::admitted;
}

Finding Ladder::challenge(const Asking& asking, const AskerPrefix& prefix, Instant now) {
  if (asking.knows_cookies || !config_.alias) return Finding::to_prove;
  Record* const record = prefixes_.find_or_add(prefix, false, now);
  if (record == nullptr || record->needs_no_alias) return Finding::to_prove;
  if (record->sent_to_tcp == sent_in_vain) return Finding::to_alias;
  ++record->sent_to_tcp;
  return Finding::to_prove;
}

void Ladder::claim_began(const net::IpAddress& source, bool proven, Instant now) {
  if (!proven) ++unproven_claims_;
  Record* record = prefixes_.find_or_add(AskerPrefix{source}, proven, now);
  if (record != nullptr) ++(proven ? record->proven : record->unproven);
}

void Ladder::claim_ended(const net::IpAddress& source, bool proven, HostId host, net::Family family,
                         Fate fate, Instant now) {
  const AskerPrefix prefix{source};
  if (!proven) --unproven_claims_;
  Record* record = prefixes_.find(prefix);
  if (record != nullptr) {
    std::uint16_t& pending = proven ? record->proven : record->unproven;
    if (pending != 0) --pending;
  }
  if (fate == Fate::withdrawn) return;
  const bool used = fate == Fate::used;
  const auto other = family == net::Family::v4 ? net::Family::v6 : net::Family::v4;
  const Use& twin = use_of(prefix, host, other);
  const bool excused = !used && twin.who == key_of(prefix, host, other) && now - twin.at <= both_families;
  if (used) use_of(prefix, host, family) = {key_of(prefix, host, family), now};
  if (!proven) {
    Second& second = seconds_[static_cast<std::size_t>(second_of(now)) % seconds_.size()];
    if (second.number != second_of(now)) second = {second_of(now), 0, 0};
    ++second.ended;
    if (!used && !excused) ++second.expired;
  }
  if (record == nullptr || excused || fate == Fate::displaced) return;
  fade(*record, now);
  ++(used ? record->used : record->expired);
}

double Ladder::reputation(const net::IpAddress& source, Instant now) {
  Record* record = prefixes_.find(AskerPrefix{source});
  if (record == nullptr) return score(0, 0);
  fade(*record, now);
  return score(record->used, record->expired);
}

}  // namespace rgw::guard
