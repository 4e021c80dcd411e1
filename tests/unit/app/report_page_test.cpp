// The page of `realmgwctl report`: what was said is in it, and nothing that was said is markup.
#include "realmgw/app/report_page.hpp"

#include "realmgw/app/chart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::app {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Not;

TEST(ChartTest, numbers_are_short) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(12), "12");
  EXPECT_EQ(short_number(0.05), "0.05");
  EXPECT_EQ(short_number(1234), "1.23k");
  EXPECT_EQ(short_number(999.9), "1k");
  EXPECT_EQ(short_number(5e9), "5G");
  EXPECT_EQ(short_number(5e16), "5e+04T");
}

TEST(ChartTest, a_line_rises_as_its_numbers_do) {
  const auto picture = line_chart("addresses", {{"reserved", {{0, 0}, {10, 5}, {20, 10}}}});
  EXPECT_THAT(picture, HasSubstr("points=\"56.0,192.0 342.0,102.0 628.0,12.0 \""));
  EXPECT_THAT(picture, HasSubstr("reserved: 10"));
}

TEST(ChartTest, nothing_is_a_picture_too) {
  EXPECT_THAT(line_chart("x", {}), HasSubstr("</svg>"));
  EXPECT_THAT(line_chart("x", {{"empty", {}}}), HasSubstr("empty</li>"));
  EXPECT_THAT(bar_chart("x", {}), HasSubstr("</svg>"));
}

TEST(ChartTest, what_names_hold_is_no_markup) {
  for (const auto& picture :
       {line_chart("<u>", {{"<script>\"'&", {{0, 1}}}}), bar_chart("<u>", {{"<script>\"'&", 1}})}) {
    EXPECT_THAT(picture, Not(HasSubstr("<script>")));
    EXPECT_THAT(picture, Not(HasSubstr("<u>")));
    EXPECT_THAT(picture, HasSubstr("&lt;script&gt;&quot;&#39;&amp;"));
  }
}

Moment moment(double at, int reserved, double busy, int dropped) {
  return {at,
          {{"counters", {{"no_route", dropped}, {"rx_packets", 1000}}},
           {"metrics",
            {{"pool_addresses", {{{"IPv4", "reserved"}, reserved}}},
             {"worker_turn_seconds", {{{"0"}, {{"bounds", {0.001}}, {"counts", {1, 0}}, {"sum", busy}}}}},
             {"pool_service_seconds",
              {{ordered_json::array(), {{"bounds", {0.001, 0.5}}, {"counts", {3, 4, 1}}, {"sum", 2.0}}}}}}}}};
}

TEST(ReportPageTest, what_the_gateway_said_is_in_it) {
  Observation observation;
  observation.moments = {moment(0, 1, 0.0, 5), moment(1, 3, 0.25, 7)};
  observation.status = {{"realm", "foo"}, {"version", "1.2"}};
  observation.sessions = {
      {{"inside", "10.0.0.42:5000"}}, {{"inside", "10.0.0.42:5001"}}, {{"inside", "[fd00::1]:80"}}};
  const auto page = report_page(observation);
  for (const char* said :
       {"<h1>Realm Gateway foo</h1>", "Version 1.2", "IPv4 reserved: 3", "worker 0: 25", "500 ms", "no_route",
        "<td class=\"number\">2</td>", "<td>10.0.0.42</td>", "<td>fd00::1</td>"})
    EXPECT_THAT(page, HasSubstr(said));
  EXPECT_THAT(page, Not(HasSubstr("rx_packets"))) << "no drop";
  EXPECT_THAT(page, Not(HasSubstr("http"))) << "it needs no other file";
}

TEST(ReportPageTest, an_answer_of_another_version_makes_a_page_too) {
  for (const char* answer :
       {"{}", "null", "[]", R"({"metrics": 5, "counters": "x"})",
        R"({"metrics": {"sessions": [1, [[2], 3], [["a"]], {}], "pool_addresses": {}}})",
        R"({"metrics": {"pool_service_seconds": [[[], {"bounds": [1], "counts": [1]}]]}})"}) {
    Observation observation;
    observation.moments = {{0, ordered_json::parse(answer)}, {1, ordered_json::parse(answer)}};
    observation.sessions = ordered_json::parse(R"([{"inside": 5}, 7, {"inside": ""}])");
    EXPECT_THAT(report_page(observation), HasSubstr("</html>")) << answer;
  }
}

TEST(ReportPageTest, what_a_realm_is_called_is_no_markup) {
  Observation observation;
  observation.moments = {{0, ordered_json::object()}};
  observation.status = {{"realm", "<script>alert(1)</script>"}};
  EXPECT_THAT(report_page(observation), Not(HasSubstr("<script>")));
}

}  // namespace
}  // namespace rgw::app
