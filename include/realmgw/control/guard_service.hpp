// The guard as the realm sets it: what stands before the pool, and before the answers (GUARD).
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/base/hash.hpp"
#include "realmgw/base/siphash.hpp"
#include "realmgw/config/realm.hpp"
#include "realmgw/dns/responder.hpp"
#include "realmgw/dns/server_cookies.hpp"
#include "realmgw/guard/alias_labels.hpp"
#include "realmgw/guard/byte_balance.hpp"
#include "realmgw/guard/ladder.hpp"
#include "realmgw/pool/circular_pool.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace rgw::control {

/// Goes by one realm at a time. One thread.
class GuardService {
 public:
  /// Without a secret in the realm cookies are made by one of the kernel's. `counters` outlives this. Throws
  /// std::system_error where there is none.
  GuardService(const config::Guard& guard, const HashSalt& salt, Instant now, CounterBlock& counters);

  /// Goes by another realm from now on. What is remembered of askers stays.
  void change(const config::Guard& guard);

  /// Must anybody prove his address at all?
  [[nodiscard]] bool challenges() const { return guard_.challenge != Challenge::never; }
  /// How the sender of a query has proven his address, beside what the request says.
  struct Proof {
    bool by_alias = false;
    bool knows_cookies = false;
  };
  /// May the query have a reservation?
  [[nodiscard]] guard::Finding judge(const pool::Request& request, const Proof& proof,
                                     const pool::CircularPool& pool, Instant now);
  [[nodiscard]] const guard::AliasLabels& aliases() const { return aliases_; }
  /// Does asking for the alias prove the source's address?
  [[nodiscard]] bool proves(const guard::Alias& alias, const net::IpAddress& source, Instant now);
  void claim_began(const pool::ClaimNews& news) { ladder_.claim_began(news.source, news.proven, news.at); }
  void claim_ended(const pool::ClaimNews& news, pool::End why);

  /// What may leave of the answer to a query from outside: all of it, a word to come by TCP, which is written
  /// into `room`, or nothing. `room` may be the answer's own.
  [[nodiscard]] std::span<const std::uint8_t> balanced(std::span<const std::uint8_t> query,
                                                       const dns::Answered& answer, const dns::Client& client,
                                                       Instant now, std::span<std::uint8_t> room);

  [[nodiscard]] std::shared_ptr<const dns::ServerCookies> cookies() const { return cookies_; }
  /// How often a counter of control's and the workers' counted, in all.
  using CountOf = std::function<std::uint64_t(Counter)>;
  /// As JSON.
  [[nodiscard]] std::string report(const pool::CircularPool& pool, const CountOf& count, Instant now);

 private:
  [[nodiscard]] static guard::LadderConfig ladder_config(const config::Guard& guard);
  void make_cookies(const config::Guard& guard);

  CounterBlock& counters_;
  SipKey drawn_;  ///< the secret where the realm has none
  guard::AliasLabels aliases_;
  config::Guard guard_;
  guard::Ladder ladder_;
  guard::ByteBalance balance_;
  std::shared_ptr<const dns::ServerCookies> cookies_;
};

}  // namespace rgw::control
