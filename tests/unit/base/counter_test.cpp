// Counters, and the list of them from which `realmgwctl counters` and docs/counters.md are made:
//   every_counter_has_a_name_of_its_own
//   every_name_can_stand_in_metrics
//   no_metric_is_named_as_a_counter_is_exported
//   every_counter_has_a_help_text_of_its_own_without_a_final_stop
//   the_list_is_in_the_order_of_the_enumeration
//   a_block_counts_each_counter_apart
#include "realmgw/base/counter.hpp"

#include "realmgw/base/metric.hpp"

#include <algorithm>
#include <cctype>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace rgw {
namespace {

TEST(Counters, every_counter_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (const auto& counter : counter_infos) EXPECT_TRUE(names.insert(counter.name).second) << counter.name;
}

TEST(Counters, every_name_can_stand_in_metrics) {
  for (const auto& counter : counter_infos) {
    ASSERT_FALSE(counter.name.empty());
    EXPECT_TRUE(std::islower(static_cast<unsigned char>(counter.name.front()))) << counter.name;
    for (const char c : counter.name) {
      EXPECT_TRUE(std::islower(static_cast<unsigned char>(c)) ||
                  std::isdigit(static_cast<unsigned char>(c)) || c == '_')
          << counter.name;
    }
  }
}

TEST(Counters, no_metric_is_named_as_a_counter_is_exported) {  // OPS-4
  for (const auto& counter : counter_infos)
    EXPECT_EQ(std::ranges::count(metric_infos, std::string{counter.name} + "_total", &MetricInfo::name), 0)
        << counter.name;
}

TEST(Counters, every_counter_has_a_help_text_of_its_own_without_a_final_stop) {
  std::set<std::string_view> texts;
  for (const auto& counter : counter_infos) {
    EXPECT_GE(counter.help.size(), 10u) << counter.name;
    ASSERT_FALSE(counter.help.empty()) << counter.name;
    EXPECT_NE(counter.help.back(), '.') << counter.name;
    EXPECT_TRUE(texts.insert(counter.help).second) << counter.name << ": another counter says the same";
  }
}

TEST(Counters, the_list_is_in_the_order_of_the_enumeration) {
  EXPECT_EQ(info(Counter::rx_packets).name, "rx_packets");
  EXPECT_EQ(info(Counter::unmatched_rejected).name, "unmatched_rejected");
  EXPECT_EQ(info(Counter::unmatched_rejected).kind, CounterKind::packet_end);
  EXPECT_EQ(info(Counter::claim_expired).kind, CounterKind::drop);
  EXPECT_EQ(info(Counter::pool_exhausted).name, "pool_exhausted");
}

TEST(Counters, a_block_counts_each_counter_apart) {
  const auto block = std::make_unique<CounterBlock>();
  block->add(Counter::rx_packets);
  block->add(Counter::rx_packets, 31);
  block->add(Counter::pool_exhausted);
  EXPECT_EQ(block->get(Counter::rx_packets), 32u);
  EXPECT_EQ(block->get(Counter::pool_exhausted), 1u);
  EXPECT_EQ(block->get(Counter::tx_packets), 0u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.get()) % 64, 0u)
      << "blocks of two threads share no cache line";
}

}  // namespace
}  // namespace rgw
