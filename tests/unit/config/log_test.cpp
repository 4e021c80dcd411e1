// log, and outbound.port_blocks: what is read, what follows from what, and what is refused (OPS-6).
#include "support.hpp"

namespace rgw::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Transport = SessionLog::Collector::Transport;

TEST(SessionLogKeys, are_off_unless_written) {
  const Realm realm = realm_with("");
  EXPECT_FALSE(realm.session_log.on());
  EXPECT_EQ(realm.outbound.port_blocks.size, 0U);
}

TEST(SessionLogKeys, say_where_and_what_is_logged) {
  const SessionLog log =
      realm_with(
          "log: { sessions: { file: /var/log/s.log, rotate: { size: 1Mi, keep: 3 },\n"
          "  syslog: 'tls://[2001:db8::9]:6514', ca_file: /etc/ca.pem, destinations: true } }\n")
          .session_log;
  EXPECT_EQ(log.file, "/var/log/s.log");
  EXPECT_EQ(log.rotate_size, 1U << 20);
  EXPECT_EQ(log.rotate_keep, 3U);
  ASSERT_TRUE(log.syslog);
  EXPECT_EQ(log.syslog->transport, Transport::tls);
  EXPECT_EQ(log.syslog->host, "2001:db8::9");
  EXPECT_EQ(log.syslog->to_string(), "tls://[2001:db8::9]:6514");
  EXPECT_EQ(log.ca_file, "/etc/ca.pem");
  EXPECT_TRUE(log.destinations);
  EXPECT_EQ(log.per, SessionLog::Per::session);
}

TEST(SessionLogKeys, collectors_have_the_ports_of_their_transports) {  // RFC 5426, RFC 5425
  const auto collector = [](const std::string& text) {
    return realm_with("log: { sessions: { destinations: true, syslog: '" + text + "' } }\n")
        .session_log.syslog.value()
        .to_string();
  };
  EXPECT_EQ(collector("udp://collector.example"), "udp://collector.example:514");
  EXPECT_EQ(collector("tcp://192.0.2.9:601"), "tcp://192.0.2.9:601");
  EXPECT_EQ(collector("tls://collector.example"), "tls://collector.example:6514");
  for (const char* bad : {"collector.example", "http://collector.example", "udp://", "udp://:514",
                          "udp://a_b", "udp://x:0", "udp://x:70000", "tcp://[2001:db8::9",
                          "tcp://[192.0.2.9]:1", "tcp://2001:db8::9", "tls://x:514/path"}) {
    EXPECT_EQ(problems_with("log: { sessions: { syslog: '" + std::string{bad} + "' } }\n").size(), 1U) << bad;
  }
}

TEST(SessionLogKeys, log_blocks_where_there_are_some) {
  const Realm realm = realm_with("outbound: { port_blocks: 512 }\nlog: { sessions: { file: /s.log } }\n");
  EXPECT_EQ(realm.outbound.port_blocks.size, 512U);
  EXPECT_EQ(realm.session_log.per, SessionLog::Per::block);
  EXPECT_EQ(realm_with("outbound: { port_blocks: 512 }\nlog: { sessions: { file: /s.log, per: session } }\n")
                .session_log.per,
            SessionLog::Per::session);
  EXPECT_THAT(problems_with("log: { sessions: { file: /s.log, per: block } }\n"),
              ElementsAre("f:8:39: log.sessions.per: there are no blocks: write outbound.port_blocks"));
}

TEST(SessionLogKeys, that_cannot_work_are_refused) {
  EXPECT_THAT(problems_with("log: { sessions: { destinations: true } }\n"),
              ElementsAre(HasSubstr("log.sessions: says neither a file nor a collector (syslog)")));
  EXPECT_THAT(problems_with("log: { sessions: { file: /s.log, ca_file: /ca.pem } }\n"),
              ElementsAre(HasSubstr("log.sessions.ca_file: only a collector at tls:// has a certificate")));
  for (const char* bad : {"file: s.log", "file: /var/log/", "file: /s.log, rotate: { size: 100 }",
                          "file: /s.log, rotate: { keep: 1001 }", "file: /s.log, per: host"}) {
    EXPECT_EQ(problems_with("log: { sessions: { " + std::string{bad} + " } }\n").size(), 1U) << bad;
  }
}

TEST(SessionLogKeys, that_do_not_tell_hosts_apart_are_a_warning) {
  const std::string log = "log: { sessions: { file: /s.log } }\n";
  EXPECT_THAT(warnings_with(log), ElementsAre(HasSubstr("a port may have been several hosts' at one time")));
  EXPECT_THAT(warnings_with("outbound: { port_blocks: 64 }\n" + log), IsEmpty());
  EXPECT_THAT(warnings_with("outbound: { mapping: endpoint-independent }\n" + log), IsEmpty());
  EXPECT_THAT(warnings_with("log: { sessions: { file: /s.log, destinations: true } }\n"), IsEmpty());
}

TEST(PortBlockKeys, are_powers_of_two_of_which_each_worker_has_some) {
  const auto blocks =
      realm_with("outbound: { port_blocks: { size: 1Ki, per_host: 4, hold: 30s } }\n").outbound.port_blocks;
  EXPECT_EQ(blocks.size, 1024U);
  EXPECT_EQ(blocks.per_host, 4U);
  EXPECT_EQ(blocks.hold, std::chrono::seconds{30});
  for (const char* bad : {"8", "100", "16384", "many"})
    EXPECT_EQ(problems_with("outbound: { port_blocks: " + std::string{bad} + " }\n").size(), 1U) << bad;
  EXPECT_THAT(problems_with("workers: { count: 8 }\noutbound: { port_blocks: 8192 }\n"),
              ElementsAre(HasSubstr("at most 4096")));
  EXPECT_THAT(problems_with("workers: { count: 8 }\noutbound: { port_blocks: 4096 }\n"), IsEmpty());
}

}  // namespace
}  // namespace rgw::config
