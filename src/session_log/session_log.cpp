#include "realmgw/session_log/session_log.hpp"

#include <pthread.h>
#include <utility>

namespace rgw::session_log {
namespace {

using namespace std::chrono_literals;
using Event = Record::Event;

constexpr std::size_t records_a_turn = 4'096;  ///< of one lane
constexpr auto rest = 2ms, long_rest = 20ms;

std::string_view name(nat::SessionInfo::Origin origin) {
  switch (origin) {
    case nat::SessionInfo::Origin::outbound:
      return "outbound";
    case nat::SessionInfo::Origin::inbound:
      return "inbound";
    case nat::SessionInfo::Origin::local:
      break;
  }
  return "local";
}

std::string_view name(nat::Ground ground) {
  switch (ground) {
    case nat::Ground::port:
      return "port";
    case nat::Ground::mapping:
      return "mapping";
    case nat::Ground::static_mapping:
      return "forward";
    case nat::Ground::pinhole:
      return "pinhole";
    case nat::Ground::claim:
    case nat::Ground::pledge:  // at its beginning, of TCP
      return "claim";
    case nat::Ground::none:
      break;
  }
  return "none";
}

Entry block_entry(WallTime time, const Record& record) {
  const BlockPorts ports{record.external.port, record.remote.port,
                         static_cast<std::uint16_t>(record.session)};
  return {time,
          record.event == Event::block_begin ? "block-begin" : "block-end",
          {{"host", record.host.address.to_string()},
           {"external", record.external.address.to_string()},
           {"ports", ports.to_string()}}};
}

Entry session_entry(WallTime time, const Record& record, bool destinations) {
  Entry entry{time,
              record.event == Event::session_begin ? "session-begin" : "session-end",
              {{"proto", net::to_string(record.protocol)},
               {"host", record.host.to_string()},
               {"external", record.external.to_string()}}};
  const auto add = [&](std::string_view field, std::string value) {
    entry.fields.emplace_back(field, std::move(value));
  };
  if (destinations) add("remote", record.remote.to_string());
  add("by", std::string{name(record.origin)});
  add("ground", std::string{name(record.ground)});
  add("id", std::to_string(record.worker) + "." + std::to_string(record.session));
  if (record.event == Event::session_end) {
    add("began", to_text(time - std::chrono::floor<std::chrono::microseconds>(record.age)));
    add("why", std::string{info(record.why).name});
  }
  return entry;
}

}  // namespace

SessionLog::SessionLog(Parts parts) : parts_{std::move(parts)}, told_lost_(parts_.workers) {
  for (unsigned i = 0; i < parts_.workers; ++i) lanes_.push_back(std::make_unique<Lane>(parts_.lane_room));
  if (!parts_.wall_clock)
    parts_.wall_clock = [] {
      return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    };
  const auto& what = parts_.what;
  if (!what.file.empty()) file_.emplace(LogFile::Rules{what.file, what.rotate_size, what.rotate_keep});
  if (what.syslog) collector_ = std::make_unique<Collector>(Collector::Rules{*what.syslog, what.ca_file});
  now_ = last_look_ = parts_.wall_clock();
  put({now_,
       "log-begin",
       {{"version", parts_.version},
        {"per", what.per == config::SessionLog::Per::block ? "block" : "session"},
        {"destinations", what.destinations ? "yes" : "no"},
        {"workers", std::to_string(parts_.workers)}}});
  step();
}

SessionLog::~SessionLog() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock{mutex_};
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  while (step()) {
  }
  put({now_, "log-end", {}});
  step();
}

void SessionLog::start() {
  thread_ = std::thread{[this] {
    pthread_setname_np(pthread_self(), "rgw-sessionlog");
    run();
  }};
}

void SessionLog::run() {
  for (unsigned idle = 0;;) {
    idle = step() ? 0 : idle + 1;
    std::unique_lock lock{mutex_};
    if (wake_.wait_for(lock, idle > 50 ? long_rest : rest, [this] { return stop_; })) return;
  }
}

WallTime SessionLog::wall_time(Instant instant) const {
  return now_ - std::chrono::floor<std::chrono::microseconds>(at_ - instant);
}

bool SessionLog::step() {
  now_ = parts_.wall_clock();
  at_ = parts_.clock->now();
  std::size_t count = 0;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const std::uint64_t lost = lanes_[i]->lost();
    count += lanes_[i]->take(records_a_turn, [this](const Record& record) { take(record); });
    if (const auto fresh = lost - std::exchange(told_lost_[i], lost); fresh != 0) {
      if (file_) file_->lost(fresh, last_look_, now_);
      if (collector_) collector_->lost(fresh, last_look_, now_);
    }
  }
  last_look_ = now_;
  if (file_) file_->flush(now_);
  if (collector_) collector_->flush();
  const std::lock_guard lock{mutex_};
  if (file_) file_status_ = file_->status();
  return count != 0;
}

void SessionLog::put(const Entry& entry) {
  if (file_) file_->put(entry);
  if (collector_) collector_->put(entry);
}

void SessionLog::take(const Record& record) {
  const WallTime time = wall_time(record.at);
  const bool of_block = record.event == Event::block_begin || record.event == Event::block_end;
  put(of_block ? block_entry(time, record) : session_entry(time, record, parts_.what.destinations));
}

SessionLog::Status SessionLog::status() const {
  Status status;
  if (collector_) status.collector = collector_->status();
  const std::lock_guard lock{mutex_};
  status.file = file_status_;
  return status;
}

}  // namespace rgw::session_log
