#include "realmgw/app/ctl_commands.hpp"

#include "realmgw/app/ctl_capture.hpp"
#include "realmgw/app/ctl_report.hpp"
#include "realmgw/app/ctl_tables.hpp"
#include "realmgw/app/ctl_trace.hpp"
#include "realmgw/app/ctl_who.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

namespace rgw::app {
namespace {

using nlohmann::ordered_json;

constexpr CtlOption limit{"limit", "N", "at most N of them"};
constexpr CtlOption watch{
    "watch", "SECONDS", "again and again, every 2 seconds unless said otherwise, until Ctrl-C", {}, true};
constexpr CtlOption host{"host", "HOST", "whose inside end has this address, prefix or name of a host"};
constexpr CtlOption port{"port", "N", "one of whose ends has this port: inside, external or remote"};
constexpr CtlOption proto{"proto", "PROTOCOL", "of tcp, udp, icmp or sctp", "tcp udp icmp sctp"};
constexpr CtlOption remote{"remote", "ADDRESS", "whose remote end has this address, or is of this prefix"};

/// Asks by `word`, followed by those options of the command that were given, each with its value.
auto asks(std::string word) {
  return [word = std::move(word)](const CtlRequest& request) {
    std::string line = word;
    for (const auto& [name, value] : request.options) {
      if (name != watch.name) line += " " + std::string{name} + (value.empty() ? "" : " " + value);
    }
    return line;
  };
}

auto shows(std::string (*table)(const ordered_json&)) {
  return [table](const ordered_json& answer, const CtlRequest&) { return table(answer); };
}

/// The same with the argument before the options.
auto asks_about(std::string word) {
  return [word = std::move(word)](const CtlRequest& request) {
    return asks(word + " " + request.argument)(request);
  };
}

/// Of a reload.
bool was_done(const ordered_json& answer) {
  const auto& result = answer.at("result");
  return result != "mistakes" && result != "restart needed";
}

std::string deleted(const ordered_json& answer) {
  const auto count = answer.at("deleted").get<std::uint64_t>();
  return std::to_string(count) + (count == 1 ? " session deleted\n" : " sessions deleted\n");
}

std::string www_text(const ordered_json& answer) {
  return answer.at("text").get<std::string>();
}

/// The filter comes last, for it has blanks.
std::string filtered_line(std::string line, const CtlRequest& request) {
  for (const char* name : {"where", "count", "seconds", "keep"}) {
    if (request.has(name)) line += std::string{" "} + name + " " + request.options.at(name);
  }
  return request.argument.empty() ? line : line + " filter " + request.argument;
}

std::vector<CtlCommand> make_commands() {
  std::vector<CtlCommand> all;
  all.push_back({.name = "status",
                 .summary = "how the gateway is: ports, workers, sessions, packet buffers, pool",
                 .text = "Shows ports, workers, sessions, packet buffers and the use of the pool.",
                 .options = {watch},
                 .ask = asks("status"),
                 .show = shows(status_table)});
  all.push_back({.name = "sessions",
                 .summary = "the sessions, with both of their sides",
                 .text = "Lists the sessions of all workers; where options describe some, those alone.",
                 .options = {host, port, proto, remote, limit, watch},
                 .ask = asks("sessions"),
                 .show = shows(sessions_table)});
  all.push_back(
      {.name = "sessions delete",
       .summary = "ends sessions",
       .text = "Ends the sessions that the options describe, and tells how many. A TCP connection that is\n"
               "ended does not go on. A host that goes on sending UDP begins a new session.",
       .options = {host, port, proto, remote, {"all", {}, "all sessions that there are"}},
       .ask = asks("sessions delete"),
       .show = shows(deleted)});
  all.push_back(
      {.name = "who",
       .summary = "who has, or had, an external address and port",
       .text =
           "Tells which host has an external address and port now, by the sessions and the session log, or\n"
           "had it at a time, by the session log alone. Reads FILE.10 to FILE.1, too. A time is in UTC, as\n"
           "@2026-11-30T14:38:55Z, or in seconds since 1970. Of ICMP the identifier stands for the port.\n"
           "\n"
           "  realmgwctl who 198.51.100.1:4711 tcp @2026-11-30T14:38:55Z",
       .options = {{"remote", "ADDRESS", "with whom"},
                   {"log", "FILE", "this session log, without asking the gateway"}},
       .argument = "ADDRESS:PORT [PROTOCOL] [@TIME]",
       .argument_is = "an address and port",
       .several = true,
       .closing = "Exit status 1: nobody, as far as is known.",
       .act = run_who});
  all.push_back(
      {.name = "log",
       .summary = "how the session log does: its file and its collector",
       .text =
           "Shows where the session log is written: how many records, how many are lost, what waits, and\n"
           "why nothing goes there, if so.",
       .options = {watch},
       .ask = asks("log"),
       .show = shows(session_log_table)});
  all.push_back(
      {.name = "bib",
       .summary = "the mappings: inside and external endpoints, static and dynamic",
       .text = "Lists the mappings of inside endpoints to external ones: the static ones of the realm file,\n"
               "those that hosts have asked for (PCP), and those that sessions have made where the mapping\n"
               "is endpoint-independent.",
       .options = {limit, watch},
       .ask = asks("bib"),
       .show = shows(bib_table)});
  all.push_back(
      {.name = "eam",
       .summary = "the stateless maps: prefix, addresses, NPTv6",
       .text = "Shows the stateless translation: its prefix and its explicit address maps, and the prefixes\n"
               "that stand for each other (NPTv6).",
       .options = {limit},
       .ask = asks("eam"),
       .show = shows(eam_table)});
  all.push_back(
      {.name = "map",
       .summary = "what one address becomes on the other side, and by which rule",
       .text = "Shows what an address becomes on the other side, and by which rule, in the order in which a\n"
               "packet meets the rules: stateless map, static mapping, reservation, prefix, proxy, outbound\n"
               "NAT.",
       .argument = "ADDRESS",
       .argument_is = "an address",
       .ask = [](const CtlRequest& request) { return "map " + request.argument; },
       .show = shows(map_table)});
  all.push_back({.name = "pool",
                 .summary = "the addresses of the Circular Pool, and who has reserved them",
                 .text = "Shows each address of the Circular Pool and each reservation.",
                 .options = {watch},
                 .ask = asks("pool"),
                 .show = shows(pool_table)});
  all.push_back(
      {.name = "guard",
       .summary = "who must prove his address before he gets a reservation, and how it stands",
       .text = "Shows how the guard stands: whether whoever asks must prove his address now, how many\n"
               "addresses and claims whoever has not holds, how many prefixes are remembered, how often\n"
               "each rate was too high, and what has become of SYNs that met a reservation. The rates are\n"
               "of each worker.",
       .options = {watch},
       .ask = asks("guard"),
       .show = shows(guard_table)});
  for (const auto* name : {"hosts", "host list"}) {
    all.push_back(
        {.name = name,
         .summary = "the hosts that the world may be let in to",
         .text = "Lists the hosts of the realm, how many claims are pending for each, and which of them\n"
                 "were added at run time: by an operator, or by DNS updates (\"dynamic\", at most 10,000).",
         .options = {watch},
         .ask = asks("hosts"),
         .show = shows(hosts_table)});
  }
  all.push_back(
      {.name = "host add",
       .summary = "adds a host that the world may be let in to",
       .text =
           "Adds a host beside those of the realm file, with one inside address or one of each family. It\n"
           "is kept in the state directory, so it outlives a restart, and what the file says of other\n"
           "things stays as it is in force.",
       .options = {{"services", "LIST", "only these, like tcp22,udp5060; otherwise all"},
                   {"www", {}, "gives it a web name"},
                   {"proxy-protocol", {}, "and its TLS a PROXY header; only with --www"},
                   {"no-alg", {}, "no ALG reads its sessions"}},
       .argument = "NAME ADDRESS [ADDRESS]",
       .argument_is = "a name and an address or two",
       .several = true,
       .ask = asks_about("host add"),
       .show = shows(reload_report),
       .done = was_done});
  all.push_back({.name = "host remove",
                 .summary = "removes a host that was added at run time",
                 .text = "Removes a host that `host add` or a DNS update has added. Its sessions end.",
                 .argument = "NAME",
                 .argument_is = "the name of a host",
                 .ask = asks_about("host remove"),
                 .show = shows(reload_report),
                 .done = was_done});
  all.push_back(
      {.name = "www config",
       .summary = "nginx's configuration for the web names of hosts",
       .text =
           "Prints the configuration that the realm in force makes, and that the gateway has written for\n"
           "the service realmgw-www.",
       .ask = asks("www config"),
       .show = shows(www_text)});
  all.push_back(
      {.name = "alg",
       .summary = "application-layer gateways and their pinholes",
       .text = "Shows the protocols whose text is read: their sessions and pinholes, and what came of their\n"
               "messages.",
       .options = {watch},
       .ask = asks("alg"),
       .show = shows(alg_table)});
  all.push_back(
      {.name = "pinholes",
       .summary = "what application-layer gateways let in and out, and for whom",
       .text =
           "Lists what application-layer gateways let in and out: the ends, the remote where it is known,\n"
           "the sessions that have come through, and until when another may. The conversation is the one\n"
           "whose text has announced the pinhole.",
       .options = {limit, watch},
       .ask = asks("pinholes"),
       .show = shows(pinholes_table)});
  all.push_back(
      {.name = "pcp",
       .summary = "the mappings that hosts have asked for",
       .text = "Lists the mappings that hosts have asked for by PCP (1000 unless said otherwise), and how\n"
               "long they last. The port of one that rests is nobody else's yet.",
       .options = {limit, watch},
       .ask = asks("pcp"),
       .show = shows(pcp_table)});
  all.push_back({.name = "cache",
                 .summary = "what upstream name servers answered",
                 .text =
                     "Shows the use of the DNS cache and its most recently used answers (100 unless said\n"
                     "otherwise).",
                 .options = {limit, watch},
                 .ask = asks("cache"),
                 .show = shows(cache_table)});
  all.push_back({.name = "counters",
                 .summary = "what happened to packets and queries",
                 .text = "Shows the counters that are not zero, and what they mean.",
                 .options = {{"all", {}, "those that are zero, too"},
                             {"per-thread", {}, "for each thread instead of their sum"},
                             watch},
                 .ask =
                     [](const CtlRequest& request) {
                       return request.has("per-thread") ? "counters per-thread" : "counters";
                     },
                 .show =
                     [](const ordered_json& answer, const CtlRequest& request) {
                       return request.has("per-thread")
                                  ? counters_per_thread_table(answer, request.has("all"))
                                  : counters_table(answer, request.has("all"));
                     }});
  all.push_back(
      {.name = "capture",
       .summary = "packets as they come and go, or are dropped, for tshark and tcpdump",
       .text =
           "Writes the packets that the filter describes (pcap-filter(7), as tcpdump takes it; none: all) "
           "as\n"
           "pcapng, to a file or to standard output: those that come and go by the ports, so each as it is\n"
           "before and after translation, or those that are dropped, with the counter's name as comment.\n"
           "It ends with Ctrl-C. Packets that nobody takes in time are lost, and counted.\n"
           "\n"
           "  realmgwctl capture 'host 10.0.0.42 and tcp' | tshark -i -",
       .options = {{"where", "PLACE",
                    "inside, outside: only that side's ports; drops; signalling: what ALGs read and write",
                    "inside outside drops signalling"},
                   {"count", "N", "at most N packets"},
                   {"seconds", "N", "for N seconds"},
                   {"keep", "N", "only the first N bytes of each packet"},
                   {"write", "FILE", "into this file"},
                   {"to", "INTERFACE", "sent on through this interface of the kernel's, instead: a mirror"}},
       .argument = "[FILTER]",
       .argument_is = "a filter",
       .several = true,
       .may_lack_argument = true,
       .act = [](const CtlRequest& request) {
         return write_capture(request, filtered_line("capture", request));
       }});
  all.push_back(
      {.name = "trace",
       .summary = "the way of single packets through the gateway, stage by stage",
       .text =
           "Follows the packets that the filter describes (pcap-filter(7), as tcpdump takes it; none: all) "
           "as\n"
           "they come by a port: what each stage found out, what it counted, the addresses before and after\n"
           "translation, and where the packet's way ended. It ends with Ctrl-C.\n"
           "\n"
           "  realmgwctl trace --count 3 'host 10.0.0.42 and udp port 53'",
       .options = {{"count", "N", "at most N walks"}, {"seconds", "N", "for N seconds"}},
       .argument = "[FILTER]",
       .argument_is = "a filter",
       .several = true,
       .may_lack_argument = true,
       .act = [](const CtlRequest& request) {
         return show_trace(request, filtered_line("trace", request));
       }});
  all.push_back(
      {.name = "report",
       .summary = "a page with pictures of the next half minute",
       .text =
           "Looks at the gateway for a while, and makes one page of HTML that needs no other file: the pool\n"
           "and its reservations over time, T_service, DNS, workers, sessions, traffic, drops, and the "
           "hosts\n"
           "with the most sessions.",
       .options = {{"seconds", "N", "for N seconds (30 unless said otherwise)"},
                   {"write", "FILE", "into this file (report.html unless said otherwise)"}},
       .act = write_report});
  all.push_back(
      {.name = "reload",
       .summary = "reads the realm file again, and goes by it from then on",
       .text =
           "Reads the realm file again and goes by it, all or nothing, and tells what applies now, which\n"
           "sessions end, and what only a restart could bring. Sessions that the change does not concern\n"
           "go on. Waits until it is done.",
       .options = {{"dry-run", {}, "only tells"}},
       .closing =
           "Exit status 1: the file has mistakes, or a restart is needed; the gateway goes on as it was.",
       .ask = asks("reload"),
       .show = shows(reload_report),
       .done = was_done});
  all.push_back(
      {.name = "completion",
       .summary = "a script that completes this command line in a shell",
       .text =
           "Prints a script that completes realmgwctl's command line. It asks no gateway. For this shell:\n"
           "\n"
           "  bash: source <(realmgwctl completion bash)\n"
           "  zsh:  source <(realmgwctl completion zsh), after compinit",
       .argument = "SHELL",
       .argument_is = "the name of a shell",
       .choices = "bash zsh"});
  return all;
}

/// "  --limit N       at most N of them"
std::string described(std::string left, std::string_view help, std::size_t width) {
  left.resize(std::max(left.size(), width), ' ');
  return "  " + left + "  " + std::string{help} + "\n";
}

std::string spelled(const CtlOption& option) {
  std::string text = "--" + std::string{option.name};
  if (option.value.empty()) return text;
  const std::string value{option.value};
  return text + (option.may_lack_value ? "[=" + value + "]" : " " + value);
}

}  // namespace

std::span<const CtlCommand> ctl_commands() {
  static const std::vector<CtlCommand> all = make_commands();
  return all;
}

std::span<const CtlGeneralOption> ctl_general_options() {
  static constexpr CtlGeneralOption all[] = {
      {'s', {"socket", "PATH", "the gateway's socket (default /run/realmgw/realmgw.sock)"}},
      {'j', {"json", {}, "print the answer as JSON"}},
      {'h', {"help", {}, "this text; after a command: its own"}},
      {'V', {"version", {}, "the version"}}};
  return all;
}

std::string ctl_help() {
  std::string text =
      "Usage: realmgwctl [--socket PATH] [--json] COMMAND [OPTION ...]\n"
      "\n"
      "Asks a running Realm Gateway.\n"
      "\n";
  std::size_t width = 0;
  for (const auto& command : ctl_commands()) width = std::max(width, command.name.size());
  for (const auto& command : ctl_commands())
    text += described(std::string{command.name}, command.summary, width);
  text += "\n";
  for (const auto& [letter, option] : ctl_general_options())
    text += described(std::string{'-', letter} + ", " + spelled(option), option.help, 17);
  return text +
         "\nExit status: 0 success, 1 the gateway refused, 2 a bad command line, 3 the gateway cannot be "
         "reached.\n";
}

std::string ctl_help(const CtlCommand& command) {
  std::string text = "Usage: realmgwctl " + std::string{command.name};
  if (!command.argument.empty()) text += " " + std::string{command.argument};
  if (!command.options.empty()) text += " [OPTION ...]";
  text += "\n\n" + std::string{command.text} + "\n";
  std::size_t width = 0;
  for (const auto& option : command.options) width = std::max(width, spelled(option).size());
  if (!command.options.empty()) text += "\n";
  for (const auto& option : command.options) text += described(spelled(option), option.help, width);
  if (!command.closing.empty()) text += "\n" + std::string{command.closing} + "\n";
  return text;
}

}  // namespace rgw::app
