// The survey of the workers' tables (OPS-4): each worker is asked until it has told all; who asks meanwhile
// asks nobody anew; a full ring is tried again.
#include "realmgw/control/use_survey.hpp"

#include "unit/control/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using testing::IsEmpty;
using testing::SizeIs;

class UseSurveyTest : public testing::Test {
 protected:
  std::vector<ring::UseQuery> asked(std::size_t worker) { return workers.events_of<ring::UseQuery>(worker); }

  CounterBlock counters;
  Workers workers{2, 16};
  WorkerLinks links{workers.links(), counters};
  UseSurvey survey{links};
};

TEST_F(UseSurveyTest, is_over_once_every_worker_has_told_all) {
  EXPECT_TRUE(survey.done());
  survey.begin();
  EXPECT_FALSE(survey.done());
  const auto first = asked(0), second = asked(1);
  ASSERT_THAT(first, SizeIs(1));
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_NE(first[0].use, second[0].use);
  EXPECT_EQ(first[0].first, 0U);
  survey.filled({first[0].use, 32, false});
  survey.filled({second[0].use, 3, true});
  EXPECT_FALSE(survey.done());
  const auto rest = asked(0);
  ASSERT_THAT(rest, SizeIs(1));
  EXPECT_EQ(rest[0].first, 32U);
  EXPECT_THAT(asked(1), IsEmpty());
  survey.filled({rest[0].use, 40, true});
  EXPECT_TRUE(survey.done());
}

TEST_F(UseSurveyTest, whoever_asks_meanwhile_asks_nobody_anew) {
  survey.begin();
  static_cast<void>(survey.done());
  ASSERT_THAT(asked(0), SizeIs(1));
  survey.begin();
  static_cast<void>(survey.done());
  EXPECT_THAT(asked(0), IsEmpty());
}

TEST_F(UseSurveyTest, a_worker_whose_ring_is_full_is_asked_when_there_is_room) {
  while (links.try_send(WorkerId{1}, ring::LinkState{inside_port, true})) {
  }
  survey.begin();
  EXPECT_FALSE(survey.done());
  EXPECT_THAT(asked(0), SizeIs(1));
  EXPECT_THAT(asked(1), IsEmpty()) << "this empties the ring";
  EXPECT_FALSE(survey.done());
  EXPECT_THAT(asked(1), SizeIs(1));
}

}  // namespace
}  // namespace rgw::control
