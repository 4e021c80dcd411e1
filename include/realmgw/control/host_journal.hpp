// Keeps what updates have made over a restart (OPS-9): lines that are appended to a journal, and a file into
// which they are folded now and then. 5,000 changes a second must not rewrite a file of 100,000 hosts each.
#pragma once

#include "realmgw/base/file_descriptor.hpp"
#include "realmgw/control/dynamic_records.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace rgw::control {

/// Three files: BASE, BASE.journal, and, while it is folded into BASE, the former journal BASE.journal.old.
/// Whoever reads them in this order finds the last state of each name, whatever was under way when the power
/// failed.
///
/// What `append` has taken outlives the process at once, and a power cut a second later: a thread of its own
/// asks the disk to keep it. A name server that asked for each change would make every one wait for the disk.
class HostJournal {
 public:
  /// Journals that are shorter are not folded.
  static constexpr std::uint64_t least_fold = std::uint64_t{4} << 20;

  /// Reads what is kept, and opens the journal. Throws std::system_error.
  explicit HostJournal(std::filesystem::path base, std::uint64_t least = least_fold);
  HostJournal(const HostJournal&) = delete;
  HostJournal& operator=(const HostJournal&) = delete;
  ~HostJournal();

  /// What was read: once.
  struct Kept {
    std::vector<DynamicHost> hosts;
    std::vector<DynamicReverse> reverses;
    std::vector<DynamicCommit> keys;  ///< of each key the last one
  };
  [[nodiscard]] Kept take_kept();
  /// Lines that could not be read, of which a copy is beside the files; the last one may be cut short.
  [[nodiscard]] std::size_t unreadable() const { return unreadable_; }
  [[nodiscard]] const std::filesystem::path& base() const { return base_; }

  /// All of the text or none. False where it cannot be written.
  [[nodiscard]] bool append(std::string_view lines);
  /// Begins to fold where the journal has grown.
  void tick();
  /// Is it being folded?
  [[nodiscard]] bool folding() const { return folding_.load(std::memory_order_acquire); }

 private:
  using Lines = std::unordered_map<std::string, std::string>;  ///< the last line of each name, host or key

  std::size_t read(const std::filesystem::path& file, Lines& lines);
  void begin_fold();
  void fold();
  void work();

  std::filesystem::path base_, journal_path_, old_path_;
  std::uint64_t least_;
  std::uint64_t base_size_ = 0, journal_size_ = 0;
  std::uint64_t retry_at_ = 0;  ///< the journal's size at which another try is due
  std::size_t unreadable_ = 0;
  Kept kept_;
  FileDescriptor journal_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false, dirty_ = false, due_ = false;  ///< under the mutex, as is the next
  FileDescriptor synced_;                            ///< the journal, for the thread
  std::atomic<bool> folding_ = false;
  std::atomic<std::uint64_t> folded_size_ = 0;
  std::jthread thread_;
};

}  // namespace rgw::control
