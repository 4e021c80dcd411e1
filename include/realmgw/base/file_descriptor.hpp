// A file descriptor that closes itself.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace rgw {

/// Owns a file descriptor. Empty: -1.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_{fd} {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~FileDescriptor() { close(); }

  explicit operator bool() const { return fd_ >= 0; }
  [[nodiscard]] int get() const { return fd_; }

 private:
  void close() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd_ = -1;
};

/// The error that `errno` tells of, for start-up code.
[[nodiscard]] inline std::system_error last_error(const std::string& what) {
  return std::system_error{errno, std::generic_category(), what};
}

/// `fd` as an owner, or the error of the system call that gave it. Throws std::system_error.
[[nodiscard]] inline FileDescriptor checked(int fd, const std::string& what) {
  if (fd < 0) throw last_error(what);
  return FileDescriptor{fd};
}

}  // namespace rgw
