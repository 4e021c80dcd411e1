// Verdict:
//   a_pass_is_no_drop
//   a_drop_names_its_counter_whichever_it_is
#include "realmgw/base/verdict.hpp"

#include <cstddef>

#include <gtest/gtest.h>

namespace rgw {
namespace {

static_assert(sizeof(Verdict) == 2, "32 verdicts lie in one cache line");

TEST(Verdict, a_pass_is_no_drop) {
  EXPECT_TRUE(Verdict::pass().passed());
  EXPECT_EQ(Verdict::pass(), Verdict::pass());
  EXPECT_NE(Verdict::pass(), Verdict::drop(Counter::rx_packets));
}

TEST(Verdict, a_drop_names_its_counter_whichever_it_is) {
  for (std::size_t i = 0; i < counter_count; ++i) {
    const auto counter = static_cast<Counter>(i);
    const auto verdict = Verdict::drop(counter);
    EXPECT_FALSE(verdict.passed());
    EXPECT_EQ(verdict.counter(), counter);
  }
}

}  // namespace
}  // namespace rgw
