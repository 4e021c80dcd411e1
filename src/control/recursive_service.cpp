#include "realmgw/control/recursive_service.hpp"

#include <nlohmann/json.hpp>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>

namespace rgw::control {

namespace {

using nlohmann::ordered_json;

dns::RecursorConfig recursor_config(const config::Realm& realm) {
  dns::RecursorConfig config;
  config.nsid = realm.dns.nsid.value_or(realm.name).substr(0, 64);
  if (realm.dns.dns64 && realm.nat64.prefix) config.dns64.emplace(*realm.nat64.prefix);
  config.dns64_exclude = realm.dns.dns64_exclude;
  config.ces = realm.dns.ces;
  config.serve_stale = std::chrono::seconds{realm.dns.serve_stale};
  return config;
}

std::string name_of(dns::RrType type) {
  using enum dns::RrType;
  constexpr std::pair<dns::RrType, std::string_view> names[] = {
      {a, "A"},     {ns, "NS"},     {cname, "CNAME"}, {soa, "SOA"},     {ptr, "PTR"}, {mx, "MX"},
      {txt, "TXT"}, {aaaa, "AAAA"}, {srv, "SRV"},     {naptr, "NAPTR"}, {ds, "DS"},   {dnskey, "DNSKEY"}};
  for (const auto& [number, name] : names) {
    if (number == type) return std::string{name};
  }
  return "TYPE" + std::to_string(static_cast<unsigned>(type));  // RFC 3597 section 5
}

std::string kind_of(const dns::AnswerHead& head) {
  if (head.rcode == dns::Rcode::servfail) return "failure";
  if (head.rcode == dns::Rcode::nxdomain) return "no name";
  if (!head.has_data) return "no data";
  return head.synthesised ? "synthesised" : "native";
}

}  // namespace

class RecursiveService::Course final : dns::AnswerSink, dns::SocketWatcher {
 public:
  Course(const config::Realm& realm, EventLoop& loop, std::shared_ptr<dns::AnswerCache> cache,
         dns::ProxyBinder* proxies, CounterBlock& counters, Histogram& times)
      : loop_{loop},
        times_{times},
        cache_{std::move(cache)},
        upstream_{{.upstreams = realm.dns.upstreams}, *this},
        recursor_{recursor_config(realm), *cache_, upstream_, proxies, counters} {}

  [[nodiscard]] std::span<const std::uint8_t> answer(const dns::Query& query, const dns::Client& client,
                                                     const ReplyPath& path, Instant now,
                                                     std::span<std::uint8_t> room) {
    const auto outcome = recursor_.ask(query, client, now, room);
    if (const auto* answered = std::get_if<dns::Answered>(&outcome)) return answered->bytes;
    if (const auto* deferred = std::get_if<dns::Deferred>(&outcome))
      paths_.emplace(deferred->ticket, Asked{path, now});
    return {};
  }
  void tick(Instant now) {
    now_ = now;
    upstream_.tick(now);
    recursor_.step(now, *this);
  }
  [[nodiscard]] bool done() const { return paths_.empty(); }
  [[nodiscard]] const dns::Recursor& recursor() const { return recursor_; }
  [[nodiscard]] const dns::CaresUpstream& upstream() const { return upstream_; }

 private:
  struct Asked {
    ReplyPath path;
    Instant at;
  };

  void deliver(dns::RecursionTicket ticket, std::span<const std::uint8_t> answer) override {
    const auto found = paths_.extract(ticket);
    if (found.empty()) return;
    const auto& [path, at] = found.mapped();
    times_.add(now_ - at);
    path.transport->send(path, answer);
  }
  void watch(int fd, bool readable, bool writable) override {
    if (!readable && !writable) {
      if (watched_.erase(fd) != 0) loop_.remove(fd);
      return;
    }
    const std::uint32_t events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
    if (!watched_.insert(fd).second) return loop_.change(fd, events);
    loop_.add(fd, events, [this, fd](std::uint32_t ready) {
      // An error shows itself to whoever reads or writes next.
      const bool broken = (ready & (EPOLLERR | EPOLLHUP)) != 0;
      upstream_.ready(fd, broken || (ready & EPOLLIN) != 0, broken || (ready & EPOLLOUT) != 0);
    });
  }

  EventLoop& loop_;
  Histogram& times_;
  Instant now_{};  ///< of the last tick, in which answers are delivered
  std::shared_ptr<dns::AnswerCache> cache_;
  std::unordered_set<int> watched_;
  dns::CaresUpstream upstream_;
  dns::Recursor recursor_;
  std::unordered_map<dns::RecursionTicket, Asked> paths_;
};

RecursiveService::RecursiveService(const config::Realm& realm, EventLoop& loop, dns::ProxyDirectory* proxies,
                                   const HashSalt& salt, CounterBlock& counters, Histogram& times)
    : loop_{loop},
      proxies_{proxies},
      salt_{salt},
      counters_{counters},
      times_{times},
      dns_{realm.dns},
      pref64_{realm.nat64.prefix},
      cache_{make_cache(realm)} {
  course_ = std::make_unique<Course>(realm, loop_, cache_, proxies_, counters_, times_);
}

RecursiveService::~RecursiveService() = default;

std::shared_ptr<dns::AnswerCache> RecursiveService::make_cache(const config::Realm& realm) const {
  return std::make_shared<dns::AnswerCache>(
      dns::AnswerCache::Limits{realm.dns.cache, realm.dns.cache * bytes_per_answer,
                               std::chrono::seconds{realm.dns.serve_stale}},
      salt_);
}

void RecursiveService::change(const config::Realm& realm) {
  const auto& next = realm.dns;
  const bool same_answers =
      std::tie(next.dns64, next.dns64_exclude, next.ces, next.serve_stale, realm.nat64.prefix) ==
      std::tie(dns_.dns64, dns_.dns64_exclude, dns_.ces, dns_.serve_stale, pref64_);
  const bool same = same_answers && next.upstreams == dns_.upstreams && next.nsid == dns_.nsid;
  if (!same) {
    auto cache = same_answers ? cache_ : make_cache(realm);
    auto course = std::make_unique<Course>(realm, loop_, cache, proxies_, counters_, times_);
    cache_ = std::move(cache);
    former_.push_back(std::exchange(course_, std::move(course)));
  }
  dns_ = next;
  pref64_ = realm.nat64.prefix;
}

std::span<const std::uint8_t> RecursiveService::answer(const dns::Query& query, const dns::Client& client,
                                                       const ReplyPath& path, Instant now,
                                                       std::span<std::uint8_t> room) {
  return course_->answer(query, client, path, now, room);
}

void RecursiveService::tick(Instant now) {
  course_->tick(now);
  for (const auto& former : former_) former->tick(now);
  std::erase_if(former_, [](const auto& former) { return former->done(); });
}

RecursiveService::CacheUse RecursiveService::cache_use() const {
  return {cache_->size(), cache_->limits().entries, cache_->bytes()};
}

std::vector<dns::CaresUpstream::Health> RecursiveService::upstreams() const {
  return course_->upstream().health();
}

std::vector<std::string> RecursiveService::dead_upstreams() const {
  std::vector<std::string> dead;
  for (const auto& health : upstreams()) {
    if (health.state == dns::UpstreamState::dead) dead.push_back(health.upstream.to_string());
  }
  return dead;
}

std::string RecursiveService::report(std::size_t limit, Instant now) const {
  ordered_json answers = ordered_json::array();
  for (const auto& listed : cache_->list(limit, now)) {
    const auto question = listed.key.question();
    answers.push_back({{"name", question.name.to_string()},
                       {"type", name_of(question.type)},
                       {"answer", kind_of(listed.head)},
                       {"ttl_s", listed.left},
                       {"dnssec_ok", listed.key.dnssec_ok()},
                       {"checking_disabled", listed.key.checking_disabled()}});
  }
  ordered_json peers = ordered_json::array();
  for (const auto& name : course_->recursor().peers()) peers.push_back(name.to_string());
  const ordered_json json = {{"entries", cache_->size()},
                             {"entries_max", cache_->limits().entries},
                             {"bytes", cache_->bytes()},
                             {"bytes_max", cache_->limits().bytes},
                             {"evicted", cache_->evicted()},
                             {"proxies", proxies_ ? proxies_->size() : 0},
                             {"waiting", course_->recursor().waiting()},
                             {"upstream_queries", course_->recursor().fetches()},
                             {"peers", std::move(peers)},
                             {"answers", std::move(answers)}};
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace rgw::control
