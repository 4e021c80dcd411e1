// Which packets an operator wants to see: libpcap's language, compiled by it and run by DPDK's BPF.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include <rte_bpf.h>
#include <rte_mbuf.h>

struct bpf_program;

namespace rgw::capture {

/// An expression of pcap-filter(7), compiled by libpcap; empty: every packet.
class FilterProgram {
 public:
  /// Throws std::invalid_argument with libpcap's reason. Names of hosts are looked up, which may take
  /// seconds.
  explicit FilterProgram(const std::string& expression);
  /// Null: every packet.
  [[nodiscard]] const bpf_program* get() const { return program_.get(); }

 private:
  struct Free {
    void operator()(bpf_program* program) const;
  };
  std::unique_ptr<bpf_program, Free> program_;
};

class PacketFilter {
 public:
  /// Throws std::invalid_argument where DPDK cannot run it.
  explicit PacketFilter(const FilterProgram& program);
  explicit PacketFilter(const std::string& expression) : PacketFilter{FilterProgram{expression}} {}

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

/// A filter on its way: compiled by a thread of its own, which goes on by itself where nobody waits for it
/// any more.
class FilterCompilation {
 public:
  /// Throws std::system_error where there is no thread.
  explicit FilterCompilation(std::string expression);
  [[nodiscard]] bool done() const { return state_->done.load(std::memory_order_acquire); }
  /// Once, when it is done. Throws std::invalid_argument.
  [[nodiscard]] PacketFilter take();

 private:
  struct State {
    std::optional<FilterProgram> program;
    std::string error;
    std::atomic<bool> done = false;
  };
  std::shared_ptr<State> state_;
};

}  // namespace rgw::capture
