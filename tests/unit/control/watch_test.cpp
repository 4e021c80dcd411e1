// What an operator hears of (OPS-10): each trouble once when it begins and once when it is over.
#include "realmgw/control/watch.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class WatchTest : public testing::Test {
 protected:
  /// Looks once a second, for so long.
  void pass(std::chrono::seconds time) {
    for (auto passed = 0s; passed < time; passed += 1s) {
      now += 1s;
      watch.look(threads, now);
    }
  }
  std::vector<std::string> take() { return std::exchange(heard, {}); }

  CounterBlock one, two;
  std::vector<const CounterBlock*> threads{&one, &two};
  Instant now{1000s};
  std::vector<std::string> heard;
  Watch watch{[this](const TroubleNews& news) {
    heard.push_back((news.over ? "over " : "") + std::to_string(static_cast<int>(news.what)) + news.subject +
                    " " + std::to_string(news.count) + " " +
                    std::to_string(std::chrono::duration_cast<std::chrono::seconds>(news.lasted).count()) +
                    "s");
  }};
};

const std::string pool = std::to_string(static_cast<int>(Trouble::pool_exhausted));
const std::string upstreams = std::to_string(static_cast<int>(Trouble::upstreams_failing));
const std::string link = std::to_string(static_cast<int>(Trouble::link_down));

TEST_F(WatchTest, a_trouble_is_told_when_it_begins_and_when_it_is_over) {
  pass(2s);
  one.add(Counter::pool_exhausted, 3);
  pass(1s);
  EXPECT_THAT(take(), ElementsAre(pool + " 3 0s"));
  EXPECT_TRUE(watch.active(Trouble::pool_exhausted, {}));
  EXPECT_FALSE(watch.active(Trouble::ports_exhausted, {}));
  for (int i = 0; i < 20; ++i) {
    two.add(Counter::pool_exhausted);
    pass(1s);
  }
  EXPECT_THAT(take(), IsEmpty()) << "it goes on";
  pass(9s);
  EXPECT_THAT(take(), IsEmpty());
  pass(1s);
  EXPECT_THAT(take(), ElementsAre("over " + pool + " 23 30s"));
  EXPECT_FALSE(watch.active(Trouble::pool_exhausted, {}));
  pass(60s);
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(WatchTest, one_that_comes_and_goes_is_told_as_one) {
  pass(1s);
  for (int i = 0; i < 10; ++i) {
    one.add(Counter::pool_exhausted);
    pass(9s);
  }
  EXPECT_THAT(take(), ElementsAre(pool + " 1 0s"));
}

TEST_F(WatchTest, what_happened_before_the_first_look_is_no_news) {
  one.add(Counter::pool_exhausted, 100);
  pass(2s);
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(WatchTest, a_few_names_that_no_upstream_answers_are_no_trouble) {
  pass(1s);
  for (int i = 0; i < 5; ++i) {
    one.add(Counter::dns_upstream_failures, 2);
    pass(1s);
  }
  EXPECT_THAT(take(), IsEmpty());
  one.add(Counter::dns_upstream_failures, 3);
  pass(1s);
  EXPECT_THAT(take(), ElementsAre(upstreams + " 3 0s"));
}

TEST_F(WatchTest, states_are_told_by_subject_and_must_be_good_for_a_while) {
  const auto look = [&](bool inside_bad, bool outside_bad) {
    now += 1s;
    watch.state(Trouble::link_down, "inside", inside_bad, now);
    watch.state(Trouble::link_down, "outside", outside_bad, now);
  };
  look(false, false);
  EXPECT_THAT(take(), IsEmpty());
  look(true, false);
  look(true, true);
  EXPECT_THAT(take(), ElementsAre(link + "inside 0 0s", link + "outside 0 0s"));
  for (int i = 0; i < 9; ++i) look(false, true);
  EXPECT_THAT(take(), IsEmpty());
  look(false, true);
  EXPECT_THAT(take(), ElementsAre("over " + link + "inside 0 11s"));
  watch.end_states(Trouble::router_lost, now);
  EXPECT_THAT(take(), IsEmpty());
  watch.end_states(Trouble::link_down, now);
  EXPECT_THAT(take(), ElementsAre("over " + link + "outside 0 10s"));
}

TEST_F(WatchTest, states_that_are_listed_are_over_when_they_are_listed_no_more) {
  const auto look = [&](const std::vector<std::string>& bad) {
    now += 5s;
    watch.states(Trouble::link_down, bad, now);
  };
  look({});
  look({"a", "b"});
  EXPECT_THAT(take(), ElementsAre(link + "a 0 0s", link + "b 0 0s"));
  look({"b"});
  look({"b", "c"});
  EXPECT_THAT(take(), ElementsAre("over " + link + "a 0 10s", link + "c 0 0s"));
  watch.states(Trouble::router_lost, {}, now + 1min);
  EXPECT_THAT(take(), IsEmpty()) << "others are another matter";
}

}  // namespace
}  // namespace rgw::control
