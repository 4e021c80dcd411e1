// Where packet buffers lie, and who lets go of them.
#include "realmgw/dataplane/eal.hpp"

#include "scenario/support.hpp"
#include <gtest/gtest.h>
#include <rte_mbuf.h>

namespace rgw::test {
namespace {

// The AF_XDP driver lends the kernel the first `count * size` bytes of the pool: a buffer beyond them that
// was given back to it never returned, and in the end nothing came in any more.
TEST(Buffers, lie_one_behind_the_other_and_none_beyond_their_count) {
  const Gateway starts_dpdk;
  constexpr unsigned count = 5000;
  const auto pool = dataplane::make_packet_pool(count, {.mtu = 1500});
  EXPECT_TRUE(dataplane::is_dense(*pool));
  std::vector<std::uintptr_t> at;
  for (unsigned n = 0; n < count; ++n)
    at.push_back(reinterpret_cast<std::uintptr_t>(rte_pktmbuf_alloc(pool.get())));
  std::sort(at.begin(), at.end());
  ASSERT_NE(at.front(), 0U) << "there are as many as were asked for";
  const std::size_t size = at[1] - at[0];
  EXPECT_LT(size, 2500U);
  for (unsigned n = 1; n < count; ++n) ASSERT_EQ(at[n] - at[n - 1], size) << n;
  for (const std::uintptr_t buffer : at) rte_pktmbuf_free(reinterpret_cast<rte_mbuf*>(buffer));
}

// A card writes a packet to the address that its buffer says, which is its virtual one where there is an
// IOMMU. A buffer without such an address sends each received packet to address 0.
TEST(Buffers, are_seen_by_a_card_where_the_processor_sees_them) {
  start_eal();
  ASSERT_EQ(rte_eal_iova_mode(), RTE_IOVA_VA);
  struct {
    unsigned count, mtu;
    bool cards;
  } const sizes[]{{384, 576, false},     {4096, 1500, true},   {5000, 3400, false},
                  {65'536, 1500, false}, {12'345, 9216, true}, {10'000, 9216, false}};
  for (const auto& [count, mtu, cards] : sizes) {
    const auto pool = dataplane::make_packet_pool(
        count, {.mtu = mtu, .cards = cards});  // the one before has given its memory back
    EXPECT_TRUE(dataplane::is_dense(*pool)) << count;
    std::vector<ring::PacketBuffer> all;
    for (unsigned n = 0; n < count; ++n) {
      const auto& buffer = all.emplace_back(rte_pktmbuf_alloc(pool.get()));
      ASSERT_TRUE(buffer) << count << ": " << n;
      ASSERT_EQ(buffer.get()->buf_iova, reinterpret_cast<rte_iova_t>(buffer.get()->buf_addr))
          << count << ": " << n;
      ASSERT_EQ(rte_mempool_virt2iova(buffer.get()), reinterpret_cast<rte_iova_t>(buffer.get()))
          << count << ": " << n;
    }
  }
}

TEST(Buffers, that_memory_does_not_suffice_for_are_refused) {
  start_eal();
  EXPECT_THROW(static_cast<void>(dataplane::make_packet_pool(1'000'000, {.mtu = 1500})), std::runtime_error);
  EXPECT_EQ(dataplane::make_packet_pool(65'536, {.mtu = 1500})->populated_size, 65'536U)
      << "nothing is kept of it";
}

// What stays open keeps buffers of a pool that is about to go: a card's queues free them when the process
// ends.
TEST(Ports, close_their_device_whoever_made_it) {
  start_eal();
  rte_ring* const ring = rte_ring_create("lone", 64, SOCKET_ID_ANY, 0);
  rte_ring* rings[]{ring};
  const int device = rte_eth_from_rings("lone", rings, 1, rings, 1, 0);
  ASSERT_GE(device, 0);
  const auto pool = dataplane::make_packet_pool(512, {.mtu = 1500});
  config::Port wanted;
  wanted.device = "net_ring_lone";
  { const dataplane::Port port{PortId{0}, wanted, 1, pool.get()}; }
  EXPECT_FALSE(rte_eth_dev_is_valid_port(static_cast<std::uint16_t>(device)));
  rte_ring_free(ring);
}

TEST(Ports, close_a_device_that_they_cannot_set_up) {
  start_eal();
  rte_ring* const ring = rte_ring_create("refuser", 64, SOCKET_ID_ANY, 0);
  rte_ring* rings[]{ring};
  const int device = rte_eth_from_rings("refuser", rings, 1, rings, 1, 0);
  ASSERT_GE(device, 0);
  config::Port wanted;
  wanted.device = "net_ring_refuser";
  rte_mempool* const none = nullptr;  // no queue can be set up
  EXPECT_THROW((dataplane::Port{PortId{0}, wanted, 1, none}), std::runtime_error);
  EXPECT_FALSE(rte_eth_dev_is_valid_port(static_cast<std::uint16_t>(device)));
  rte_ring_free(ring);
}

TEST(Buffers, hold_a_whole_frame_of_the_largest_mtu_and_its_note) {
  const Gateway starts_dpdk;
  const auto pool = dataplane::make_packet_pool(512, {.mtu = 9000});
  const ring::PacketBuffer buffer{rte_pktmbuf_alloc(pool.get())};
  ASSERT_TRUE(buffer);
  EXPECT_GE(rte_pktmbuf_tailroom(buffer.get()), 9000U + 14);
  EXPECT_GE(rte_pktmbuf_priv_size(pool.get()), sizeof(ring::PacketNote));
}

// The kernel leaves XDP_PACKET_HEADROOM free in each frame of AF_XDP, beside what the driver tells it of.
TEST(Buffers, hold_a_whole_frame_behind_what_the_kernel_keeps_free) {
  start_eal();
  constexpr unsigned ethernet = 14, tags = 8, kernel_headroom = 256;
  for (const unsigned mtu : {576U, 1500U, 1759U, 1760U, 1843U, 1900U, 2153U, 3000U, 3400U, 9216U}) {
    const auto pool = dataplane::make_packet_pool(384, {.mtu = mtu});
    EXPECT_GE(rte_pktmbuf_data_room_size(pool.get()),
              RTE_PKTMBUF_HEADROOM + kernel_headroom + ethernet + tags + mtu)
        << mtu;
  }
}

TEST(Buffers, fit_a_page_up_to_the_longest_mtu_that_says_so) {
  start_eal();
  const auto size = [](const dataplane::BufferUse& use) {
    const auto pool = dataplane::make_packet_pool(384, use);
    return pool->header_size + pool->elt_size + pool->trailer_size;
  };
  for (const bool cards : {false, true}) {
    const unsigned longest = dataplane::longest_mtu_in_a_page(cards);
    EXPECT_EQ(longest, cards ? 2784 : 3424) << "docs/realm-file.md says so";
    EXPECT_LE(size({.mtu = longest, .cards = cards}), 4096);
    EXPECT_GT(size({.mtu = longest + 1, .cards = cards}), 4096);
  }
}

// A card knows buffers of whole KiB, and cuts what is longer than the last whole one.
TEST(Buffers, of_cards_hold_a_whole_frame_in_whole_kib) {
  start_eal();
  for (const unsigned mtu : {1500U, 1900U, 3000U, 9000U, 9216U}) {
    const auto pool = dataplane::make_packet_pool(384, {.mtu = mtu, .cards = true});
    const unsigned room = rte_pktmbuf_data_room_size(pool.get()) - RTE_PKTMBUF_HEADROOM;
    EXPECT_GE(room / 1024 * 1024, mtu + 14 + 8 + 4) << mtu;
  }
}

}  // namespace
}  // namespace rgw::test
