#include "realmgw/session_log/collector.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <pthread.h>
#include <stdexcept>
#include <unistd.h>

#include "connection.hpp"

namespace rgw::session_log {
namespace {

using Transport = config::SessionLog::Collector::Transport;
using namespace std::chrono_literals;

constexpr std::size_t messages_at_once = 512;
constexpr auto first_pause = 1s, longest_pause = 8s, last_words = 2s;

/// RFC 5424 section 6.2.4: printable, without blanks; "-" where there is none.
std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "-";
  return name.data();
}

}  // namespace

struct Collector::Tls {
  TlsContext context;
};

Collector::Collector(Rules rules, std::size_t most)
    : rules_{std::move(rules)}, most_{most}, host_{host_name()}, process_{getpid()} {
  if (rules_.where.transport == Transport::tls)
    tls_ = std::make_unique<Tls>(make_tls_context(rules_.ca_file));
  thread_ = std::thread{[this] {
    pthread_setname_np(pthread_self(), "rgw-syslog");
    // OpenSSL writes by write(2), and a peer that is gone must not end the process.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    run();
  }};
}

Collector::~Collector() {
  {
    std::unique_lock lock{mutex_};
    wake_.notify_one();
    if (trouble_.empty()) empty_.wait_for(lock, last_words, [this] { return waiting_bytes_ == 0; });
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Collector::put(const Entry& entry) {
  const auto add = [&](const Entry& one) {
    waiting_.push_back(syslog_message(one, host_, process_));
    waiting_bytes_ += waiting_.back().size();
  };
  const std::lock_guard lock{mutex_};
  if (losses_.untold() && waiting_bytes_ < most_ / 2) {
    add(entry_of(*losses_.untold()));
    losses_.told();
  }
  if (waiting_bytes_ < most_) {
    add(entry);
  } else {
    losses_.add(1, entry.time, entry.time);
  }
}

void Collector::lost(std::uint64_t count, WallTime since, WallTime until) {
  const std::lock_guard lock{mutex_};
  losses_.add(count, since, until);
}

void Collector::flush() {
  const std::lock_guard lock{mutex_};
  if (losses_.untold() && waiting_bytes_ < most_ / 2) {
    waiting_.push_back(syslog_message(entry_of(*losses_.untold()), host_, process_));
    waiting_bytes_ += waiting_.back().size();
    losses_.told();
  }
  if (!waiting_.empty()) wake_.notify_one();
}

SinkStatus Collector::status() const {
  const std::lock_guard lock{mutex_};
  return {rules_.where.to_string(), records_, losses_.all(), waiting_bytes_, trouble_};
}

void Collector::run() {
  for (auto pause = first_pause;;) {
    std::string trouble;
    try {
      if (!connection_) connection_ = connect_to(rules_.where, tls_ ? tls_->context.get() : nullptr);
      {
        const std::lock_guard lock{mutex_};
        trouble_.clear();
      }
      while (send_some()) pause = first_pause;
    } catch (const std::runtime_error& error) {
      trouble = error.what();
      connection_.reset();
    }
    std::unique_lock lock{mutex_};
    if (!trouble.empty()) {
      trouble_ = trouble;
      wake_.wait_for(lock, pause, [this] { return stop_; });
      pause = std::min(2 * pause, longest_pause);
    }
    if (stop_) return;
  }
}

/// Waits for messages, and sends some. False where it is to stop.
bool Collector::send_some() {
  if (sending_.empty()) {
    std::unique_lock lock{mutex_};
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return false;
    const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), messages_at_once));
    std::move(waiting_.begin(), waiting_.begin() + count, std::back_inserter(sending_));
    waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  }
  connection_->send(sending_);
  const std::lock_guard lock{mutex_};
  records_ += sending_.size();
  for (const auto& message : sending_) waiting_bytes_ -= message.size();
  sending_.clear();
  if (waiting_bytes_ == 0) empty_.notify_all();
  return true;
}

}  // namespace rgw::session_log
