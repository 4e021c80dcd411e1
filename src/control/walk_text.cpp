#include "realmgw/control/walk_text.hpp"

#include "realmgw/control/table_pages.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace rgw::control {
namespace {

using capture::Entry;
using capture::Stage;
using capture::TraceStep;
using nlohmann::ordered_json;

std::string time_text(std::chrono::sys_time<std::chrono::nanoseconds> at) {
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  const std::time_t time = std::chrono::system_clock::to_time_t(second);
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + size, text.size() - size, ".%09lldZ",
                static_cast<long long>((at - second).count()));
  return text.data();
}

std::string came(const ToldWalk& walk) {
  switch (walk.head.entry) {
    case Entry::port:
      return "by port " + walk.ports[walk.head.port.value()];
    case Entry::peer:
      return "from worker " + std::to_string(walk.head.from.value());
    case Entry::alg:
      return "from its ALG";
    case Entry::again:
      break;
  }
  return "once more";
}

std::string tuple(const TraceStep& step) {
  const auto protocol = net::Protocol{step.protocol};
  const bool ports = step.source.port != 0 || step.destination.port != 0;
  const auto end = [&](const net::Endpoint& endpoint) {
    return ports && endpoint.port != 0 ? endpoint.to_string() : endpoint.address.to_string();
  };
  return net::to_string(protocol == net::Protocol::icmp6 ? net::Protocol::icmp : protocol) + " " +
         end(step.source) + " > " + end(step.destination);
}

/// Where a packet's way went on or ended.
std::string outcome(const ToldWalk& walk, std::size_t i) {
  const TraceStep& step = walk.steps[i];
  for (const Counter counter : step.counts()) {
    if (info(counter).kind == CounterKind::drop) return "dropped: " + std::string{info(counter).help};
  }
  for (const Counter counter : step.counts()) {
    if (info(counter).kind == CounterKind::packet_end) return std::string{info(counter).help};
  }
  // Nothing is counted: what the stage before knew tells where it went.
  if (step.stage == Stage::resolve && i != 0) {
    const TraceStep& before = walk.steps[i - 1];
    if (before.has_way && before.has_neighbour) return "to port " + walk.ports[before.port.value()];
    if (before.has_way) return "to control, which looks for " + before.next_hop.to_string();
  }
  for (const Counter counter : step.counts()) return std::string{info(counter).help};
  return step.stage == Stage::map ? "to its port, without a session" : "another part has it";
}

ordered_json step_json(const ToldWalk& walk, std::size_t i) {
  const TraceStep& step = walk.steps[i];
  ordered_json json{{"stage", capture::name(step.stage)}};
  if (step.goes_on) {
    json["packet"] = tuple(step);
    if (step.has_session) json["session"] = ordered_json::parse(describe(step.session));
    if (step.has_way) {
      json["port"] = walk.ports[step.port.value()];
      json["mtu"] = step.mtu;
      if (!step.has_neighbour) json["looks_for"] = step.next_hop.to_string();
    }
  } else if (step.stage != Stage::send) {
    json["ends"] = outcome(walk, i);
  }
  auto& counted = json["counted"] = ordered_json::array();
  for (const Counter counter : step.counts()) counted.push_back(info(counter).name);
  return json;
}

}  // namespace

void append_trace_begun(std::string& text) {
  text += "{\"trace\":\"begun\"}\n";
}

void append_walk(std::string& text, const ToldWalk& walk) {
  ordered_json json{{"packet", walk.number},
                    {"at", time_text(walk.at)},
                    {"worker", walk.head.worker.value()},
                    {"came", came(walk)},
                    {"length", walk.head.length}};
  auto& steps = json["steps"] = ordered_json::array();
  for (std::size_t i = 0; i < walk.steps.size(); ++i) steps.push_back(step_json(walk, i));
  text += json.dump();
  text += '\n';
}

void append_trace_lost(std::string& text, std::uint64_t lost) {
  text += ordered_json{{"lost", lost}}.dump();
  text += '\n';
}

}  // namespace rgw::control
