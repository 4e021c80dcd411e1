// log: who had which external port when (OPS-6).
#include <algorithm>
#include <bit>
#include <limits>

#include "sections.hpp"
#include "validate.hpp"

namespace rgw::config {
namespace {

constexpr Choice<SessionLog::Per> pers[] = {{"session", SessionLog::Per::session},
                                            {"block", SessionLog::Per::block}};

bool absolute_path(const Value& value, std::string& out) {
  return parsed(value, out, "an absolute path", [](const std::string& text) {
    const bool good = text.starts_with('/') && !text.ends_with('/') && text.size() < 4096 &&
                      text.find('\0') == std::string::npos;
    return good ? std::optional{text} : std::nullopt;
  });
}

// 0: somebody else rotates the file.
bool rotate_size(const Value& value, std::uint64_t& out) {
  return parsed(value, out, "0 (off) or a number of bytes from 64Ki on, like 64Mi",
                [](std::string_view text) {
                  const auto number = parse_count(text);
                  return number && (*number == 0 || *number >= 65'536) ? number : std::nullopt;
                });
}

struct Scheme {
  std::string_view begins;
  SessionLog::Collector::Transport transport;
  std::uint16_t port;
};
// RFC 5426 section 3.3, RFC 6587 section 3.2 (no port of its own), RFC 5425 section 4.1.
constexpr Scheme schemes[] = {{"udp://", SessionLog::Collector::Transport::udp, 514},
                              {"tcp://", SessionLog::Collector::Transport::tcp, 514},
                              {"tls://", SessionLog::Collector::Transport::tls, 6514}};

std::optional<SessionLog::Collector> parse_collector(std::string_view text) {
  const auto scheme = std::find_if(std::begin(schemes), std::end(schemes),
                                   [&](const Scheme& one) { return text.starts_with(one.begins); });
  if (scheme == std::end(schemes)) return std::nullopt;
  text.remove_prefix(scheme->begins.size());
  SessionLog::Collector collector{scheme->transport, {}, scheme->port};
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == text.npos || !net::Ipv6Address::parse(text.substr(1, end - 1))) return std::nullopt;
    collector.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    const std::string host{text.substr(0, colon)};
    if (!net::Ipv4Address::parse(host) && !parse_host_name(host)) return std::nullopt;
    collector.host = host;
    port = colon == text.npos ? std::string_view{} : text.substr(colon);
  }
  if (port.empty()) return collector;
  const auto number = port.starts_with(':') ? parse_number(port.substr(1)) : std::nullopt;
  if (!number || *number == 0 || *number > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  collector.port = static_cast<std::uint16_t>(*number);
  return collector;
}

bool collector(const Value& value, std::optional<SessionLog::Collector>& out) {
  SessionLog::Collector read;
  if (!parsed(value, read, "udp://, tcp:// or tls:// with a host, like tls://collector.example:6514",
              parse_collector))
    return false;
  out = std::move(read);
  return true;
}

std::string collector_text(const SessionLog& log) {
  return log.syslog ? log.syslog->to_string() : std::string{};
}

constexpr Key<SessionLog> rotate_keys[] = {
    key<&SessionLog::rotate_size, rotate_size>("size", Change::restart),
    key<&SessionLog::rotate_keep, count<std::uint32_t, 0, 1'000>>("keep", Change::restart),
};

bool rotate(const Value& value, SessionLog& log) {
  return read_map(value, log, rotate_keys);
}

constexpr Key<SessionLog> session_keys[] = {
    key<&SessionLog::file, absolute_path>("file", Change::restart),
    {"rotate", rotate, std::nullopt, nullptr},
    {"syslog", into<&SessionLog::syslog, collector>, Change::restart, by<collector_text>},
    key<&SessionLog::ca_file, absolute_path>("ca_file", Change::restart),
    key<&SessionLog::per, one_of<pers>>("per", Change::restart),
    key<&SessionLog::destinations, boolean>("destinations", Change::restart),
};

bool sessions(const Value& value, Realm& realm) {
  return read_map(value, realm.session_log, session_keys);
}

constexpr Key<Realm> keys[] = {{"sessions", sessions, std::nullopt, nullptr}};

bool read_log(const Value& value, Realm& realm) {
  return read_map(value, realm, keys);
}

}  // namespace

std::string SessionLog::Collector::to_string() const {
  const auto scheme = std::find_if(std::begin(schemes), std::end(schemes),
                                   [this](const Scheme& one) { return one.transport == transport; });
  const bool v6 = host.find(':') != std::string::npos;
  return std::string{scheme->begins} + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

void validate_log(const Realm& realm, Report& report) {
  const SessionLog& log = realm.session_log;
  const std::uint32_t block = realm.outbound.port_blocks.size;
  if (block * realm.workers.count > 32'768)
    report.problem(report.where("outbound.port_blocks"),
                   "of " + std::to_string(realm.workers.count) + " workers none owns " +
                       std::to_string(block) + " ports in a row for two hosts: at most " +
                       std::to_string(32'768 / std::bit_ceil(realm.workers.count)));
  if (!report.clean("outbound.port_blocks") || !report.clean("log")) return;
  if (log.per == SessionLog::Per::block && block == 0)
    report.problem(report.where("log.sessions.per"), "there are no blocks: write outbound.port_blocks");
  if (!log.ca_file.empty() && (!log.syslog || log.syslog->transport != SessionLog::Collector::Transport::tls))
    report.problem(report.where("log.sessions.ca_file"), "only a collector at tls:// has a certificate");
  if (report.written("log.sessions") && !log.on())
    report.problem(report.where("log.sessions"), "says neither a file nor a collector (syslog)");
  if (log.on() && log.per == SessionLog::Per::session && !log.destinations &&
      realm.outbound.mapping == Outbound::Mapping::address_and_port_dependent && block == 0)
    report.warning(report.where("log.sessions"),
                   "hosts share external ports, so without destinations or outbound.port_blocks a port may "
                   "have been several hosts' at one time");
}

const Section log_section{map_key("log", read_log), [](Tables& tables) {
                            tables.keys("log.", keys, std::identity{});
                            tables.keys("log.sessions.", session_keys, &Realm::session_log);
                            tables.keys("log.sessions.rotate.", rotate_keys, &Realm::session_log);
                          }};

}  // namespace rgw::config
