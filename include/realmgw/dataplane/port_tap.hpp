// What comes and goes by a port, shown to a capture.
#pragma once

#include "realmgw/base/strong_id.hpp"
#include "realmgw/capture/capture.hpp"

#include <cstdint>
#include <memory>
#include <vector>

#include <rte_ethdev.h>

namespace rgw::dataplane {

class Port;

/// DPDK calls it within a worker's turn; a port without one costs not an instruction for it. Made, detached
/// and destroyed by one thread; workers may run.
class PortTap {
 public:
  /// Both outlive it.
  PortTap(Port& port, capture::Capture& capture);
  /// Each worker has turned since `detach`, or has stopped.
  ~PortTap();
  PortTap(const PortTap&) = delete;
  PortTap& operator=(const PortTap&) = delete;

  /// It is called no more; a worker may be in the midst of a call still.
  void detach();

 private:
  friend class Port;
  struct Queue {
    capture::Capture& capture;
    WorkerId worker;
    PortId port;
    const rte_eth_rxtx_callback* receiving = nullptr;
    const rte_eth_rxtx_callback* sending = nullptr;
  };
  static std::uint16_t on_receive(std::uint16_t device, std::uint16_t queue, rte_mbuf** packets,
                                  std::uint16_t count, std::uint16_t room, void* self);
  static std::uint16_t on_send(std::uint16_t device, std::uint16_t queue, rte_mbuf** packets,
                               std::uint16_t count, void* self);
  // The port's, which knows when its device is there.
  void link(std::uint16_t device, std::uint16_t queues);
  void unlink(std::uint16_t device);
  void forget_unlinked();

  Port& port_;
  capture::Capture& capture_;
  bool attached_ = true;
  std::vector<std::unique_ptr<Queue>> linked_, unlinked_;
};

}  // namespace rgw::dataplane
