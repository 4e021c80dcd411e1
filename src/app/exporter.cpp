// realmgw-exporter: serves the metrics of a running gateway to Prometheus.
#include "realmgw/app/exporter_options.hpp"
#include "realmgw/app/gateway_collector.hpp"
#include "realmgw/app/version.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <prometheus/exposer.h>
#include <pthread.h>
#include <string>
#include <variant>

namespace {

using namespace rgw::app;

enum ExitStatus : int { success = 0, failure = 1, bad_usage = 2 };

int serve(const ExporterOptions& options) {
  // Blocked before any thread starts, so that this one gets them.
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&ends, signal);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const auto collector = std::make_shared<GatewayCollector>(options);
  std::unique_ptr<prometheus::Exposer> exposer;
  try {
    exposer = std::make_unique<prometheus::Exposer>(options.listen);
  } catch (const std::exception&) {
    std::fprintf(
        stderr,
        "realmgw-exporter: cannot listen at %s: the port is in use, or the address not this machine's\n",
        options.listen.c_str());
    return failure;
  }
  exposer->RegisterCollectable(collector);
  const std::string address = options.listen.substr(0, options.listen.rfind(':'));
  std::fprintf(stderr, "realmgw-exporter: serves %s at http://%s:%d/metrics\n", options.socket.c_str(),
               address.c_str(), exposer->GetListeningPorts().front());
  int signal = 0;
  sigwait(&ends, &signal);
  return success;
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = parse_exporter_options(argc, argv);
  if (const auto* mistake = std::get_if<std::string>(&parsed)) {
    std::fprintf(stderr, "realmgw-exporter: %s\nTry 'realmgw-exporter --help'.\n", mistake->c_str());
    return bad_usage;
  }
  const auto& options = std::get<ExporterOptions>(parsed);
  switch (options.mode) {
    case ExporterOptions::Mode::help:
      std::fputs(exporter_help, stdout);
      return success;
    case ExporterOptions::Mode::version:
      std::printf("realmgw-exporter %s\n", version);
      return success;
    case ExporterOptions::Mode::run:
      return serve(options);
  }
  return failure;
}
