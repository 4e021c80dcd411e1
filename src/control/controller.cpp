#include "realmgw/control/controller.hpp"

#include "realmgw/base/random.hpp"
#include "realmgw/control/realm_zones.hpp"
#include "realmgw/control/www_config.hpp"
#include "realmgw/session_log/session_log.hpp"

#include <algorithm>
#include <ctime>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <rte_mempool.h>

namespace rgw::control {

namespace {

HashSalt salt_from(std::uint64_t seed) {
  Random random{seed};
  return HashSalt{random};
}

UpdateService::WallClock wall_clock_of(const Surroundings& surroundings) {
  if (surroundings.wall_clock) return surroundings.wall_clock;
  return [] { return static_cast<dns::UnixSeconds>(std::time(nullptr)); };
}

}  // namespace

std::vector<net::Endpoint> dns_endpoints(const config::Realm& realm) {
  std::vector<net::Endpoint> endpoints;
  for (const auto& address : realm.dns.listen) endpoints.push_back({address, ring::dns_port});
  return endpoints;
}

Controller::Controller(Surroundings surroundings)
    : surroundings_{std::move(surroundings)},
      realm_{std::move(surroundings_.snapshot)},
      started_{surroundings_.clock.now()},
      workers_{surroundings_.workers, counters_},
      session_deletion_{workers_},
      survey_{workers_},
      reloads_{.in_force_since = started_},
      next_host_id_{static_cast<std::uint32_t>(realm_->realm.hosts.size())},
      hosts_{make_host_names(realm_->realm)},
      guard_{realm_->realm.guard, salt_from(surroundings_.seed), started_, counters_},
      pool_relay_{workers_, hosts_},
      pool_{pool_config(*realm_), salt_from(surroundings_.seed), pool_relay_, counters_},
      evictions_{session_deletion_},
      dynamic_{hosts_, std::move(surroundings_.journal), listener_of_hosts()},
      names_{realm_->realm, hosts_, pool_, workers_},
      responder_{responder_config(), numbered(make_zones(realm_->realm), started_), &names_, counters_},
      updates_{realm_, responder_, hosts_, dynamic_, counters_, wall_clock_of(surroundings_)},
      dns_{loop_, surroundings_.clock, realm_, responder_, dns_times_, counters_},
      dns_packets_{realm_, workers_, counters_, surroundings_.packets, dns_},
      links_{loop_,       realm_, workers_, counters_, surroundings_.packets, surroundings_.kernel_ports,
             dns_packets_},
      algs_{realm_,
            workers_,
            ownership(),
            hosts_,
            counters_,
            surroundings_.packets,
            [this](const net::Ipv6Address& remote) {
              return proxies_ ? proxies_->proxy_of(remote, surroundings_.clock.now()) : std::nullopt;
            },
            [this](WorkerId worker) { take_events(worker, surroundings_.clock.now()); }},
      captures_{surroundings_.capture_points,           realm_,
                static_cast<unsigned>(workers_.size()), surroundings_.clock,
                "realmgw " + surroundings_.version,     counters_},
      port_status_(realm_->ports.size()),
      port_return_{realm_->ports.size(), workers_, surroundings_.ports},
      next_look_{started_},
      watch_{surroundings_.hear_of_trouble},
      next_watch_{started_},
      next_kernel_look_{started_} {
  for (const auto& endpoint : surroundings_.dns_listen) dns_listening_.push_back(dns_.listen(endpoint));
  if (const auto& block = realm_->realm.nat46.proxies)
    proxies_.emplace(*block, workers_, salt_from(~surroundings_.seed));
  pool_relay_.keep_books_in(&guard_);
  names_.guard_by(&guard_);
  dns_.guard_by(&guard_);
  names_.take_dynamic(&dynamic_);
  dns_.update_through(&updates_);
  keep_what_fits(*realm_);
  set_up_recursion();
  if (realm_->realm.pcp.on) {
    pcp_.emplace(loop_, surroundings_.clock, realm_, workers_, ownership(), counters_);
    for (const auto& endpoint : surroundings_.pcp_listen) pcp_->listen(endpoint);
  }
  if (surroundings_.load_realm)
    reload_.emplace(
        std::move(surroundings_.load_realm), std::move(surroundings_.reload_begun),
        [this](const ReloadReport& report) {
          reloads_.add(report, surroundings_.clock.now());
          if (surroundings_.reload_ended) surroundings_.reload_ended(report);
        },
        realm_, workers_, static_cast<RealmKeeper&>(*this), surroundings_.added_hosts);
  if (!surroundings_.control_socket.empty()) {
    ctl_ = std::make_unique<CtlServer>(loop_, surroundings_.clock, surroundings_.control_socket);
    add_commands();
  }
  static_cast<void>(www_failure());
}

dns::ZoneSet Controller::numbered(dns::ZoneSet zones, Instant now) {
  const auto since_epoch = surroundings_.started_at.time_since_epoch() + (now - started_);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count();
  zone_serial_ = std::max(zone_serial_ + 1, static_cast<std::uint32_t>(seconds));
  zones.set_serial(zone_serial_);
  return zones;
}

dns::ResponderConfig Controller::responder_config() const {
  auto config = make_responder_config(realm_->realm);
  config.cookies = guard_.cookies();
  return config;
}

void Controller::set_up_recursion() {
  const auto& realm = realm_->realm;
  if (realm.dns.upstreams.empty()) {
    dns_.recurse_through(nullptr);
    recursion_.reset();
  } else if (recursion_) {
    recursion_->change(realm);
  } else {
    dns_.recurse_through(&recursion_.emplace(realm, loop_, proxies_ ? &proxies_->directory() : nullptr,
                                             salt_from(~surroundings_.seed), counters_,
                                             dns_times_.recursive));
  }
}

std::shared_ptr<const ReloadReport> Controller::reload(bool dry_run) {
  return reload_ ? reload_->ask(dry_run) : nullptr;
}

std::optional<std::string> Controller::objection(const ring::Snapshot& next) const {
  if (!pool_.room_for(pool_config(next)))
    return "pool.addresses: more than there is room for without a restart";
  return std::nullopt;
}

void Controller::retire(const ring::Snapshot& next) {
  const Instant now = surroundings_.clock.now();
  for (const HostId host : hosts_without_place(hosts_, next.realm)) {
    pool_.remove_host(host, now);
    hosts_.remove(host);
  }
  keep_what_fits(next);
  // What comes is not given out before the workers know it.
  auto stays = pool_config(*realm_);
  std::erase_if(stays.addresses, [&](const net::IpAddress& address) {
    const auto* own = next.own_address(address);
    return own == nullptr || !own->pool;
  });
  if (stays.addresses.size() != realm_->realm.pool.addresses.size()) pool_.change(stays, now);
}

std::vector<std::string> Controller::adopt(std::shared_ptr<const ring::Snapshot> next, dns::ZoneSet zones) {
  const Instant now = surroundings_.clock.now();
  realm_.replace(std::move(next));
  const auto& realm = realm_->realm;
  change_hosts(hosts_, realm, next_host_id_);
  names_.change(realm);
  updates_.realm_changed();
  pool_.change(pool_config(*realm_), now);
  guard_.change(realm.guard);
  responder_.replace(responder_config(), numbered(std::move(zones), now));
  algs_.realm_changed();
  hosts_changed_ = true;
  routers_.clear();
  watch_.end_states(Trouble::router_lost, now);
  if (pcp_) pcp_->realm_changed(now);
  // What others may refuse: the workers have changed, so the rest goes on.
  std::vector<std::string> failures;
  const auto attempt = [&](std::string_view what, auto&& change) {
    try {
      change();
    } catch (const std::exception& error) {
      failures.push_back(std::string{what} + ": " + error.what());
    }
  };
  attempt("dns.upstreams", [&] { set_up_recursion(); });
  attempt("routes", [&] { links_.realm_changed(); });
  attempt("www", [&] { publish_www(); });
  return failures;
}

void Controller::tell_of_hosts() {
  if (std::exchange(hosts_changed_, false) && surroundings_.hosts_changed) surroundings_.hosts_changed();
}

DynamicHosts::Listener Controller::listener_of_hosts() {
  return {.next_id = [this] { return HostId{next_host_id_++}; },
          .leaves =
              [this](HostId host) {
                // A worker may have let a session in of which control has not heard yet.
                reserved_ = pool_.reservations_of(host) != 0;
                pool_.remove_host(host, surroundings_.clock.now());
              },
          .vacant =
              [this](const net::IpAddress& inside) {
                if (reserved_ || claimants_.has(inside)) evictions_.add(inside);
              },
          .changed = [this] { hosts_changed_ = true; }};
}

/// The realm file has the first word: what updates have made gives way to it.
void Controller::keep_what_fits(const ring::Snapshot& snapshot) {
  if (!dynamic_.any()) return;
  std::unordered_set<std::string_view> written;
  for (const auto& host : snapshot.realm.hosts) written.insert(host.name);
  dynamic_.keep_only([&](const DynamicHost& host) {
    return !written.contains(host.name) && UpdateService::fits(host, snapshot);
  });
}

// What could not be written is tried again by `watch`.
void Controller::publish_www() {
  www_written_ = false;
  write_www_config(realm_->realm);
  www_written_ = true;
}

std::vector<std::string> Controller::www_failure() {
  try {
    if (!www_written_) publish_www();
    return {};
  } catch (const std::exception& error) {
    return {error.what()};
  }
}

nat::Ownership Controller::ownership() const {
  return {static_cast<unsigned>(workers_.size()), salt_from(surroundings_.shared_seed)};
}

Controller::~Controller() {
  links_.drain();
  algs_.drain();
}

bool Controller::step(std::chrono::microseconds patience) {
  workers_.flush();
  Instant now = surroundings_.clock.now();
  bool busy = false;
  for (std::uint8_t worker = 0; worker < workers_.size(); ++worker) {
    if (take_events(WorkerId{worker}, now)) busy = true;
  }
  if (links_.step(now)) busy = true;
  if (algs_.step(now)) busy = true;
  if (reload_ && reload_->step()) busy = true;
  if (evictions_.step()) busy = true;
  if (ctl_ && ctl_->step(now)) busy = true;
  captures_.tick();
  if (loop_.wait(busy ? std::chrono::microseconds{0} : patience) > 0) busy = true;
  now = surroundings_.clock.now();
  pool_.expire(now);
  answer_waits();
  dns_.tick(now);
  if (recursion_) recursion_->tick(now);
  if (pcp_) pcp_->tick(now);
  dynamic_.tick();
  tell_of_hosts();
  look_at_links(now);
  watch(now);
  return busy;
}

namespace {

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

}  // namespace

bool Controller::take_events(WorkerId worker, Instant now) {
  auto& ring = workers_.rings(worker).events_to_control;
  const Overloaded handle{
      [&](const ring::Claimed& claimed) {
        const auto& [external, service, inside] = claimed.used;
        pool_.claimed(claimed.reservation, claimed.claim, now);
        // Of a host that has left the realm meanwhile nobody is lent anything: its session ends soon.
        if (const auto host = claimants_.began(inside, hosts_)) pool_.session_began(external, service, *host);
      },
      [&](const ring::ClaimedEnded& ended) {
        const auto& [external, service, inside] = ended.used;
        if (const auto host = claimants_.ended(inside)) pool_.session_ended(external, service, *host, now);
      },
      [&](const ring::SessionsPageFilled& page) { session_pages_.filled(page); },
      [&](const ring::UseFilled& answer) { survey_.filled(answer); },
      [&](const ring::SessionsDeleted& part) { session_deletion_.heard(part); },
      [&](const ring::MappingsPageFilled& page) { mapping_pages_.filled(page); },
      [&](const ring::PinholesPageFilled& page) { pinhole_pages_.filled(page); },
      [&](const ring::ProxyUse& use) {
        if (proxies_) proxies_->hear(use);
      },
      [&](const ring::InspectionBegun& begun) { algs_.begun(begun); },
      [&](const ring::InspectionEnded& ended) { algs_.ended(ended); },
      [&](const ring::PinholeEnded& ended) { algs_.ended(ended); },
      [&](const ring::RealmExchanged& exchanged) { reload_->exchanged(exchanged); },
      [&](const ring::RealmSwept& swept) { reload_->swept(swept); },
      [&](const ring::PortReleased& released) { port_return_.heard(released); },
      [&](const ring::MapAnswered& answered) {
        if (pcp_) pcp_->answered(answered);
      },
  };
  bool busy = false;
  ring::ToControl event;
  for (unsigned i = 0; i < events_per_turn && ring.pop(event); ++i) {
    busy = true;
    std::visit(handle, event);
  }
  return busy;
}

void Controller::answer_waits() {
  for (const auto& [ticket, address] : pool_relay_.take_ended()) dns_.complete(ticket, address);
}

void Controller::look_at_links(Instant now) {
  if (now < next_look_) return;
  const bool first = next_look_ == started_;
  next_look_ = now + link_interval;
  for (const auto& port : realm_->ports) {
    PortStatus& known = port_status_[port.id.value()];
    const bool was_up = known.link_up;
    known = surroundings_.ports.status(port.id);
    if (first || known.link_up != was_up) workers_.broadcast(ring::LinkState{port.id, known.link_up});
    port_return_.look(port.id, known.fault);
  }
}

void Controller::watch(Instant now) {
  if (now < next_watch_) return;
  next_watch_ = now + Watch::interval;
  std::vector<const CounterBlock*> threads{&counters_};
  for (std::uint8_t worker = 0; worker < workers_.size(); ++worker)
    threads.push_back(&workers_.counters(WorkerId{worker}));
  watch_.look(threads, now);
  busy_shares_.look(worker_turns(), now);
  for (const auto& port : realm_->ports)
    watch_.state(Trouble::link_down, port.name, !port_status_[port.id.value()].link_up, now);
  // A router that nobody has needed yet is not lost.
  for (const auto& route : realm_->realm.routes) {
    const ring::NextHop* way = realm_->route(route.via);
    if (way == nullptr) continue;
    const bool known = links_.neighbours().knows(way->port, route.via);
    if (known) routers_.insert(route.via);
    watch_.state(Trouble::router_lost, route.via.to_string(), !known && routers_.contains(route.via), now);
  }
  std::vector<std::string> dead;
  if (recursion_) dead = recursion_->dead_upstreams();
  watch_.states(Trouble::upstream_dead, dead, now);
  watch_.states(Trouble::www_not_written, www_failure(), now);
  std::vector<std::string> stuck;
  if (surroundings_.session_log != nullptr) {
    const auto log = surroundings_.session_log->status();
    for (const auto* sink : {&log.file, &log.collector}) {
      if (*sink && !(*sink)->trouble.empty()) stuck.push_back((*sink)->name);
    }
  }
  watch_.states(Trouble::session_log_stuck, stuck, now);
  if (now < next_kernel_look_) return;
  next_kernel_look_ = now + kernel_interval;
  watch_.states(Trouble::kernel_forwards, surroundings_.ports.bypasses(), now);
}

std::vector<NamedCounters> Controller::worker_counters() const {
  std::vector<NamedCounters> threads;
  for (std::uint8_t worker = 0; worker < workers_.size(); ++worker) {
    threads.push_back({"worker" + std::to_string(worker), &workers_.counters(WorkerId{worker})});
  }
  return threads;
}

std::string Controller::status() const {
  return status_report({*realm_, surroundings_.version, surroundings_.clock.now() - started_,
                        worker_counters(), port_status_, surroundings_.packets->size, free_packets(),
                        links_.neighbours().size(), pool_.use(), busy_shares_});
}

unsigned Controller::free_packets() const {
  return rte_mempool_avail_count(surroundings_.packets);
}

std::vector<const TurnMeter*> Controller::worker_turns() const {
  std::vector<const TurnMeter*> turns;
  for (std::uint8_t worker = 0; worker < workers_.size(); ++worker)
    turns.push_back(workers_.turns(WorkerId{worker}));
  return turns;
}

std::string Controller::metrics() const {
  return metrics_report({.snapshot = *realm_,
                         .version = surroundings_.version,
                         .started_at = surroundings_.started_at,
                         .started = started_,
                         .now = surroundings_.clock.now(),
                         .workers = worker_counters(),
                         .control = counters_,
                         .turns = worker_turns(),
                         .uses = survey_.uses(),
                         .ports = port_status_,
                         .packet_buffers = surroundings_.packets->size,
                         .packet_buffers_free = free_packets(),
                         .pool = pool_,
                         .dns_times = dns_times_,
                         .recursion = recursion_ ? &*recursion_ : nullptr,
                         .watch = watch_,
                         .reloads = reloads_,
                         .session_log = surroundings_.session_log});
}

}  // namespace rgw::control
