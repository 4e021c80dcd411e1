#include "realmgw/control/host_journal.hpp"

#include "realmgw/control/file_write.hpp"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <pthread.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <variant>

namespace rgw::control {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds sync_interval{1};

FileDescriptor open_to_append(const fs::path& path) {
  return FileDescriptor{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640)};
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(file, text.data(), text.size());
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Of whom the line is: a later one of the same takes its place.
std::string owner_of(const DynamicLine& line) {
  if (const auto* host = std::get_if<DynamicHost>(&line)) return "host " + host->name;
  if (const auto* reverse = std::get_if<DynamicReverse>(&line))
    return "reverse " + reverse->address.to_string();
  return "key " + std::get<DynamicCommit>(line).key;
}

bool says_nothing(const DynamicLine& line) {
  if (const auto* host = std::get_if<DynamicHost>(&line)) return host->empty();
  if (const auto* reverse = std::get_if<DynamicReverse>(&line)) return reverse->empty();
  return false;
}

std::uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : size;
}

/// Lines by owner, the last one of each, of what was committed.
struct Reading {
  std::unordered_map<std::string, std::string>& lines;
  std::vector<std::string> open{};  ///< not committed yet
  std::size_t unreadable = 0;

  void take(const std::string& line) {
    const auto parsed = parse_dynamic_line(line);
    if (!parsed) {
      ++unreadable;
      return;
    }
    open.push_back(line);
    if (!std::holds_alternative<DynamicCommit>(*parsed)) return;
    for (auto& each : open) {
      const auto what = parse_dynamic_line(each).value();
      if (says_nothing(what)) {
        lines.erase(owner_of(what));
      } else {
        lines[owner_of(what)] = std::move(each);
      }
    }
    open.clear();
  }
};

}  // namespace

HostJournal::HostJournal(fs::path base, std::uint64_t least)
    : base_{std::move(base)},
      journal_path_{base_.string() + ".journal"},
      old_path_{base_.string() + ".journal.old"},
      least_{least} {
  Lines lines;
  read(base_, lines);
  read(old_path_, lines);
  const auto whole = read(journal_path_, lines);
  if (unreadable_ > 0) {
    std::error_code ignored;
    for (const auto& path : {base_, old_path_, journal_path_})
      fs::copy_file(path, path.string() + ".broken", fs::copy_options::overwrite_existing, ignored);
  }
  for (auto& [owner, line] : lines) {
    auto what = parse_dynamic_line(line).value();
    if (auto* host = std::get_if<DynamicHost>(&what)) kept_.hosts.push_back(std::move(*host));
    if (auto* reverse = std::get_if<DynamicReverse>(&what)) kept_.reverses.push_back(std::move(*reverse));
    if (auto* commit = std::get_if<DynamicCommit>(&what)) kept_.keys.push_back(std::move(*commit));
  }
  journal_ = open_to_append(journal_path_);
  if (!journal_) throw last_error(journal_path_.string());
  // What a crash has cut short would spoil the line that comes behind it.
  if (size_of(journal_path_) > whole && ::ftruncate(journal_.get(), static_cast<off_t>(whole)) != 0)
    throw last_error(journal_path_.string());
  journal_size_ = whole;
  base_size_ = size_of(base_);
  synced_ = checked(::dup(journal_.get()), journal_path_.string());
  if (std::error_code error; fs::exists(old_path_, error)) folding_ = due_ = true;
  thread_ = std::jthread{[this] {
    pthread_setname_np(pthread_self(), "rgw-journal");
    work();
  }};
}

HostJournal::~HostJournal() {
  {
    const std::lock_guard lock{mutex_};
    stop_ = true;
  }
  wake_.notify_one();
}

/// How many bytes of the file end with a commit.
std::size_t HostJournal::read(const fs::path& file, Lines& lines) {
  std::ifstream in{file, std::ios::binary};
  Reading reading{lines};
  std::size_t at = 0, whole = 0;
  for (std::string line; std::getline(in, line);) {
    if (in.eof()) break;  // no end of the line: cut short
    at += line.size() + 1;
    reading.take(line);
    if (reading.open.empty()) whole = at;
  }
  unreadable_ += reading.unreadable;
  return whole;
}

HostJournal::Kept HostJournal::take_kept() {
  return std::exchange(kept_, {});
}

bool HostJournal::append(std::string_view lines) {
  if (!write_all(journal_.get(), lines)) {
    // Half of it would be a line of its own; if this fails, too, it lacks a commit.
    static_cast<void>(::ftruncate(journal_.get(), static_cast<off_t>(journal_size_)));
    return false;
  }
  journal_size_ += lines.size();
  bool first = false;
  {
    const std::lock_guard lock{mutex_};
    first = !std::exchange(dirty_, true);
  }
  if (first) wake_.notify_one();
  return true;
}

void HostJournal::tick() {
  if (folding()) return;
  if (const auto folded = folded_size_.exchange(0); folded != 0) base_size_ = folded;
  if (journal_size_ < std::max({least_, base_size_, retry_at_})) return;
  retry_at_ = journal_size_ + least_;
  std::error_code error;
  if (fs::exists(old_path_, error)) return begin_fold();  // it could not be folded
  fs::rename(journal_path_, old_path_, error);
  if (error) return;
  FileDescriptor fresh = open_to_append(journal_path_);
  FileDescriptor again{fresh ? ::dup(fresh.get()) : -1};
  if (!again) {
    fs::rename(old_path_, journal_path_, error);  // it is open still
    return;
  }
  journal_ = std::move(fresh);
  journal_size_ = retry_at_ = 0;
  {
    const std::lock_guard lock{mutex_};
    synced_ = std::move(again);
  }
  begin_fold();
}

void HostJournal::begin_fold() {
  folding_.store(true, std::memory_order_release);
  {
    const std::lock_guard lock{mutex_};
    due_ = true;
  }
  wake_.notify_one();
}

/// Of the thread: BASE and the former journal become BASE. Where that fails both are there still.
void HostJournal::fold() {
  Lines lines;
  for (const auto& path : {base_, old_path_}) {
    std::ifstream in{path, std::ios::binary};
    Reading reading{lines};
    for (std::string line; std::getline(in, line) && !in.eof();) reading.take(line);
  }
  std::string text;
  for (const auto& [owner, line] : lines) text += line + "\n";
  text += line_of(DynamicCommit{});
  try {
    write_file(base_, text, 0640);
  } catch (const std::system_error&) {
    return;
  }
  folded_size_ = text.size();
  std::error_code ignored;
  fs::remove(old_path_, ignored);
}

void HostJournal::work() {
  std::unique_lock lock{mutex_};
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || dirty_ || due_; });
    const bool last = stop_;
    if (std::exchange(due_, false)) {
      lock.unlock();
      fold();
      folding_.store(false, std::memory_order_release);
      lock.lock();
    }
    if (std::exchange(dirty_, false)) {
      const FileDescriptor file{::dup(synced_.get())};
      lock.unlock();
      if (file) static_cast<void>(::fdatasync(file.get()));
      lock.lock();
      if (!stop_) wake_.wait_for(lock, sync_interval, [this] { return stop_ || due_; });
    }
    if (last && !dirty_) return;
  }
}

}  // namespace rgw::control
