// The recursive service for inside clients (DNS-2, DNS-3): the recursor with its cache, and its upstreams on
// the control thread's event loop.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/base/histogram.hpp"
#include "realmgw/config/realm.hpp"
#include "realmgw/control/dns_transport.hpp"
#include "realmgw/control/event_loop.hpp"
#include "realmgw/dns/answer_cache.hpp"
#include "realmgw/dns/cares_upstream.hpp"
#include "realmgw/dns/proxy_directory.hpp"
#include "realmgw/dns/recursor.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rgw::control {

/// Answers at once out of the cache, or later through the path that the query came by.
class RecursiveService {
 public:
  static constexpr std::size_t bytes_per_answer = 512;  ///< of the cache's limit, on average

  /// The realm has upstreams. `proxies` may be null: no DNS46. Everything referred to outlives the service.
  /// `times`: how long the answers take that are not known at once. Throws std::runtime_error.
  RecursiveService(const config::Realm& realm, EventLoop& loop, dns::ProxyDirectory* proxies,
                   const HashSalt& salt, CounterBlock& counters, Histogram& times);
  ~RecursiveService();
  RecursiveService(const RecursiveService&) = delete;
  RecursiveService& operator=(const RecursiveService&) = delete;

  /// Goes by another realm, which has upstreams, too. Questions that are under way are answered by the former
  /// one. What the cache holds stays, unless it would be another answer now.
  void change(const config::Realm& realm);

  /// Empty where no answer leaves now.
  [[nodiscard]] std::span<const std::uint8_t> answer(const dns::Query& query, const dns::Client& client,
                                                     const ReplyPath& path, Instant now,
                                                     std::span<std::uint8_t> room);
  /// Sends what has become ready.
  void tick(Instant now);

  struct CacheUse {
    std::size_t entries, max_entries, bytes;
  };
  [[nodiscard]] CacheUse cache_use() const;
  /// What came of what the upstreams in force were asked.
  [[nodiscard]] std::vector<dns::CaresUpstream::Health> upstreams() const;
  /// Those of them that are known not to answer, for the operator.
  [[nodiscard]] std::vector<std::string> dead_upstreams() const;
  /// The cache, its most recently used answers, and the peers found, as JSON.
  [[nodiscard]] std::string report(std::size_t limit, Instant now) const;

 private:
  /// By one realm: its upstreams, and what is made of their answers.
  class Course;

  [[nodiscard]] std::shared_ptr<dns::AnswerCache> make_cache(const config::Realm& realm) const;

  EventLoop& loop_;
  dns::ProxyDirectory* const proxies_;
  const HashSalt salt_;
  CounterBlock& counters_;
  Histogram& times_;
  config::Dns dns_;  ///< by which the course goes
  std::optional<net::Prefix> pref64_;
  std::shared_ptr<dns::AnswerCache> cache_;
  std::unique_ptr<Course> course_;
  std::vector<std::unique_ptr<Course>> former_;  ///< with questions under way
};

}  // namespace rgw::control
