// The kernel's end of a port, as the control thread sees it.
#pragma once

#include "realmgw/ring/snapshot.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace rgw::control {

/// Through which the kernel (or a test) sends and gets Ethernet frames on one port. Nothing blocks.
class KernelPort {
 public:
  KernelPort() = default;
  KernelPort(const KernelPort&) = delete;
  KernelPort& operator=(const KernelPort&) = delete;
  virtual ~KernelPort() = default;

  /// Readable when a frame waits; -1 where it is to be asked each turn.
  [[nodiscard]] virtual int fd() const = 0;
  /// The next frame that the kernel sends; its length, or 0 where none waits.
  [[nodiscard]] virtual std::size_t read(std::span<std::uint8_t> room) = 0;
  /// The realm's routes are others now. Throws std::system_error where the kernel refuses them.
  virtual void change_routes(const std::vector<config::Route>&) {}
  /// Hands a frame to the kernel. False where it was not taken.
  [[nodiscard]] virtual bool write(std::span<const std::uint8_t> frame) = 0;
};

/// Makes the kernel's end of a port; nullptr: the port has none.
using KernelPortFactory = std::function<std::unique_ptr<KernelPort>(const ring::PortFacts&)>;

}  // namespace rgw::control
