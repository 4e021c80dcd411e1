// What DPDK and the libraries beneath it have to say, handed to the daemon's own log.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace rgw::dataplane {

/// While it lives, the lines that DPDK, libbpf and libxdp would write to stderr and syslog go to a function.
/// One at a time in a process; made before the Eal, and outlives it.
class LibraryLog {
 public:
  enum class Severity : std::uint8_t { error, warning, notice };
  /// Gets the library's name and one line without its end, from any thread. It does not throw.
  using Sink = std::function<void(Severity, std::string_view library, std::string_view line)>;

  explicit LibraryLog(Sink sink);
  ~LibraryLog();
  LibraryLog(const LibraryLog&) = delete;
  LibraryLog& operator=(const LibraryLog&) = delete;

 private:
  static ssize_t take(void* self, const char* text, std::size_t size);

  Sink sink_;
  std::string begun_;  ///< a line of DPDK's whose end has not come yet
  std::FILE* stream_;
};

}  // namespace rgw::dataplane
