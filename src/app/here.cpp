#include "realmgw/app/here.hpp"

#include "realmgw/app/buffers.hpp"
#include "realmgw/app/device_name.hpp"
#include "realmgw/control/controller.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace rgw::app {
namespace {

using Weight = Finding::Weight;

std::uint64_t number(std::string_view text, int base = 10) {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  std::uint64_t value = 0;
  std::from_chars(text.data() + begin, text.data() + text.size(), value, base);
  return value;
}

/// The value of "Key:  value" among a file's lines.
std::optional<std::string> value_of(const Machine& machine, const std::string& file, std::string_view key) {
  for (const auto& line : machine.lines(file)) {
    if (line.starts_with(key) && line.substr(key.size()).starts_with(":"))
      return line.substr(std::min(line.find_first_not_of(" \t", key.size() + 1), line.size()));
  }
  return std::nullopt;
}

bool has_driver(const config::Realm& realm, std::string_view driver) {
  return std::ranges::any_of(realm.ports,
                             [&](const config::Port& port) { return port.device.starts_with(driver); });
}

bool has_cards(const config::Realm& realm) {
  return std::ranges::any_of(realm.ports, [](const config::Port& port) { return is_card(port.device); });
}

void find_core(unsigned cpu, const std::string& key, const Machine& machine, Findings& found) {
  if (machine.usable_cpus.contains(cpu)) return;
  const std::string name = "CPU " + std::to_string(cpu);
  if (machine.has("sys/devices/system/cpu/cpu" + std::to_string(cpu))) {
    found.push_back(
        {Weight::error,
         key + ": " + name + " is kept from this process, or switched off (cpuset, AllowedCPUs=, taskset)",
         "grep Cpus_allowed_list /proc/self/status; cat /sys/devices/system/cpu/online"});
    return;
  }
  const auto there = machine.line("sys/devices/system/cpu/online");
  found.push_back({Weight::error,
                   key + ": there is no " + name + (there ? "; this machine has " + *there : std::string{}),
                   "lscpu --extended    # names those that there are"});
}

}  // namespace

std::string Finding::to_line() const {
  return what + "; try: " + cure.substr(0, cure.find("    #"));  // without the remark
}

std::string to_string(std::span<const Finding> findings) {
  std::string text;
  for (const auto weight : {Weight::error, Weight::warning}) {
    for (const auto& one : findings) {
      if (one.weight != weight) continue;
      text += (weight == Weight::error ? "here: " : "here: warning: ") + one.what + "\n";
      text += "      " + one.cure + "\n";
    }
  }
  return text;
}

/// What a start looks at, too.
static Findings find_first(const config::Realm& realm, const Machine& machine) {
  Findings found;
  find_capabilities(realm, machine, found);
  find_locked_memory(realm, machine, found);
  find_cores(realm, machine, found);
  find_missing_devices(realm, machine, found);
  find_forwarding(realm, machine, found);
  return found;
}

Findings obstacles(const config::Realm& realm, const Machine& machine) {
  Findings found = find_first(realm, machine);
  std::erase_if(found, [](const Finding& one) { return one.weight != Weight::error; });
  return found;
}

Findings check_here(const config::Realm& realm, const Machine& machine) {
  Findings found = find_first(realm, machine);
  find_cards(realm, machine, found);
  find_interface_settings(realm, machine, found);
  find_holders(realm, machine, found);
  find_taken_ports(realm, machine, found);
  find_web_server(realm, machine, found);
  find_memory(realm, machine, found);
  return found;
}

void find_cores(const config::Realm& realm, const Machine& machine, Findings& found) {
  const auto& workers = realm.workers;
  for (const unsigned cpu : workers.cores) find_core(cpu, "workers.cores", machine, found);
  if (workers.control) find_core(*workers.control, "workers.control", machine, found);
  if (workers.cores.empty() && workers.idle == config::Workers::Idle::poll &&
      workers.count > machine.usable_cpus.size()) {
    found.push_back(
        {Weight::warning,
         std::to_string(workers.count) + " workers poll on " + std::to_string(machine.usable_cpus.size()) +
             " CPUs: they take the time from each other",
         "workers: { count: " + std::to_string(std::max<std::size_t>(machine.usable_cpus.size(), 1)) +
             " }, or workers: { idle: rest }"});
  }
}

void find_capabilities(const config::Realm& realm, const Machine& machine, Findings& found) {
  const auto text = value_of(machine, "proc/self/status", "CapEff");
  if (!text) return;
  const std::uint64_t held = number(*text, 16);
  struct Needed {
    const char* name;
    unsigned bit;  // <linux/capability.h>
    bool needed;
    const char* for_what;
  };
  constexpr unsigned net_bind_service = 10, net_admin = 12, net_raw = 13, sys_admin = 21;
  const bool xdp = has_driver(realm, "net_af_xdp"), packet = has_driver(realm, "net_af_packet");
  const auto first_free = machine.line("proc/sys/net/ipv4/ip_unprivileged_port_start");
  const bool serves_names = !realm.dns.listen.empty() && number(first_free.value_or("1024")) > ring::dns_port;
  const Needed all[] = {{"CAP_NET_ADMIN", net_admin, true, "the interfaces rgw-..."},
                        {"CAP_NET_RAW", net_raw, xdp || packet, "AF_XDP and packet sockets"},
                        // libxdp asks the kernel for its program by number, which CAP_BPF does not allow.
                        {"CAP_SYS_ADMIN", sys_admin, xdp, "the XDP program of AF_XDP"},
                        {"CAP_NET_BIND_SERVICE", net_bind_service, serves_names, "port 53"}};
  for (const auto& one : all) {
    if (!one.needed || (held >> one.bit & 1) != 0) continue;
    found.push_back({Weight::error,
                     std::string{"the capability "} + one.name + " is missing, for " + one.for_what,
                     std::string{"run it as root, or as a service with AmbientCapabilities="} + one.name});
  }
}

namespace {

/// Memory that the kernel or a card must find in its place, in bytes.
std::uint64_t locked_memory(const config::Realm& realm) {
  std::uint64_t bytes =
      has_driver(realm, "net_af_xdp") || has_cards(realm) ? packet_memory_mib(realm) << 20 : 0;
  for (const auto& port : realm.ports) {
    if (!port.device.starts_with("net_af_packet")) continue;
    const auto argument = [&](const char* key, const char* otherwise) {  // as the driver has them
      return number(device_argument(port.device, key).value_or(otherwise));
    };
    bytes += 2 * argument("framesz", "2048") * argument("framecnt", "512");  // a ring each way
  }
  return bytes;
}

}  // namespace

void find_locked_memory(const config::Realm& realm, const Machine& machine, Findings& found) {
  constexpr unsigned ipc_lock = 14;
  const auto capabilities = value_of(machine, "proc/self/status", "CapEff");
  if (!capabilities || (number(*capabilities, 16) >> ipc_lock & 1) != 0) return;
  constexpr std::string_view title = "Max locked memory";
  for (const auto& line : machine.lines("proc/self/limits")) {
    if (!line.starts_with(title) || line.find("unlimited") < line.find_first_of("0123456789")) continue;
    const std::uint64_t may = number(std::string_view{line}.substr(title.size())),
                        needed = locked_memory(realm);
    if (may >= needed) return;
    found.push_back(
        {Weight::error,
         "this process may lock " + std::to_string(may >> 20) + " MiB of memory, and devices need " +
             std::to_string((needed >> 20) + 1) + " MiB",
         "ulimit -l unlimited, of a service LimitMEMLOCK=infinity, or the capability CAP_IPC_LOCK"});
  }
}

void find_memory(const config::Realm& realm, const Machine& machine, Findings& found) {
  const std::size_t needed = packet_memory_mib(realm);
  const auto kib = [&](const char* key) {
    return number(value_of(machine, "proc/meminfo", key).value_or("0"));
  };
  const std::uint64_t page_kib = kib("Hugepagesize"), free_pages = kib("HugePages_Free");
  const std::uint64_t huge_mib = free_pages * page_kib >> 10;
  if (huge_mib >= needed) return;
  if (page_kib != 0) {
    const std::uint64_t more = ((needed - huge_mib) * 1024 + page_kib - 1) / page_kib;
    found.push_back({Weight::warning,
                     (huge_mib == 0 ? std::string{"no huge pages are free"}
                                    : "huge pages of " + std::to_string(huge_mib) + " MiB are free") +
                         ", and packets need " + std::to_string(needed) +
                         " MiB: ordinary memory is used, which costs speed",
                     "sysctl -w vm.nr_hugepages=" + std::to_string(kib("HugePages_Total") + more)});
  }
  if (const auto available = kib("MemAvailable") >> 10; available != 0 && available < needed) {
    found.push_back(
        {Weight::error,
         std::to_string(available) + " MiB of memory are free, and packets need " + std::to_string(needed) +
             " MiB",
         "fewer workers or ports; see what takes the memory: ps -eo rss,comm --sort=-rss | head"});
  }
}

void find_holders(const config::Realm& realm, const Machine& machine, Findings& found) {
  const bool has_socket = !realm.control_socket.empty();
  if (const auto holder = has_socket ? machine.socket_holder(realm.control_socket) : std::nullopt) {
    found.push_back({Weight::error, "a gateway answers at " + realm.control_socket + " already, " + *holder,
                     "realmgwctl --socket " + realm.control_socket +
                         " status    # then stop it, or change control: { socket: }"});
  }
  for (const auto& port : realm.ports) {
    const auto holder = machine.device_holder(port.device);
    if (holder) {
      found.push_back({Weight::error, "port " + port.name + " (" + port.device + ") is held by " + *holder,
                       "stop that one first"});
    }
    const std::string own = "rgw-" + port.name;
    if (!holder && machine.interface(own)) {
      found.push_back({Weight::error,
                       "there is an interface " + own + " already, and the gateway makes one of that name",
                       "ip link delete " + own + "    # or stop the process that has it"});
    }
  }
  if (!machine.has("dev/net/tun"))
    found.push_back({Weight::error, "there is no /dev/net/tun, for the interfaces rgw-...", "modprobe tun"});
}

namespace {

/// As /proc/net/udp and its like write an address: words of 32 bits in the byte order of the machine.
std::string as_the_kernel_writes(const net::IpAddress& address) {
  std::string text;
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (std::size_t word = 0; word < address.size(); word += 4) {
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint8_t byte = address.data()[word + 3 - i];
      text += digits[byte >> 4];
      text += digits[byte & 15];
    }
  }
  return text;
}

/// The process that has the socket, and its name: "dnsmasq (process 812)".
std::string owner_of(const Machine& machine, const std::string& inode) {
  const std::string wanted = "socket:[" + inode + "]";
  for (const auto& process : machine.names("proc")) {
    if (process.find_first_not_of("0123456789") != std::string::npos) continue;
    for (const auto& file : machine.names("proc/" + process + "/fd")) {
      if (machine.link("proc/" + process + "/fd/" + file) == wanted)
        return machine.line("proc/" + process + "/comm").value_or("a process") + " (process " + process + ")";
    }
  }
  return "another process";
}

void find_taken(const net::Endpoint& endpoint, const Machine& machine, std::string_view protocol,
                const std::string& key, Findings& found) {
  const bool v6 = endpoint.address.is_v6();
  std::array<char, 5> port{};
  std::snprintf(port.data(), port.size(), "%04X", endpoint.port);
  const std::string own = as_the_kernel_writes(endpoint.address) + ":" + port.data();
  const std::string any = std::string(v6 ? 32 : 8, '0') + ":" + port.data();
  for (const auto& line : machine.lines("proc/net/" + std::string{protocol} + (v6 ? "6" : ""))) {
    std::vector<std::string> words;
    for (std::size_t from = line.find_first_not_of(' '); from < line.size();) {
      const auto to = std::min(line.find(' ', from), line.size());
      words.push_back(line.substr(from, to - from));
      from = line.find_first_not_of(' ', to);
    }
    constexpr std::size_t address = 1, state = 3, inode = 9;
    if (words.size() <= inode || (words[address] != own && words[address] != any)) continue;
    if (protocol == "tcp" && words[state] != "0A") continue;  // it does not listen
    const std::string owner = owner_of(machine, words[inode]);
    found.push_back({Weight::error,
                     owner + " has port " + std::to_string(endpoint.port) + " (" + std::string{protocol} +
                         ") of " + (words[address] == any ? "all addresses" : endpoint.address.to_string()) +
                         ", which the gateway serves",
                     "stop it, or keep it to other addresses (of dnsmasq: --bind-interfaces); else " + key});
    return;
  }
}

}  // namespace

void find_taken_ports(const config::Realm& realm, const Machine& machine, Findings& found) {
  for (const auto& endpoint : control::dns_endpoints(realm)) {
    for (const auto* protocol : {"udp", "tcp"})
      find_taken(endpoint, machine, protocol, "dns: { listen: } with other addresses", found);
  }
  for (const auto& endpoint : control::pcp_endpoints(realm))
    find_taken(endpoint, machine, "udp", "no pcp: section", found);
}

void find_web_server(const config::Realm& realm, const Machine& machine, Findings& found) {
  if (realm.www.proxy == config::Www::Proxy::none) return;
  const bool complete =
      machine.has("usr/sbin/nginx") && machine.has("usr/lib/nginx/modules/ngx_stream_module.so");
  if (complete) return;
  found.push_back({Weight::warning, "www.proxy: nginx or its stream module is missing",
                   "apt install nginx libnginx-mod-stream && systemctl disable --now nginx"});
}

}  // namespace rgw::app
