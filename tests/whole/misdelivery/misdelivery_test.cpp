// No packet reaches a host other than the one its sender was last promised, or that its running flow belongs
// to (POOL-14): the whole gateway under clients with few source ports, of both families, to hosts of both.
// They ask for hosts and services, themselves or through a resolver that many share or one that walks names;
// their packets are late, lost, doubled and overtaken; claims run out, connections end or are left, sessions
// expire, and control lags behind the workers.
//   - where addresses are plenty: packets come up to 0.9 s after their reservation or their session has ended
//   - where there are two of each family: everybody is lent what others have sessions at
//   - the same, and who has proven his address displaces who has not (GUARD-1): all packets come within the
//   300 ms for which the latter are promised anything
//   - ten thousand claims a second
//
// RGW_SEED gives another seed, RGW_STEPS another length; both stand in the report of a failure.
#include <cstdio>
#include <cstdlib>

#include "whole/misdelivery/world.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(NDEBUG)
constexpr std::uint64_t shorter = 100;
#else
constexpr std::uint64_t shorter = 1;
#endif

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

class Misdelivery : public testing::TestWithParam<Profile> {};

TEST_P(Misdelivery, no_packet_reaches_a_host_that_it_is_not_for) {  // POOL-14
  const Profile& profile = GetParam();
  const auto seed = from_environment("RGW_SEED", 20261129);
  const auto steps = from_environment("RGW_STEPS", profile.steps / shorter);
  SCOPED_TRACE("RGW_SEED=" + std::to_string(seed) + " RGW_STEPS=" + std::to_string(steps));
  World world{profile, seed};
  world.run(steps);
  RecordProperty("seed", std::to_string(seed));
  std::printf("seed %llu, %llu steps: %llu promises in %.0f s, %llu idle flows gave way\n",
              static_cast<unsigned long long>(seed), static_cast<unsigned long long>(steps),
              static_cast<unsigned long long>(world.promised()), world.seconds(),
              static_cast<unsigned long long>(world.gave_way()));
  if (profile.addresses == 2) {
    EXPECT_GT(world.gave_way(), 0U);
  }
  if (profile.guarded) {
    const auto displaced = world.gateway().control_count(Counter::pool_displaced);
    std::printf("%llu displaced\n", static_cast<unsigned long long>(displaced));
    EXPECT_GT(displaced, 0U);
  }
}

constexpr std::uint64_t million = 1'000'000;
INSTANTIATE_TEST_SUITE_P(
    , Misdelivery,
    testing::Values(Profile{"roomy_1_worker", 1, 60, 5, 2, 6, 900ms, false, 10ms, 2 * million},
                    Profile{"roomy_4_workers", 4, 60, 5, 2, 6, 900ms, false, 10ms, million},
                    Profile{"scarce_1_worker", 1, 2, 4, 3, 4, 100ms, true, 10ms, 3 * million},
                    Profile{"scarce_2_workers", 2, 2, 4, 3, 4, 100ms, true, 10ms, 2 * million},
                    Profile{"scarce_4_workers", 4, 2, 4, 3, 4, 100ms, true, 10ms, million},
                    Profile{"displacing_1_worker", 1, 2, 4, 3, 4, 100ms, true, 10ms, million, true},
                    Profile{"displacing_4_workers", 4, 2, 4, 3, 4, 100ms, true, 10ms, million / 2, true},
                    Profile{"ten_thousand_claims_a_second", 1, 16, 4000, 4, 40, 60ms, true, 60us, million}),
    [](const auto& given) { return std::string{given.param.name}; });

}  // namespace
}  // namespace rgw::test
