// What realmgwctl shows people.
#include "realmgw/app/ctl_tables.hpp"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

namespace rgw::app {
namespace {

using nlohmann::ordered_json;

TEST(CtlTablesTest, sessions_stand_in_columns) {
  const auto answer = ordered_json::parse(R"([
    {"protocol":"tcp","origin":"inbound","tcp_state":"established","worker":0,"inside":"10.0.0.42:22",
     "external":"198.51.100.10:22","remote":"203.0.113.10:5000","remote_inside":"203.0.113.10:5000",
     "age_s":61,"idle_s":1,"expires_s":7440},
    {"protocol":"udp","origin":"outbound","worker":1,"inside":"10.0.0.43:9","external":"198.51.100.1:9",
     "remote":"203.0.113.20:53","remote_inside":"203.0.113.20:53","age_s":5,"idle_s":5,"expires_s":295}])");
  EXPECT_EQ(
      sessions_table(answer),
      "PROTO  ORIGIN    STATE        INSIDE        EXTERNAL          REMOTE             AGE    IDLE  "
      "EXPIRES\n"
      "tcp    inbound   established  10.0.0.42:22  198.51.100.10:22  203.0.113.10:5000  1m 1s  1s    2h 4m\n"
      "udp    outbound  -            10.0.0.43:9   198.51.100.1:9    203.0.113.20:53    5s     5s    4m "
      "55s\n");
}

TEST(CtlTablesTest, mappings_stand_in_columns) {
  const auto answer = ordered_json::parse(R"([
    {"kind":"static","protocol":"tcp","worker":0,"inside":"[fd00:10::5]:2000","external":"198.51.100.1:2000","sessions":0},
    {"kind":"dynamic","protocol":"udp","worker":1,"inside":"10.0.0.43:9","external":"198.51.100.1:9","sessions":12}])");
  EXPECT_EQ(bib_table(answer),
            "PROTO  KIND     INSIDE             EXTERNAL           SESSIONS\n"
            "tcp    static   [fd00:10::5]:2000  198.51.100.1:2000         0\n"
            "udp    dynamic  10.0.0.43:9        198.51.100.1:9           12\n");
}

TEST(CtlTablesTest, pinholes_say_for_whom_they_are) {
  const auto answer = ordered_json::parse(R"([
    {"protocol":"udp","arrival":"outside","inside":"10.0.0.42:4000","external":"198.51.100.1:50000","ports":2,
     "remote":"203.0.113.20:9000","worker":0,"sessions":1,"used":true,"expires_s":61,"alg":"sip",
     "conversation":{"host":"10.0.0.42:5060","remote":"203.0.113.10:5060"}},
    {"protocol":"tcp","arrival":"inside","inside":"10.0.0.43","external":"198.51.100.1:50002","ports":1,
     "remote":null,"worker":1,"sessions":0,"used":false,"expires_s":0}])");
  EXPECT_EQ(pinholes_table(answer),
            "PROTO  ALG  FROM     INSIDE          EXTERNAL            PORTS  REMOTE             SESSIONS  "
            "USED  EXPIRES  CONVERSATION\n"
            "udp    sip  outside  10.0.0.42:4000  198.51.100.1:50000      2  203.0.113.20:9000         1  "
            "yes   1m 1s    "
            "10.0.0.42:5060 - 203.0.113.10:5060\n"
            "tcp    -    inside   10.0.0.43       198.51.100.1:50002      1  -                         0  no "
            "   0s       -\n");
}

TEST(CtlTablesTest, stateless_maps_show_their_prefix_first) {
  const auto answer = ordered_json::parse(R"({"prefix":"2001:db8:23::/96","icmp_source":null,
    "npt":[{"inside":"fd00:10::/48","outside":"2001:db8:200::/48"}],
    "maps":[{"ipv4":"10.0.2.0/24","ipv6":"2001:db8:42::200/120","hosts":"ipv6"}]})");
  EXPECT_EQ(eam_table(answer),
            "prefix 2001:db8:23::/96, ICMP source -\n\n"
            "IPV4         IPV6                  HOSTS\n"
            "10.0.2.0/24  2001:db8:42::200/120  ipv6\n"
            "\n"
            "INSIDE        OUTSIDE\n"
            "fd00:10::/48  2001:db8:200::/48\n");
}

TEST(CtlTablesTest, an_address_shows_its_rules_or_that_it_has_none) {
  const auto answer = ordered_json::parse(R"({"address":"10.0.2.9","translations":[
    {"rule":"eam","becomes":"2001:db8:42::209","by":"10.0.2.0/24 = 2001:db8:42::200/120"},
    {"rule":"pool","becomes":null,"by":"no reservation is pending"}]})");
  EXPECT_EQ(map_table(answer),
            "RULE  BECOMES           BY\n"
            "eam   2001:db8:42::209  10.0.2.0/24 = 2001:db8:42::200/120\n"
            "pool  -                 no reservation is pending\n");
  EXPECT_EQ(map_table(ordered_json::parse(R"({"address":"192.0.2.1","translations":[]})")),
            "192.0.2.1: no rule\n");
}

TEST(CtlTablesTest, pool_shows_addresses_and_reservations) {
  const auto answer =
      ordered_json::parse(R"({"addresses":[{"address":"198.51.100.10","state":"carrying","reservations":1},
    {"address":"198.51.100.11","state":"free","reservations":0}],
    "reservations":[{"id":7,"address":"198.51.100.10","service":"tcp22","host":"hosta","claims":2,"expires_ms":1500}],
    "waiting":3})");
  EXPECT_EQ(pool_table(answer),
            "ADDRESS        STATE     RESERVATIONS\n"
            "198.51.100.10  carrying             1\n"
            "198.51.100.11  free                 0\n"
            "\n"
            "ID  ADDRESS        SERVICE  HOST   CLAIMS  EXPIRES_MS\n"
            " 7  198.51.100.10  tcp22    hosta       2        1500\n"
            "\n"
            "3 queries wait for an address\n");
}

TEST(CtlTablesTest, counters_at_zero_are_left_out_unless_asked_for) {
  const auto answer = ordered_json::parse(R"({"rx_packets":12,"no_route":0})");
  EXPECT_EQ(counters_table(answer, false),
            "COUNTER     VALUE  MEANING\n"
            "rx_packets     12  packets received from a port\n");
  EXPECT_EQ(counters_table(answer, true),
            "COUNTER     VALUE  MEANING\n"
            "rx_packets     12  packets received from a port\n"
            "no_route        0  no route to the destination\n");
}

TEST(CtlTablesTest, threads_have_a_column_each) {
  const auto answer = ordered_json::parse(
      R"({"worker0":{"rx_packets":12,"no_route":0},"control":{"rx_packets":0,"no_route":0}})");
  const std::string table = counters_per_thread_table(answer, false);
  EXPECT_NE(table.find("worker0"), std::string::npos);
  EXPECT_NE(table.find("rx_packets"), std::string::npos);
  EXPECT_EQ(table.find("no_route"), std::string::npos);
}

TEST(CtlTablesTest, hosts_show_what_they_accept) {
  const auto answer = ordered_json::parse(
      R"([{"name":"hostb","addresses":["10.0.0.43","fd00:10::43"],"services":["tcp22","udp"],"www":true,"pending":0,"added":true,"dynamic":false}])");
  EXPECT_EQ(hosts_table(answer),
            "HOST   ADDRESSES              SERVICES   WWW  PENDING  ADDED  DYNAMIC\n"
            "hostb  10.0.0.43 fd00:10::43  tcp22 udp  yes        0  yes    no\n");
}

TEST(CtlTablesTest, status_is_told_in_sentences_and_tables) {
  const auto answer = ordered_json::parse(R"({"version":"0.1.0","realm":"foo","uptime_s":90061,
    "workers":[{"id":0,"busy_percent":12,"sessions":3,"rx_packets":10,"tx_packets":9}],
    "ports":[{"name":"inside","side":"inside","device":"net_ring0","link":"up","mac":"02:00:00:00:00:01","mtu":1500,
              "addresses":["10.0.0.1/24"],"rx_packets":1,"tx_packets":2,"rx_missed":0,"rx_errors":0,"tx_errors":0}],
    "sessions":3,"neighbours":2,"mbufs":{"total":100,"free":90},
    "pool":{"addresses":3,"carrying":1,"reservations":2,"claims":4,"waiting":0}})");
  const std::string text = status_table(answer);
  EXPECT_EQ(text.substr(0, text.find('\n')), "realmgwd 0.1.0, realm foo, up 1d 1h");
  EXPECT_NE(text.find("3 sessions, 2 neighbours, 90 of 100 packet buffers free\n"), std::string::npos);
  EXPECT_NE(text.find("inside  inside  up           1     2       0  02:00:00:00:00:01"), std::string::npos)
      << text;
  EXPECT_NE(text.find("WORKER  BUSY %  SESSIONS"), std::string::npos) << text;
  EXPECT_NE(text.find("     0      12         3"), std::string::npos) << text;
}

TEST(CtlTablesTest, what_takes_a_port_away_stands_where_its_link_does) {
  const auto answer = ordered_json::parse(R"({"version":"0.1.0","realm":"foo","uptime_s":1,"workers":[],
    "ports":[{"name":"in","side":"inside","device":"net_null0","link":"down","fault":"interface gone","mac":"m","mtu":1500,
              "addresses":[],"rx_packets":1,"tx_packets":2,"rx_missed":0,"rx_errors":0,"tx_errors":0},
             {"name":"out","side":"outside","device":"net_null1","link":"up","fault":null,"mac":"m","mtu":1500,
              "addresses":[],"rx_packets":1,"tx_packets":2,"rx_missed":0,"rx_errors":0,"tx_errors":0}],
    "sessions":3,"neighbours":2,"mbufs":{"total":100,"free":90},
    "pool":{"addresses":3,"carrying":1,"reservations":2,"claims":4,"waiting":0}})");
  const std::string text = status_table(answer);
  EXPECT_NE(text.find("in    inside   interface gone"), std::string::npos) << text;
  EXPECT_NE(text.find("out   outside  up "), std::string::npos) << text;
}

TEST(CtlTablesTest, an_answer_of_another_shape_is_refused) {
  EXPECT_THROW(static_cast<void>(status_table(ordered_json::array())), ordered_json::exception);
  EXPECT_THROW(static_cast<void>(pool_table(ordered_json::object())), ordered_json::exception);
}

TEST(CtlTablesTest, time_is_told_as_people_do) {
  EXPECT_EQ(span_of_time(0), "0s");
  EXPECT_EQ(span_of_time(59), "59s");
  EXPECT_EQ(span_of_time(60), "1m 0s");
  EXPECT_EQ(span_of_time(3600), "1h 0m");
  EXPECT_EQ(span_of_time(86400), "1d 0h");
}

}  // namespace
}  // namespace rgw::app
