// TimerWheel:
//   an_entry_fires_at_its_tick_and_not_before
//   a_tick_that_is_over_fires_at_the_next_one
//   an_entry_beyond_the_horizon_is_looked_at_each_turn_and_not_lost
//   an_entry_that_asks_for_a_later_tick_goes_round_again
//   a_removed_entry_never_fires_wherever_it_stood_in_its_list
//   a_step_budget_spreads_a_million_entries_of_one_tick
//   empty_ticks_are_steps_of_the_budget_too
//   a_long_pause_costs_one_turn_and_fires_everything_that_is_due
//   a_callback_may_remove_and_insert_others
//   time_that_goes_back_fires_nothing
//   ticks_may_wrap
//   it_agrees_with_a_model_over_random_operations
//   a_number_of_lists_out_of_range_is_an_error
#include "realmgw/nat/timer_wheel.hpp"

#include "realmgw/base/random.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using Tick = TimerWheel::Tick;

/// A wheel over bare links, with the records' deadlines beside them.
struct Timers {
  Timers(std::uint32_t records, std::uint32_t lists, Tick start = 0)
      : links(records), deadline(records), wheel{lists, start} {}

  auto links_of() {
    return [this](std::uint32_t index) -> TimerWheel::Links& { return links[index]; };
  }
  void insert(std::uint32_t index, Tick at) {
    deadline[index] = at;
    wheel.insert(links_of(), index, at);
  }
  bool remove(std::uint32_t index) { return wheel.remove(links_of(), index); }
  /// As the session table uses it; what expired, in order.
  std::vector<std::uint32_t> advance(Tick now, std::uint32_t budget = 1u << 30) {
    std::vector<std::uint32_t> expired;
    looked_at = wheel.advance(links_of(), now, budget, [&](std::uint32_t index) -> std::optional<Tick> {
      EXPECT_FALSE(links[index].linked());
      if (static_cast<std::int32_t>(deadline[index] - now) > 0) return deadline[index];
      expired.push_back(index);
      return std::nullopt;
    });
    return expired;
  }

  std::vector<TimerWheel::Links> links;
  std::vector<Tick> deadline;
  TimerWheel wheel;
  std::uint32_t looked_at = 0;
};

using Indices = std::vector<std::uint32_t>;

TEST(TimerWheel, an_entry_fires_at_its_tick_and_not_before) {
  Timers timers{4, 16, 100};
  timers.insert(0, 105);
  timers.insert(1, 103);
  EXPECT_EQ(timers.wheel.size(), 2u);
  EXPECT_EQ(timers.advance(102), Indices{});
  EXPECT_EQ(timers.looked_at, 0u) << "what is not due is not even looked at";
  EXPECT_EQ(timers.advance(103), Indices{1});
  EXPECT_EQ(timers.advance(104), Indices{});
  EXPECT_EQ(timers.advance(105), Indices{0});
  EXPECT_EQ(timers.wheel.size(), 0u);
  EXPECT_FALSE(timers.links[0].linked());
}

TEST(TimerWheel, a_tick_that_is_over_fires_at_the_next_one) {
  Timers timers{2, 16, 100};
  timers.insert(0, 100);
  timers.insert(1, 7);
  EXPECT_EQ(timers.advance(100), Indices{});
  EXPECT_EQ(timers.advance(101).size(), 2u);
}

TEST(TimerWheel, an_entry_beyond_the_horizon_is_looked_at_each_turn_and_not_lost) {
  Timers timers{1, 16};
  EXPECT_EQ(timers.wheel.horizon(), 15u);
  timers.insert(0, 50);
  Indices looked_at;
  for (Tick now = 1; now < 50; ++now) {
    ASSERT_EQ(timers.advance(now), Indices{});
    if (timers.looked_at != 0) looked_at.push_back(now);
  }
  EXPECT_EQ(looked_at, (Indices{15, 30, 45}));
  EXPECT_EQ(timers.advance(50), Indices{0});
}

TEST(TimerWheel, an_entry_that_asks_for_a_later_tick_goes_round_again) {
  Timers timers{1, 64};
  timers.insert(0, 10);
  timers.deadline[0] = 20;  // a packet came
  EXPECT_EQ(timers.advance(10), Indices{});
  EXPECT_EQ(timers.looked_at, 1u);
  EXPECT_TRUE(timers.links[0].linked());
  EXPECT_EQ(timers.advance(19), Indices{});
  EXPECT_EQ(timers.advance(20), Indices{0});
}

TEST(TimerWheel, a_removed_entry_never_fires_wherever_it_stood_in_its_list) {
  for (std::uint32_t gone = 0; gone < 3; ++gone) {
    Timers timers{3, 16};
    for (std::uint32_t index = 0; index < 3; ++index) timers.insert(index, 5);
    EXPECT_TRUE(timers.remove(gone));
    EXPECT_FALSE(timers.remove(gone));
    EXPECT_EQ(timers.wheel.size(), 2u);
    auto fired = timers.advance(5);
    EXPECT_EQ(fired.size(), 2u);
    EXPECT_EQ(std::count(fired.begin(), fired.end(), gone), 0);
  }
}

TEST(TimerWheel, a_step_budget_spreads_a_million_entries_of_one_tick) {
  constexpr std::uint32_t entries = 1'000'000, budget = 100;
  Timers timers{entries, 16, 4};
  for (std::uint32_t index = 0; index < entries; ++index) timers.insert(index, 5);
  std::vector<bool> seen(entries);
  std::uint32_t calls = 0;
  while (!timers.wheel.caught_up(5)) {
    const auto fired = timers.advance(5, budget);
    ASSERT_LE(fired.size(), budget);
    for (const auto index : fired) {
      ASSERT_FALSE(seen[index]);
      seen[index] = true;
    }
    ASSERT_LE(++calls, entries / budget + 1);
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), entries);
}

TEST(TimerWheel, empty_ticks_are_steps_of_the_budget_too) {
  Timers timers{1, 1024};
  timers.insert(0, 1000);
  for (int call = 0; call < 10; ++call) {
    ASSERT_EQ(timers.advance(1000, 100), Indices{});
  }
  EXPECT_EQ(timers.advance(1000, 100), Indices{0});
}

TEST(TimerWheel, a_long_pause_costs_one_turn_and_fires_everything_that_is_due) {
  Timers timers{100, 64};
  for (std::uint32_t index = 0; index < 100; ++index) timers.insert(index, 1 + index);
  timers.remove(0);
  timers.insert(0, 5'000'000);
  // 65 ticks and 100 entries, not a million ticks. What lies beyond the horizon goes round once more.
  EXPECT_EQ(timers.advance(1'000'000, 65 + 100).size(), 99u);
  EXPECT_TRUE(timers.wheel.caught_up(1'000'000));
  EXPECT_EQ(timers.advance(4'999'999), Indices{});
  EXPECT_EQ(timers.advance(5'000'000), Indices{0});
}

TEST(TimerWheel, a_callback_may_remove_and_insert_others) {
  Timers timers{5, 16};
  for (std::uint32_t index = 0; index < 4; ++index) timers.insert(index, 5);
  Indices fired;
  bool first = true;
  const auto fire = [&](std::uint32_t index) -> std::optional<Tick> {
    fired.push_back(index);
    if (std::exchange(first, false)) {
      // All but the last, among them the next in line; one of them comes back for the tick that is being
      // emptied.
      for (std::uint32_t other = 1; other < 4; ++other) {
        if (other != index) timers.remove(other);
      }
      timers.insert(2, 5);
      timers.insert(4, 7);
    }
    return std::nullopt;
  };
  timers.wheel.advance(timers.links_of(), 5, 100, fire);
  EXPECT_EQ(fired, (Indices{3, 0}));
  fired.clear();
  timers.wheel.advance(timers.links_of(), 7, 100, fire);
  EXPECT_EQ(fired.size(), 2u);
  EXPECT_EQ(timers.wheel.size(), 0u);
}

TEST(TimerWheel, time_that_goes_back_fires_nothing) {
  Timers timers{1, 16, 100};
  timers.insert(0, 101);
  EXPECT_EQ(timers.advance(90), Indices{});
  EXPECT_EQ(timers.looked_at, 0u);
  EXPECT_EQ(timers.advance(100), Indices{});
  EXPECT_EQ(timers.advance(101), Indices{0});
}

TEST(TimerWheel, ticks_may_wrap) {
  Timers timers{2, 16, 0xfffffffa};
  timers.insert(0, 0xfffffffe);
  timers.insert(1, 3);
  EXPECT_EQ(timers.advance(0xfffffffd), Indices{});
  EXPECT_EQ(timers.advance(0xfffffffe), Indices{0});
  EXPECT_EQ(timers.advance(2), Indices{});
  EXPECT_EQ(timers.advance(3), Indices{1});
}

TEST(TimerWheel, it_agrees_with_a_model_over_random_operations) {
  Random random{99};
  constexpr std::uint32_t records = 300;
  Timers timers{records, 64, 1000};
  std::map<std::uint32_t, Tick> model;  // index to deadline
  Tick now = 1000;
  std::size_t expired = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::uint32_t index = random.below(records);
    switch (random.below(5)) {
      case 0:
      case 1:
        if (!model.contains(index)) {
          const Tick at = now + 1 + random.below(200);
          timers.insert(index, at);
          model[index] = at;
        }
        break;
      case 2:
        ASSERT_EQ(timers.remove(index), model.erase(index) == 1);
        break;
      case 3:
        if (const auto it = model.find(index); it != model.end()) {
          it->second += random.below(50);
          timers.deadline[index] = it->second;
        }
        break;
      case 4: {
        now += random.below(4);
        const bool whole = random.below(2) == 0;
        for (const auto gone : timers.advance(now, whole ? 1u << 30 : 5)) {
          const auto it = model.find(gone);
          ASSERT_NE(it, model.end());
          ASSERT_LE(it->second, now);
          model.erase(it);
          ++expired;
        }
        if (whole) {
          ASSERT_TRUE(timers.wheel.caught_up(now));
          for (const auto& [left, deadline] : model) ASSERT_GT(deadline, now) << left;
        }
        break;
      }
    }
    ASSERT_EQ(timers.wheel.size(), model.size());
  }
  EXPECT_GT(expired, 1000u);
}

TEST(TimerWheel, a_number_of_lists_out_of_range_is_an_error) {
  EXPECT_THROW((TimerWheel{1, 0}), std::length_error);
  EXPECT_THROW((TimerWheel{(1u << 24) + 1, 0}), std::length_error);
}

}  // namespace
}  // namespace rgw::nat
