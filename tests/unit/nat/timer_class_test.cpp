// OUT-3: the defaults of the timers.
#include "realmgw/nat/timer_class.hpp"

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using std::chrono::seconds;

TEST(Timeouts, begin_with_the_defaults_of_the_RFCs) {
  constexpr Timeouts timeouts;
  EXPECT_EQ(timeouts[TimerClass::udp], seconds{300});
  EXPECT_EQ(timeouts[TimerClass::tcp_incoming_syn], seconds{6});
  EXPECT_EQ(timeouts[TimerClass::tcp_transitory], seconds{240});
  EXPECT_EQ(timeouts[TimerClass::tcp_established], seconds{7440});
  EXPECT_EQ(timeouts[TimerClass::icmp], seconds{60});
  EXPECT_EQ(timeouts[TimerClass::fragment], seconds{2});
}

TEST(Timeouts, take_what_the_realm_file_says) {
  Timeouts timeouts;
  timeouts.set(TimerClass::udp, seconds{30});
  EXPECT_EQ(timeouts[TimerClass::udp], seconds{30});
  EXPECT_EQ(timeouts[TimerClass::icmp], seconds{60});
}

}  // namespace
}  // namespace rgw::nat
