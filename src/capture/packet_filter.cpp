#include "realmgw/capture/packet_filter.hpp"

#include <cerrno>
#include <cstring>
#include <pcap/pcap.h>
#include <stdexcept>

#include <rte_errno.h>
#include <rte_malloc.h>

namespace rgw::capture {
namespace {

constexpr int longest_frame = 65535;

struct ClassicProgram {
  bpf_program program{};
  ~ClassicProgram() { pcap_freecode(&program); }
};
struct ClosePcap {
  void operator()(pcap_t* pcap) const { pcap_close(pcap); }
};
struct FreeParameters {
  void operator()(rte_bpf_prm* parameters) const { rte_free(parameters); }
};

}  // namespace

PacketFilter::PacketFilter(const std::string& expression) {
  if (expression.find_first_not_of(" \t") == expression.npos) return;
  const std::unique_ptr<pcap_t, ClosePcap> pcap{pcap_open_dead(DLT_EN10MB, longest_frame)};
  ClassicProgram classic;
  if (!pcap || pcap_compile(pcap.get(), &classic.program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
    throw std::invalid_argument{pcap ? pcap_geterr(pcap.get()) : "no memory"};
  const std::unique_ptr<rte_bpf_prm, FreeParameters> parameters{rte_bpf_convert(&classic.program)};
  if (parameters) program_.reset(rte_bpf_load(parameters.get()));
  if (!program_)
    throw std::invalid_argument{std::string{"the filter cannot be run: "} + rte_strerror(rte_errno)};
  rte_bpf_get_jit(program_.get(), &jit_);
}

}  // namespace rgw::capture
