// realmgwd: reads its command line and its realm file, and runs the gateway until it is told to stop.
#include "realmgw/app/daemon.hpp"
#include "realmgw/app/here.hpp"
#include "realmgw/app/log.hpp"
#include "realmgw/app/notify.hpp"
#include "realmgw/app/options.hpp"
#include "realmgw/app/realm_file.hpp"
#include "realmgw/app/version.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <poll.h>
#include <pthread.h>
#include <string>
#include <sys/signalfd.h>

namespace {

using namespace rgw;

enum ExitStatus : int { success = 0, failure = 1, bad_usage = 2 };

/// SIGTERM, SIGINT and SIGHUP as a descriptor. Blocked here, before any thread starts, they are blocked in
/// all. What else ends a process by default and may come by chance is ignored: from a reader of the log that
/// died, or by a slip of `kill`.
control::FileDescriptor awaited_signals() {
  for (const int chance : {SIGPIPE, SIGUSR1, SIGUSR2}) std::signal(chance, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int awaited : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, awaited);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return control::checked(signalfd(-1, &signals, SFD_CLOEXEC), "signalfd");
}

/// The signal that asked to stop; nothing where a thread failed. SIGHUP asks for a reload.
std::optional<int> wait_for_end(const control::FileDescriptor& signals, app::Daemon& daemon) {
  std::array<pollfd, 2> waits{{{signals.get(), POLLIN, 0}, {daemon.failure_fd(), POLLIN, 0}}};
  for (;;) {
    while (poll(waits.data(), waits.size(), -1) < 0) {
    }
    signalfd_siginfo signal{};
    if ((waits[0].revents & POLLIN) == 0 || read(signals.get(), &signal, sizeof signal) != sizeof signal) {
      return std::nullopt;
    }
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

int serve(const app::DaemonOptions& options) {
  using app::log;
  using app::LogMessage;
  app::start_log(options.log_level);
  const std::uint32_t sessions = app::default_sessions(app::usable_memory());
  auto loaded = app::load_realm(options.file, sessions);
  for (const auto& warning : loaded.warnings) log(LogMessage::realm_file_doubt, warning.to_string());
  for (const auto& problem : loaded.problems) log(LogMessage::realm_file_mistake, problem.to_string());
  if (!loaded.realm) {
    log(LogMessage::realm_file_bad);
    return failure;
  }
  const auto signals = awaited_signals();
  std::optional<int> signal;
  std::chrono::steady_clock::time_point told;
  try {
    app::Daemon daemon{std::move(*loaded.realm),
                       [&options, sessions] { return app::load_realm(options.file, sessions); }};
    daemon.start();
    log(LogMessage::ready);
    app::notify_service_manager("READY=1");
    signal = wait_for_end(signals, daemon);
    told = std::chrono::steady_clock::now();
    app::notify_service_manager("STOPPING=1");
    if (signal) log(LogMessage::stopping, strsignal(*signal));
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
