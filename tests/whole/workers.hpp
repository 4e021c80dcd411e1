// What every clause is tried with: one worker, two, and four.
#pragma once

#include <string>

#include <gtest/gtest.h>

namespace rgw::test {

class WithWorkers : public testing::TestWithParam<unsigned> {};

#define RGW_WITH_WORKERS(Suite)                                                          \
  INSTANTIATE_TEST_SUITE_P(, Suite, testing::Values(1U, 2U, 4U), [](const auto& given) { \
    return std::to_string(given.param) + (given.param == 1 ? "_worker" : "_workers");    \
  })

}  // namespace rgw::test
