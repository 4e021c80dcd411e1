// Packets of a capture, sent on through an interface of the kernel's, as a switch mirrors a port (OPS-5).
#pragma once

#include "realmgw/base/file_descriptor.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace rgw::app {

/// They leave by the interface and do not come in by it: no server, route or filter of this machine gets
/// them.
class Mirror {
 public:
  /// Throws std::system_error where there is no such interface, or it may not be used.
  explicit Mirror(const std::string& interface);

  void send(std::span<const char> frame);
  /// Packets that the interface did not take: it is down, its queue was full, or they are longer than its
  /// MTU.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  FileDescriptor socket_;
  std::uint64_t refused_ = 0;
};

}  // namespace rgw::app
