// realm, workers, timers, control: how the daemon runs.
#include <algorithm>

#include "sections.hpp"

namespace rgw::config {
namespace {

constexpr unsigned max_workers = 16;

constexpr Choice<Workers::Idle> idles[] = {{"poll", Workers::Idle::poll}, {"rest", Workers::Idle::rest}};

bool cores(const Value& value, std::vector<unsigned>& out) {
  out.clear();
  bool good = true;
  for (const Value& item : value.items()) {
    std::pair<unsigned, unsigned> range;
    if (!parsed(item, range, "a core like 2 or a range like 2-5", parse_core_range)) {
      good = false;
      continue;
    }
    for (unsigned core = range.first; core <= range.second; ++core) {
      if (std::find(out.begin(), out.end(), core) != out.end()) {
        good = item.problem("core " + std::to_string(core) + " is there twice");
        break;
      }
      if (out.size() == max_workers) {
        return item.problem("more than " + std::to_string(max_workers) + " cores: each is one worker");
      }
      out.push_back(core);
    }
  }
  return good;
}

struct WorkersDraft {
  Workers workers;
  bool has_count = false;
};

bool worker_count(const Value& value, WorkersDraft& draft) {
  draft.has_count = true;
  return count<unsigned, 1, max_workers>(value, draft.workers.count);
}

bool control_core(const Value& value, WorkersDraft& draft) {
  std::pair<unsigned, unsigned> range;
  const auto one_core = [](const std::string& text) {
    const auto cores = parse_core_range(text);
    return cores && cores->first == cores->second ? cores : std::nullopt;
  };
  if (!parsed(value, range, "a core like 2", one_core)) return false;
  draft.workers.control = range.first;
  return true;
}

constexpr Key<WorkersDraft, Workers> worker_keys[] = {
    key<&WorkersDraft::workers, &Workers::cores, cores, Order::counts>("cores", Change::restart),
    {"count", worker_count, Change::restart, by<&Workers::count>},
    key<&WorkersDraft::workers, &Workers::idle, one_of<idles>>("idle", Change::restart),
    {"control", control_core, Change::restart, by<&Workers::control>},
};

bool read_workers(const Value& value, Realm& realm) {
  WorkersDraft draft;
  const bool good = read_map(value, draft, worker_keys);
  const auto named = static_cast<unsigned>(draft.workers.cores.size());
  if (good && named > 0 && draft.has_count && draft.workers.count != named) {
    const Where count = value.report().where(value.path() + ".count");
    value.report().problem(count, std::to_string(draft.workers.count) + " workers on " +
                                      std::to_string(named) +
                                      " cores: leave it out, each core is one worker");
    return false;
  }
  const auto& cores = draft.workers.cores;
  const auto& control = draft.workers.control;
  if (good && control && std::find(cores.begin(), cores.end(), *control) != cores.end()) {
    value.report().problem(
        value.report().where(value.path() + ".control"),
        "core " + std::to_string(*control) + " is a worker's; control needs one of its own");
    return false;
  }
  if (named > 0) draft.workers.count = named;
  realm.workers = std::move(draft.workers);
  return good;
}

// From a second to a month: above, a typing error is likelier than a wish.
constexpr auto timer = duration<1'000, 2'592'000'000>;

constexpr Key<Timers> timer_keys[] = {
    key<&Timers::udp, timer>("udp", Change::now),
    key<&Timers::tcp_established, timer>("tcp_established", Change::now),
    key<&Timers::tcp_transitory, timer>("tcp_transitory", Change::now),
    key<&Timers::tcp_incoming_syn, timer>("tcp_incoming_syn", Change::now),
    key<&Timers::icmp, timer>("icmp", Change::now),
    key<&Timers::fragment, duration<100, 60'000>>("fragment", Change::now),
};

bool read_timers(const Value& value, Realm& realm) {
  return read_map(value, realm.timers, timer_keys);
}

// sockaddr_un holds 107 characters and a zero.
bool socket_path(const Value& value, std::string& out) {
  return parsed(value, out, "an absolute path of at most 107 characters", [](const std::string& text) {
    const bool good = text.starts_with('/') && text.size() <= 107 && text.find('\0') == std::string::npos;
    return good ? std::optional{text} : std::nullopt;
  });
}

constexpr Key<Realm> control_keys[] = {key<&Realm::control_socket, socket_path>("socket", Change::restart)};

bool read_control(const Value& value, Realm& realm) {
  return read_map(value, realm, control_keys);
}

}  // namespace

const Section realm_section{key<&Realm::name, host_name>("realm", Change::restart, required), [](Tables&) {}};
const Section workers_section{map_key("workers", read_workers),
                              [](Tables& tables) { tables.keys("workers.", worker_keys, &Realm::workers); }};
const Section timers_section{map_key("timers", read_timers),
                             [](Tables& tables) { tables.keys("timers.", timer_keys, &Realm::timers); }};
const Section control_section{map_key("control", read_control),
                              [](Tables& tables) { tables.keys("control.", control_keys, std::identity{}); }};

}  // namespace rgw::config
