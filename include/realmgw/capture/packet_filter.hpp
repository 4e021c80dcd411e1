// Which packets an operator wants to see: libpcap's language, compiled by it and run by DPDK's BPF.
#pragma once

#include <memory>
#include <string>

#include <rte_bpf.h>
#include <rte_mbuf.h>

namespace rgw::capture {

class PacketFilter {
 public:
  /// An expression of pcap-filter(7); empty: every packet. Throws std::invalid_argument with libpcap's
  /// reason.
  explicit PacketFilter(const std::string& expression);

  /// The frame of a packet, in one buffer. Any thread.
  [[nodiscard]] bool matches(rte_mbuf& packet) const {
    if (!program_) return true;
    return (jit_.func != nullptr ? jit_.func(&packet) : rte_bpf_exec(program_.get(), &packet)) != 0;
  }

 private:
  struct Free {
    void operator()(rte_bpf* program) const { rte_bpf_destroy(program); }
  };
  std::unique_ptr<rte_bpf, Free> program_;
  rte_bpf_jit jit_{};
};

}  // namespace rgw::capture
