#include "realmgw/app/daemon.hpp"

#include "realmgw/app/buffers.hpp"
#include "realmgw/app/device_name.hpp"
#include "realmgw/app/here.hpp"
#include "realmgw/app/log.hpp"
#include "realmgw/app/notify.hpp"
#include "realmgw/app/troubles.hpp"
#include "realmgw/app/version.hpp"
#include "realmgw/base/random.hpp"
#include "realmgw/control/tap.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <rte_mempool.h>

namespace rgw::app {

namespace {

using config::Workers;

/// What the control thread waits at most for a descriptor: the rings wake nobody, so this is also what a
/// worker's packet may wait for it.
constexpr std::chrono::microseconds control_patience{200};

dataplane::EalOptions eal_options(const config::Realm& realm) {
  dataplane::EalOptions options;
  const std::size_t needed = packet_memory_mib(realm);
  const std::size_t free_mib = dataplane::Eal::huge_pages_mib();
  options.huge_pages = free_mib >= needed;
  options.memory_mib = static_cast<unsigned>(needed);
  if (free_mib == 0) {
    log(LogMessage::no_huge_pages);
  } else if (!options.huge_pages) {
    log(LogMessage::few_huge_pages, free_mib, needed);
  }
  for (const auto& port : realm.ports) {
    if (is_card(port.device)) options.pci.push_back(card_address(port.device));
  }
  return options;
}

std::vector<ring::PortFacts> facts(const std::vector<std::unique_ptr<dataplane::Port>>& ports) {
  std::vector<ring::PortFacts> all;
  for (const auto& port : ports) all.push_back(port->facts());
  return all;
}

/// The service manager shows the service as reloading until it hears of the end.
void tell_of_reload() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  notify_service_manager("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

void log_end_of_reload(const control::ReloadReport& report) {
  using Result = control::ReloadReport::Result;
  for (const auto& warning : report.warnings) log(LogMessage::realm_file_doubt, warning);
  for (const auto& problem : report.problems) log(LogMessage::reload_refused, problem);
  if (report.result == Result::restart) {
    for (const auto& difference : report.differences) {
      if (difference.change == config::Change::restart)
        log(LogMessage::reload_refused, difference.key + " needs a restart");
    }
  }
  if (report.result == Result::reloaded || report.result == Result::unchanged)
    log(LogMessage::reloaded, report.differences.size(), report.sessions_ended);
  notify_service_manager("READY=1");
}

void log_library(dataplane::LibraryLog::Severity severity, std::string_view library, std::string_view line) {
  using Severity = dataplane::LibraryLog::Severity;
  const auto message = severity == Severity::error     ? LogMessage::library_error
                       : severity == Severity::warning ? LogMessage::library_warning
                                                       : LogMessage::library_notice;
  log(message, library, line);
}

/// The realm, unless this machine cannot serve it: better told by its cause now than by a driver later.
const config::Realm& possible(const config::Realm& realm) {
  const auto found = obstacles(realm, this_machine());
  if (found.empty()) return realm;
  for (const auto& one : std::span{found}.first(found.size() - 1))
    log(LogMessage::start_failed, one.to_line());
  throw std::runtime_error{found.back().to_line()};
}

}  // namespace

Daemon::Daemon(config::Realm realm, Source source, const BetweenSteps& between_steps)
    : workers_config_{possible(realm).workers},
      worker_count_{worker_count(realm.workers)},
      locks_{realm.ports},
      library_log_{log_library},
      eal_{(between_steps(), eal_options(realm))},
      packets_{(between_steps(), dataplane::make_packet_pool(packet_count(realm), buffer_use(realm)))},
      peers_{worker_count_},
      capture_points_{ports_, workers_, threads_} {
  for (std::size_t i = 0; i < realm.ports.size(); ++i) {
    between_steps();
    const PortId id{static_cast<std::uint8_t>(i)};
    ports_.push_back(std::make_unique<dataplane::Port>(id, realm.ports[i], worker_count_, packets_.get()));
  }
  probe_ = std::make_unique<PortProbe>(ports_, realm.ports, locks_);
  const std::shared_ptr<const ring::Snapshot> snapshot = ring::make_snapshot(std::move(realm), facts(ports_));

  if (snapshot->realm.session_log.on())
    session_log_ = std::make_unique<session_log::SessionLog>(session_log::SessionLog::Parts{
        .what = snapshot->realm.session_log, .workers = worker_count_, .version = version, .clock = &clock_});
  std::vector<control::WorkerLink> links;
  const std::uint64_t shared_seed = Random::kernel_seed();
  for (unsigned number = 0; number < worker_count_; ++number) {
    between_steps();
    const WorkerId id{static_cast<std::uint8_t>(number)};
    rings_.push_back(std::make_unique<ring::ControlRings>(id));
    dataplane::WorkerParts parts{id,
                                 snapshot,
                                 ports_,
                                 &peers_,
                                 rings_.back().get(),
                                 packets_.get(),
                                 &clock_,
                                 Random::kernel_seed(),
                                 shared_seed};
    workers_.push_back(std::make_unique<dataplane::Worker>(parts));
    if (session_log_) keep_session_log(*workers_.back());
    const auto next_realm = [&worker = *workers_.back()](std::shared_ptr<const ring::Snapshot> next) {
      return worker.next_realm(std::move(next));
    };
    links.push_back(
        {rings_.back().get(), &workers_.back()->counters(), next_realm, &workers_.back()->turns()});
  }
  between_steps();
  const auto make_tap = [](const ring::PortFacts& port) { return std::make_unique<control::Tap>(port); };
  controller_ =
      std::make_unique<control::Controller>(control::Surroundings{clock_,
                                                                  snapshot,
                                                                  std::move(links),
                                                                  packets_.get(),
                                                                  *probe_,
                                                                  make_tap,
                                                                  Random::kernel_seed(),
                                                                  version,
                                                                  control::dns_endpoints(snapshot->realm),
                                                                  snapshot->realm.control_socket,
                                                                  shared_seed,
                                                                  control::pcp_endpoints(snapshot->realm),
                                                                  std::move(source.load),
                                                                  tell_of_reload,
                                                                  log_end_of_reload,
                                                                  std::move(source.added),
                                                                  log_trouble,
                                                                  std::chrono::system_clock::now(),
                                                                  &capture_points_,
                                                                  std::move(source.journal),
                                                                  {},
                                                                  {},
                                                                  session_log_.get()});
  log_start(snapshot->realm);
}

Daemon::~Daemon() {
  threads_.stop();
  controller_.reset();   // takes its packets out of the rings
  session_log_.reset();  // writes what the workers have told
  probe_.reset();        // waits for a device that is being opened
  workers_.clear();
  // AF_XDP's driver keeps what lies in its rings for good, and the process ends soon.
  const bool keeps =
      std::ranges::any_of(ports_, [](const auto& port) { return port->driver() == "net_af_xdp"; });
  ports_.clear();
  const unsigned all = packets_->size;
  const unsigned back = rte_mempool_avail_count(packets_.get());
  if (back != all && !keeps) log(LogMessage::packets_missing, all - back, all);
}

void Daemon::start() {
  for (unsigned number = 0; number < worker_count_; ++number) start_worker(*workers_[number], number);
  start_control();
  // Not of the group: a disk that hangs is no reason to end the gateway.
  if (session_log_) session_log_->start();
  watchdog_.emplace(threads_, watchdog_patience());
}

void Daemon::keep_session_log(dataplane::Worker& worker) {
  dataplane::Context& context = worker.context();
  context.book.observe(*scribes_.emplace_back(std::make_unique<session_log::Scribe>(
      context.book, context.now, session_log_->what(), session_log_->lane(worker.id()), context.counters)));
}

void Daemon::start_control() {
  threads_.start("rgw-control", [this](ThreadGroup::Turns& turns) {
    const auto& core = workers_config_.control;
    const bool has_core = core && pin_to_cpu(*core);
    if (core && !has_core) log(LogMessage::not_pinned, "the control thread", *core);
    const dataplane::DpdkThread registered;
    // Polling on a core that is not its own, it would take what the workers poll on.
    const bool poll = has_core && workers_config_.idle == Workers::Idle::poll;
    while (turns.next()) {
      if (reload_asked_.exchange(false, std::memory_order_relaxed))
        static_cast<void>(controller_->reload(false));
      controller_->step(poll ? std::chrono::microseconds{0} : control_patience);
    }
  });
}

void Daemon::start_worker(dataplane::Worker& worker, unsigned number) {
  threads_.start("rgw-worker" + std::to_string(number), [this, &worker, number](ThreadGroup::Turns& turns) {
    const auto& cores = workers_config_.cores;
    if (!cores.empty() && !pin_to_cpu(cores[number]))
      log(LogMessage::not_pinned, "worker " + std::to_string(number), cores[number]);
    const dataplane::DpdkThread registered;
    if (workers_config_.idle == Workers::Idle::poll) {
      while (turns.next()) worker.step();
      return;
    }
    Rest rest;
    while (turns.next()) rest.after_poll(worker.step() > 0);
  });
}

void Daemon::log_start(const config::Realm& realm) const {
  log(LogMessage::starting, version, realm.name, ports_.size(), worker_count_,
      workers_config_.idle == Workers::Idle::poll ? "polling" : "resting when idle");
  for (const auto& port : ports_) {
    const auto& facts = port->facts();
    log(LogMessage::port_open, facts.name, realm.ports[facts.id.value()].device, port->driver(),
        facts.mac.to_string(), port->queues());
  }
  for (const auto& endpoint : controller_->dns_listening())
    log(LogMessage::dns_listening, endpoint.to_string());
}

}  // namespace rgw::app
