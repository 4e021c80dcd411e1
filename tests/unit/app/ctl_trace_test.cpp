// How a walk is shown (OPS-3).
#include "realmgw/app/ctl_trace.hpp"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

namespace rgw::app {
namespace {

TEST(CtlTraceTest, each_stage_says_what_those_before_it_have_not) {
  const auto walk = nlohmann::ordered_json::parse(R"({
    "packet": 3, "at": "2026-01-02T03:04:05.000000006Z", "worker": 1, "came": "by port outside", "length": 74,
    "steps": [
      {"stage": "parse", "packet": "tcp 203.0.113.10:4000 > 198.51.100.10:22", "counted": []},
      {"stage": "steer", "packet": "tcp 203.0.113.10:4000 > 198.51.100.10:22", "counted": ["steer_mine"]},
      {"stage": "lookup", "packet": "tcp 203.0.113.10:4000 > 198.51.100.10:22", "counted": []},
      {"stage": "admit", "packet": "tcp 203.0.113.10:4000 > 198.51.100.10:22",
       "session": {"protocol": "tcp", "origin": "inbound", "tcp_state": "outside_init", "inside": "10.0.0.42:22",
                   "external": "198.51.100.10:22", "remote": "203.0.113.10:4000",
                   "remote_inside": "203.0.113.10:4000"},
       "counted": ["session_created_inbound"]},
      {"stage": "egress", "packet": "tcp 203.0.113.10:4000 > 198.51.100.10:22", "port": "inside", "mtu": 1500,
       "looks_for": "10.0.0.42", "counted": []},
      {"stage": "translate", "packet": "tcp 203.0.113.10:4000 > 10.0.0.42:22", "port": "inside", "mtu": 1500,
       "looks_for": "10.0.0.42", "counted": []},
      {"stage": "resolve", "ends": "to control, which looks for 10.0.0.42", "counted": []}
    ]})");
  EXPECT_EQ(walk_table(walk),
            "#3  2026-01-02T03:04:05.000000006Z  worker 1, by port outside, 74 bytes\n"
            "  parse      tcp 203.0.113.10:4000 > 198.51.100.10:22\n"
            "  steer      [steer_mine]\n"
            "  lookup     no session\n"
            "  admit      inbound session: host 10.0.0.42:22, as 198.51.100.10:22, with 203.0.113.10:4000, "
            "outside_init  [session_created_inbound]\n"
            "  egress     by port inside, MTU 1500, no MAC address yet of 10.0.0.42\n"
            "  translate  tcp 203.0.113.10:4000 > 10.0.0.42:22\n"
            "  resolve    -> to control, which looks for 10.0.0.42\n");
}

}  // namespace
}  // namespace rgw::app
