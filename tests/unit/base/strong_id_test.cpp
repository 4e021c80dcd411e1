// StrongId:
//   ids_of_two_kinds_do_not_mix
//   ids_compare_and_hash_by_their_number
#include "realmgw/base/strong_id.hpp"

#include <concepts>
#include <type_traits>
#include <unordered_set>

#include <gtest/gtest.h>

namespace rgw {
namespace {

TEST(StrongId, ids_of_two_kinds_do_not_mix) {
  static_assert(!std::is_convertible_v<WorkerId, PortId> && !std::is_constructible_v<WorkerId, PortId>);
  static_assert(!std::equality_comparable_with<WorkerId, PortId>);
  static_assert(!std::is_convertible_v<WorkerId, unsigned> && !std::is_convertible_v<unsigned, HostId>);
  static_assert(sizeof(WorkerId) == 1 && sizeof(HostId) == 4 && sizeof(ReservationId) == 8);
}

TEST(StrongId, ids_compare_and_hash_by_their_number) {
  EXPECT_EQ(HostId{3}, HostId{3});
  EXPECT_LT(HostId{3}, HostId{4});
  EXPECT_EQ(HostId{}.value(), 0u);
  const std::unordered_set<HostId> set{HostId{1}, HostId{2}, HostId{1}};
  EXPECT_EQ(set.size(), 2u);
}

}  // namespace
}  // namespace rgw
