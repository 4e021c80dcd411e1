#include "realmgw/capture/packet_filter.hpp"

#include <cerrno>
#include <cstring>
#include <pcap/pcap.h>
#include <pthread.h>
#include <stdexcept>
#include <thread>
#include <utility>

#include <rte_errno.h>
#include <rte_malloc.h>

namespace rgw::capture {
namespace {

constexpr int longest_frame = 65535;

struct ClosePcap {
  void operator()(pcap_t* pcap) const { pcap_close(pcap); }
};
struct FreeParameters {
  void operator()(rte_bpf_prm* parameters) const { rte_free(parameters); }
};

}  // namespace

void FilterProgram::Free::operator()(bpf_program* program) const {
  pcap_freecode(program);
  delete program;
}

FilterProgram::FilterProgram(const std::string& expression) {
  if (expression.find_first_not_of(" \t") == expression.npos) return;
  const std::unique_ptr<pcap_t, ClosePcap> pcap{pcap_open_dead(DLT_EN10MB, longest_frame)};
  program_.reset(new bpf_program{});
  if (!pcap || pcap_compile(pcap.get(), program_.get(), expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
    throw std::invalid_argument{pcap ? pcap_geterr(pcap.get()) : "no memory"};
}

PacketFilter::PacketFilter(const FilterProgram& program) {
  if (program.get() == nullptr) return;
  const std::unique_ptr<rte_bpf_prm, FreeParameters> parameters{rte_bpf_convert(program.get())};
  if (parameters) program_.reset(rte_bpf_load(parameters.get()));
  if (!program_)
    throw std::invalid_argument{std::string{"the filter cannot be run: "} + rte_strerror(rte_errno)};
  rte_bpf_get_jit(program_.get(), &jit_);
}

// The thread touches libpcap and its state, nothing of DPDK's or the gateway's: those may end before it.
FilterCompilation::FilterCompilation(std::string expression) : state_{std::make_shared<State>()} {
  std::thread{[state = state_, expression = std::move(expression)] {
    pthread_setname_np(pthread_self(), "rgw-filter");
    try {
      state->program.emplace(expression);
    } catch (const std::exception& error) {
      state->error = error.what();
    }
    state->done.store(true, std::memory_order_release);
  }}.detach();
}

PacketFilter FilterCompilation::take() {
  if (!state_->program) throw std::invalid_argument{state_->error};
  return PacketFilter{*state_->program};
}

}  // namespace rgw::capture
