// realmgwd: reads its command line and its realm file, and runs the gateway until it is told to stop.
#include "realmgw/app/daemon.hpp"
#include "realmgw/app/here.hpp"
#include "realmgw/app/log.hpp"
#include "realmgw/app/notify.hpp"
#include "realmgw/app/options.hpp"
#include "realmgw/app/realm_file.hpp"
#include "realmgw/app/version.hpp"
#include "realmgw/config/host_file.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <poll.h>
#include <pthread.h>
#include <string>
#include <sys/signalfd.h>

namespace {

using namespace rgw;

enum ExitStatus : int { success = 0, failure = 1, bad_usage = 2, bad_realm_file = 78 /* EX_CONFIG */ };

constexpr std::array end_signals{SIGTERM, SIGINT};

/// SIGTERM, SIGINT and SIGHUP as a descriptor. Blocked here, before any thread starts, they are blocked in
/// all. What else ends a process by default and may come by chance is ignored: from a reader of the log that
/// died, or by a slip of `kill`.
FileDescriptor awaited_signals() {
  for (const int chance : {SIGPIPE, SIGUSR1, SIGUSR2}) std::signal(chance, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int end : end_signals) sigaddset(&signals, end);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return checked(signalfd(-1, &signals, SFD_CLOEXEC), "signalfd");
}

/// A signal that has asked to stop while the daemon was starting.
struct StartInterrupted {
  int signal;
};

/// The signal stays pending, and so does a SIGHUP for the time after the start.
void obey_end_signals() {
  sigset_t pending;
  sigpending(&pending);
  for (const int end : end_signals) {
    if (sigismember(&pending, end) == 1) throw StartInterrupted{end};
  }
}

/// The signal that asked to stop; nothing where a thread failed. SIGHUP asks for a reload.
std::optional<int> wait_for_end(const FileDescriptor& signals, app::Daemon& daemon) {
  std::array<pollfd, 3> waits{
      {{signals.get(), POLLIN, 0}, {daemon.failure_fd(), POLLIN, 0}, {daemon.look_due_fd(), POLLIN, 0}}};
  const auto& [signalled, failed, look_due] = waits;
  for (;;) {
    while (poll(waits.data(), waits.size(), -1) < 0) {
    }
    if ((failed.revents & POLLIN) != 0) return std::nullopt;
    if ((look_due.revents & POLLIN) != 0) daemon.look_at_threads();
    if ((signalled.revents & POLLIN) == 0) continue;
    signalfd_siginfo signal{};
    if (read(signals.get(), &signal, sizeof signal) != sizeof signal) return std::nullopt;
    if (signal.ssi_signo != SIGHUP) return static_cast<int>(signal.ssi_signo);
    daemon.reload();
  }
}

int check_machine(const config::Realm& realm) {
  const auto found = app::check_here(realm, app::this_machine());
  std::fflush(stdout);
  std::fputs(app::to_string(found).c_str(), stderr);
  if (found.empty()) std::puts("this machine: nothing is missing");
  const bool starts = std::ranges::none_of(
      found, [](const app::Finding& one) { return one.weight == app::Finding::Weight::error; });
  return starts ? success : failure;
}

int check(const app::DaemonOptions& options) {
  const auto loaded = app::load_realm(options.file);
  std::fputs(loaded.to_string().c_str(), stderr);
  if (!loaded.realm) return failure;
  std::printf("%s: no mistake found\n", options.file.c_str());
  return options.here ? check_machine(*loaded.realm) : success;
}

/// The hosts that were added at run time, as the state directory has them. A file that cannot be read is put
/// aside, so that the gateway starts, and so that the next host that is added does not overwrite it.
control::HostBook added_hosts(const std::filesystem::path& state) {
  if (state.empty()) return {{}, {}};
  const auto file = state / "hosts.yaml";
  auto read = config::load_hosts(file);
  if (!read.problems.empty()) {
    std::error_code ignored;
    std::filesystem::rename(file, file.string() + ".broken", ignored);
    for (const auto& problem : read.problems)
      app::log(app::LogMessage::hosts_put_aside, file.string(), problem.message, file.string());
  }
  return {file, std::move(read.hosts)};
}

/// What updates have made, as the state directory has it (DNS-6). Without one nobody updates anything.
std::unique_ptr<control::HostJournal> journal_in(const std::filesystem::path& state) {
  if (state.empty()) return nullptr;
  auto journal = std::make_unique<control::HostJournal>(state / "dynamic-hosts");
  if (journal->unreadable() > 0)
    app::log(app::LogMessage::updates_unreadable, journal->base().string(), journal->unreadable());
  return journal;
}

int serve(const app::DaemonOptions& options) {
  using app::log;
  using app::LogMessage;
  const auto signals = awaited_signals();
  app::start_log(options.log_level);
  const std::uint32_t sessions = app::default_sessions(app::usable_memory());
  app::Daemon::Source source{
      [&options, sessions](const auto& added) { return app::load_realm(options.file, sessions, added); },
      added_hosts(options.state), nullptr};
  auto loaded = control::load_with_added(source.load, source.added.hosts());
  for (const auto& warning : loaded.warnings) log(LogMessage::realm_file_doubt, warning.to_string());
  for (const auto& problem : loaded.problems) log(LogMessage::realm_file_mistake, problem.to_string());
  if (!loaded.realm) {
    log(LogMessage::realm_file_bad);
    return bad_realm_file;
  }
  std::optional<int> signal;
  std::chrono::steady_clock::time_point told;
  const auto stopping = [&told](std::optional<int> by) {
    told = std::chrono::steady_clock::now();
    app::notify_service_manager("STOPPING=1");
    if (by) log(LogMessage::stopping, strsignal(*by));
  };
  try {
    obey_end_signals();
    const std::string name = loaded.realm->name;
    source.journal = journal_in(options.state);
    app::Daemon daemon{std::move(*loaded.realm), std::move(source), obey_end_signals};
    obey_end_signals();
    daemon.start();
    log(LogMessage::ready);
    app::notify_service_manager("READY=1\nSTATUS=serves the realm " + name);
    signal = wait_for_end(signals, daemon);
    stopping(signal);
  } catch (const StartInterrupted& interrupted) {
    signal = interrupted.signal;
    stopping(signal);
  } catch (const std::exception& error) {
    log(LogMessage::start_failed, error.what());
    return failure;
  }
  const auto took = std::chrono::steady_clock::now() - told;
  log(LogMessage::stopped, std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  return signal ? success : failure;
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = app::parse_daemon_options(argc, argv);
  if (const auto* mistake = std::get_if<std::string>(&parsed)) {
    std::fprintf(stderr, "realmgwd: %s\nTry 'realmgwd --help'.\n", mistake->c_str());
    return bad_usage;
  }
  const auto& options = std::get<app::DaemonOptions>(parsed);
  using Mode = app::DaemonOptions::Mode;
  switch (options.mode) {
    case Mode::help:
      std::fputs(app::daemon_help, stdout);
      return success;
    case Mode::version:
      std::printf("realmgwd %s\n", app::version);
      return success;
    case Mode::check:
      return check(options);
    case Mode::run:
      return serve(options);
  }
  return failure;
}
