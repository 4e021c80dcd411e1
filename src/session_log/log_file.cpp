#include "realmgw/session_log/log_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rgw::session_log {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds look_interval{1};

fs::path former(const fs::path& file, std::uint32_t age) {
  return file.string() + "." + std::to_string(age);
}

}  // namespace

Entry entry_of(const Loss& loss) {
  return {loss.until, "lost", {{"count", std::to_string(loss.count)}, {"since", to_text(loss.since)}}};
}

LogFile::LogFile(Rules rules, std::size_t most) : rules_{std::move(rules)}, most_{most} {
  if (!open()) throw std::system_error{errno, std::generic_category(), rules_.file.string()};
}

bool LogFile::open() {
  // The group may read it: who had which port is nobody else's business.
  descriptor_ = FileDescriptor{::open(rules_.file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640)};
  struct stat facts {};
  if (!descriptor_ || ::fstat(descriptor_.get(), &facts) != 0) return false;
  size_ = static_cast<std::uint64_t>(facts.st_size);
  return true;
}

void LogFile::put(const Entry& entry) {
  const std::size_t before = waiting_.size();
  if (losses_.untold() && before < most_ / 2) tell_of_losses();
  if (before < most_) {
    append_line(waiting_, entry);
    ++waiting_records_;
  } else {
    losses_.add(1, entry.time, entry.time);
  }
}

void LogFile::tell_of_losses() {
  append_line(waiting_, entry_of(*losses_.untold()));
  losses_.told();
}

void LogFile::flush(WallTime now) {
  const bool due =
      now >= next_look_ || now + 2 * look_interval < next_look_;  // the clock may have been set back
  if (!trouble_.empty() && !due) return;
  if (due) next_look_ = now + look_interval;
  if (losses_.untold() && waiting_.size() < most_ / 2) tell_of_losses();
  if (due && !follow()) return;
  if (waiting_.empty()) return;
  if (rules_.rotate_size != 0 && size_ != 0 && size_ + waiting_.size() > rules_.rotate_size && !rotate())
    return;
  if (write()) trouble_.clear();
}

/// Somebody may have renamed the file, or cut it.
bool LogFile::follow() {
  struct stat named {
  }, held{};
  const bool there = ::stat(rules_.file.c_str(), &named) == 0;
  if (there && descriptor_ && ::fstat(descriptor_.get(), &held) == 0 && named.st_ino == held.st_ino &&
      named.st_dev == held.st_dev) {
    size_ = static_cast<std::uint64_t>(held.st_size);
    return true;
  }
  if (open()) return true;
  trouble_ = std::strerror(errno);
  return false;
}

bool LogFile::rotate() {
  std::error_code error;
  if (rules_.rotate_keep == 0) {
    fs::remove(rules_.file, error);
  } else {
    for (std::uint32_t age = rules_.rotate_keep; age-- > 1;) {
      if (fs::exists(former(rules_.file, age), error))
        fs::rename(former(rules_.file, age), former(rules_.file, age + 1), error);
    }
    fs::rename(rules_.file, former(rules_.file, 1), error);
  }
  if (error) {
    // The file grows on, for what is written late is better than what is lost. `follow` sees to another try.
    size_ = 0;
    return descriptor_ ? true : open();
  }
  if (open()) return true;
  trouble_ = std::strerror(errno);
  return false;
}

bool LogFile::write() {
  std::size_t written = 0;
  while (written < waiting_.size()) {
    const auto count = ::write(descriptor_.get(), waiting_.data() + written, waiting_.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      trouble_ = std::strerror(errno);
      break;
    }
    written += static_cast<std::size_t>(count);
  }
  size_ += written;
  if (written == waiting_.size()) {
    records_ += std::exchange(waiting_records_, 0);
    waiting_.clear();
    return true;
  }
  waiting_.erase(0, written);
  return false;
}

SinkStatus LogFile::status() const {
  return {rules_.file.string(), records_, losses_.all(), waiting_.size(), trouble_};
}

}  // namespace rgw::session_log
