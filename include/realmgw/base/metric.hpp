// Every metric that is no plain counter: its name, kind, labels and help text, in this one place. The
// gateway's answer to `metrics`, realmgw-exporter and docs/metrics.md are made from this list and from that
// of the counters (counter.hpp). The names are a promise: what stands here stays.
#pragma once

#include "realmgw/base/counter.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rgw {

enum class MetricKind : std::uint8_t { gauge, counter, histogram };

// clang-format off
/// name (after `realmgw_`), kind, labels (a blank between two), help.
#define RGW_METRICS(X) \
  /* the gateway */ \
  X(up,                              gauge,     "",                    "whether the gateway answers: 1, or 0 and there is no other metric of it") \
  X(build_info,                      gauge,     "version",             "always 1; the version of the gateway that runs") \
  X(start_time_seconds,              gauge,     "",                    "when the gateway started, in Unix time") \
  X(uptime_seconds,                  gauge,     "",                    "how long the gateway has run") \
  X(reloads_total,                   counter,   "result",              "reloads of the realm file and changes of added hosts: reloaded, unchanged, mistakes (refused), restart (refused, a restart is needed)") \
  X(last_reload_successful,          gauge,     "",                    "whether the last reload went through; 1 also where there was none") \
  X(last_reload_success_timestamp_seconds, gauge, "",                  "when the realm in force was taken into force, in Unix time") \
  X(trouble_active,                  gauge,     "trouble subject",     "whether something is wrong now that the log tells of, too: 1 or 0; link_down (subject: the port), router_lost (subject: the router), upstream_dead (subject: the upstream), pool_exhausted, ports_exhausted, sessions_full, reservations_full, upstreams_failing, control_overloaded, workers_overloaded, no_buffers, alg_full, updates_not_kept, session_log_lost, session_log_stuck (subject: the file or the collector), kernel_forwards (subject: what), www_not_written (subject: why)") \
  X(drops_total,                     counter,   "reason",              "packets whose way ended badly; reason: a counter among the drops below") \
  /* ports */ \
  X(port_info,                       gauge,     "port side device fault", "always 1; the device of a port, and what takes it away: none, interface_gone or program_gone") \
  X(port_up,                         gauge,     "port",                "whether the port has a link") \
  X(port_receive_packets_total,      counter,   "port",                "packets that the device received") \
  X(port_receive_bytes_total,        counter,   "port",                "bytes that the device received") \
  X(port_receive_missed_total,       counter,   "port",                "packets that the device had no room for") \
  X(port_receive_errors_total,       counter,   "port",                "packets that the device received with an error") \
  X(port_transmit_packets_total,     counter,   "port",                "packets that the device sent") \
  X(port_transmit_bytes_total,       counter,   "port",                "bytes that the device sent") \
  X(port_transmit_errors_total,      counter,   "port",                "packets that the device could not send") \
  X(packet_buffers,                  gauge,     "",                    "packet buffers that there are") \
  X(packet_buffers_free,             gauge,     "",                    "packet buffers that are free; those that lie in the rings of devices are not") \
  /* workers */ \
  X(worker_turn_seconds,             histogram, "worker",              "how long the turns of a worker took that had something to do; the rate of its sum is the worker's busy share") \
  X(worker_receive_packets_total,    counter,   "worker",              "packets that a worker received from ports") \
  X(worker_transmit_packets_total,   counter,   "worker",              "packets that a worker gave to ports for sending") \
  X(worker_sessions,                 gauge,     "worker",              "sessions of a worker") \
  /* tables */ \
  X(table_entries,                   gauge,     "table thread",        "entries of a table of bounded size; thread: worker0, worker1, ... with sessions, mappings, reservations, proxies, pinholes, inspected_sessions, fragmented_datagrams, held_fragments, stored_syns, neighbours; and control with pool_claims, pool_waiting, dns_cache") \
  X(table_capacity,                  gauge,     "table thread",        "entries that the table has room for") \
  /* sessions and outside addresses */ \
  X(sessions,                        gauge,     "",                    "sessions of all workers") \
  X(session_log_records_total,       counter,   "sink",                "records of the session log that were written; sink: file or collector") \
  X(session_log_sink_lost_total,     counter,   "sink",                "records of the session log that a sink has not got, those that the rings had no room for included; sink: file or collector") \
  X(session_log_waiting_bytes,       gauge,     "sink",                "bytes of the session log that wait for a sink: file or collector") \
  X(session_log_sink_up,             gauge,     "sink",                "whether the session log's file can be written, and its collector is connected: 1 or 0") \
  X(external_sessions,               gauge,     "address",             "sessions that have this outside address; the first 256 addresses are listed") \
  X(external_ports_in_use,           gauge,     "address protocol",    "ports (of ICMP: identifiers) of an outside address that are in use or held back, as a service's are") \
  X(external_ports,                  gauge,     "address protocol",    "ports of an outside address that outbound sessions may use, those in use included; 0 where none leaves with it any more") \
  /* the Circular Pool */ \
  X(pool_addresses,                  gauge,     "family state",        "addresses of the pool: reserved (a reservation stands on them), resting (one stood there a moment ago), free") \
  X(pool_unproven_addresses,         gauge,     "family",              "addresses that were taken, when they carried nothing, for queries without proof (GUARD-1)") \
  X(pool_reservations,               gauge,     "",                    "reservations that stand") \
  X(pool_claims_pending,             gauge,     "",                    "claims of these reservations that no packet has taken yet") \
  X(pool_waiting,                    gauge,     "",                    "DNS queries that wait for an address") \
  X(pool_service_seconds,            histogram, "",                    "T_service: how long it took from the reservation to the packet that claimed it; what expired is not in it") \
  /* DNS */ \
  X(dns_answer_seconds,              histogram, "kind",                "how long it took from taking up a query to its answer; kind: own (known at once: the zones, the pool, or the cache), waited (for an address of the pool), recursive (an upstream was asked)") \
  X(dns_upstream_attempts_total,     counter,   "upstream result",     "questions put to an upstream, by what came of them: answered, failed, silent (nothing before the next one was asked), unreachable; they begin at 0 again where a reload changes the upstreams") \
  X(dns_upstream_preferred,          gauge,     "upstream",            "whether the upstream is asked first: 1 or 0") \
  X(dns_cache_bytes,                 gauge,     "",                    "memory that the DNS cache uses")
// clang-format on

enum class Metric : std::uint8_t {
#define RGW_METRIC_ENUM(name, kind, labels, help) name,
  RGW_METRICS(RGW_METRIC_ENUM)
#undef RGW_METRIC_ENUM
};

struct MetricInfo {
  std::string_view name;
  MetricKind kind;
  std::string_view labels;
  std::string_view help;
};

inline constexpr auto metric_infos = std::to_array<MetricInfo>({
#define RGW_METRIC_INFO(name, kind, labels, help) {#name, MetricKind::kind, labels, help},
    RGW_METRICS(RGW_METRIC_INFO)
#undef RGW_METRIC_INFO
});

[[nodiscard]] constexpr const MetricInfo& info(Metric metric) {
  return metric_infos[static_cast<std::size_t>(metric)];
}

/// As Prometheus knows it.
[[nodiscard]] inline std::string metric_name(const MetricInfo& metric) {
  return "realmgw_" + std::string{metric.name};
}
/// Of a counter; all drops are one metric, with the counter's name as `reason`.
[[nodiscard]] inline std::string metric_name(const CounterInfo& counter) {
  return counter.kind == CounterKind::drop ? metric_name(info(Metric::drops_total))
                                           : "realmgw_" + std::string{counter.name} + "_total";
}

}  // namespace rgw
