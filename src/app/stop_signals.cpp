#include "realmgw/app/stop_signals.hpp"

#include <csignal>

namespace rgw::app {
namespace {

volatile std::sig_atomic_t signalled = 0;

}  // namespace

void heed_stop_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { signalled = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

bool stop_signalled() {
  return signalled != 0;
}

}  // namespace rgw::app
