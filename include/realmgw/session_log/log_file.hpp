// The file of the session log. It rotates by size, and follows somebody else's rotation.
#pragma once

#include "realmgw/base/file_descriptor.hpp"
#include "realmgw/session_log/backlog.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace rgw::session_log {

/// One thread. What cannot be written waits in bounded memory; the file is tried again each second.
class LogFile {
 public:
  struct Rules {
    std::filesystem::path file;
    std::uint64_t rotate_size = 0;  ///< 0: never
    std::uint32_t rotate_keep = 0;
  };
  static constexpr std::size_t most_waiting = std::size_t{8} << 20;  ///< bytes

  /// Opens the file to append. Throws std::system_error.
  explicit LogFile(Rules rules, std::size_t most = most_waiting);

  void put(const Entry& entry);
  /// Records that were lost before they came here.
  void lost(std::uint64_t count, WallTime since, WallTime until) { losses_.add(count, since, until); }
  /// Writes what waits.
  void flush(WallTime now);
  [[nodiscard]] SinkStatus status() const;

 private:
  void tell_of_losses();
  [[nodiscard]] bool follow();
  [[nodiscard]] bool open();
  [[nodiscard]] bool rotate();
  [[nodiscard]] bool write();

  Rules rules_;
  std::size_t most_;
  FileDescriptor descriptor_;
  std::uint64_t size_ = 0;
  std::string waiting_;
  std::uint64_t waiting_records_ = 0, records_ = 0;
  Losses losses_;
  std::string trouble_;
  WallTime next_look_{};
};

}  // namespace rgw::session_log
