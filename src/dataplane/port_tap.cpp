#include "realmgw/dataplane/port_tap.hpp"

#include "realmgw/dataplane/port.hpp"

#include <utility>

#include <rte_malloc.h>

namespace rgw::dataplane {
namespace {

using capture::Seen;

void free_callback(const rte_eth_rxtx_callback* callback) {
  rte_free(const_cast<rte_eth_rxtx_callback*>(callback));
}

}  // namespace

PortTap::PortTap(Port& port, capture::Capture& capture) : port_{port}, capture_{capture} {
  port_.add(*this);
}

PortTap::~PortTap() {
  detach();
  forget_unlinked();
}

void PortTap::detach() {
  if (std::exchange(attached_, false)) port_.remove(*this);
}

std::uint16_t PortTap::on_receive(std::uint16_t, std::uint16_t, rte_mbuf** packets, std::uint16_t count,
                                  std::uint16_t, void* self) {
  const auto& queue = *static_cast<Queue*>(self);
  for (std::uint16_t i = 0; i < count; ++i)
    queue.capture.take(queue.worker, *packets[i], {.seen = Seen::received, .port = queue.port});
  return count;
}

std::uint16_t PortTap::on_send(std::uint16_t, std::uint16_t, rte_mbuf** packets, std::uint16_t count,
                               void* self) {
  const auto& queue = *static_cast<Queue*>(self);
  for (std::uint16_t i = 0; i < count; ++i)
    queue.capture.take(queue.worker, *packets[i], {.seen = Seen::sent, .port = queue.port});
  return count;
}

void PortTap::link(std::uint16_t device, std::uint16_t queues) {
  for (std::uint16_t number = 0; number < queues; ++number) {
    // A queue belongs to the worker of its number.
    auto queue =
        std::make_unique<Queue>(Queue{capture_, WorkerId{static_cast<std::uint8_t>(number)}, port_.id()});
    queue->receiving = rte_eth_add_rx_callback(device, number, on_receive, queue.get());
    queue->sending = rte_eth_add_tx_callback(device, number, on_send, queue.get());
    linked_.push_back(std::move(queue));
  }
}

void PortTap::unlink(std::uint16_t device) {
  for (std::uint16_t number = 0; number < linked_.size(); ++number) {
    const Queue& queue = *linked_[number];
    if (queue.receiving != nullptr) rte_eth_remove_rx_callback(device, number, queue.receiving);
    if (queue.sending != nullptr) rte_eth_remove_tx_callback(device, number, queue.sending);
    unlinked_.push_back(std::move(linked_[number]));
  }
  linked_.clear();
}

void PortTap::forget_unlinked() {
  for (const auto& queue : unlinked_) {
    free_callback(queue->receiving);
    free_callback(queue->sending);
  }
  unlinked_.clear();
}

}  // namespace rgw::dataplane
