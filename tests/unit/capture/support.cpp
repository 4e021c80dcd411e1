#include "unit/capture/support.hpp"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>
#include <rte_eal.h>

namespace rgw::capture::test {
namespace {

class Dpdk : public testing::Environment {
 public:
  void SetUp() override {
    std::array<const char*, 8> arguments{"unit_capture", "--no-huge",      "-m",       "64",
                                         "--no-shconf",  "--no-telemetry", "--no-pci", "--log-level=error"};
    ASSERT_GE(rte_eal_init(static_cast<int>(arguments.size()), const_cast<char**>(arguments.data())), 0);
    pool = rte_pktmbuf_pool_create("packets", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    ASSERT_NE(pool, nullptr);
  }
  void TearDown() override {
    rte_mempool_free(pool);
    rte_eal_cleanup();
  }
  static inline rte_mempool* pool = nullptr;
};
const auto* const dpdk = testing::AddGlobalTestEnvironment(new Dpdk);

}  // namespace

Packet packet(const std::vector<std::uint8_t>& frame) {
  Packet made{rte_pktmbuf_alloc(Dpdk::pool)};
  std::ranges::copy(frame, reinterpret_cast<std::uint8_t*>(
                               rte_pktmbuf_append(made.get(), static_cast<std::uint16_t>(frame.size()))));
  return made;
}

std::vector<std::uint8_t> udp_frame(std::uint16_t port, std::size_t payload) {
  const auto high = [](std::size_t n) { return static_cast<std::uint8_t>(n >> 8); };
  const auto low = [](std::size_t n) { return static_cast<std::uint8_t>(n); };
  const std::size_t udp = 8 + payload, ip = 20 + udp;
  std::vector<std::uint8_t> frame{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
  frame.insert(frame.end(),
               {0x45, 0, high(ip), low(ip), 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 42, 192, 0, 2, 7});
  frame.insert(frame.end(), {0x0f, 0xa0, high(port), low(port), high(udp), low(udp), 0, 0});
  frame.insert(frame.end(), payload, std::uint8_t{'x'});
  return frame;
}

}  // namespace rgw::capture::test
