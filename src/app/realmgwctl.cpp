// realmgwctl: asks a running gateway, and shows what it says.
#include "realmgw/app/ctl_client.hpp"
#include "realmgw/app/ctl_tables.hpp"
#include "realmgw/app/version.hpp"

#include <cstdio>
#include <exception>
#include <functional>
#include <getopt.h>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

namespace {

using nlohmann::ordered_json;

enum ExitStatus : int { success = 0, refused = 1, bad_usage = 2, unreachable = 3 };

constexpr const char* general_help =
    "Usage: realmgwctl [--socket PATH] [--json] COMMAND [OPTION ...]\n"
    "\n"
    "Asks a running Realm Gateway.\n"
    "\n"
    "  status     how the gateway is: ports, workers, sessions, packet buffers, pool\n"
    "  sessions   the sessions, with both of their sides\n"
    "  bib        the mappings: inside and external endpoints, static and dynamic\n"
    "  eam        the stateless maps: prefix, addresses, NPTv6\n"
    "  map        what one address becomes on the other side, and by which rule\n"
    "  pool       the addresses of the Circular Pool, and who has reserved them\n"
    "  hosts      the hosts that the world may be let in to\n"
    "  alg        application-layer gateways and their pinholes\n"
    "  pinholes   what application-layer gateways let in and out, and for whom\n"
    "  pcp        the mappings that hosts have asked for\n"
    "  cache      what upstream name servers answered\n"
    "  counters   what happened to packets and queries\n"
    "  reload     reads the realm file again, and goes by it from then on\n"
    "\n"
    "  -s, --socket PATH  the gateway's socket (default /run/realmgw/realmgw.sock)\n"
    "  -j, --json         print the answer as JSON\n"
    "  -h, --help         this text; after a command: its own\n"
    "  -V, --version      the version\n"
    "\n"
    "Exit status: 0 success, 1 the gateway refused, 2 a bad command line, 3 the gateway cannot be reached.\n";

struct Options {
  std::string socket = "/run/realmgw/realmgw.sock";
  bool json = false;
  std::string limit;
  bool all = false;
  bool per_thread = false;
  bool dry_run = false;
  std::string argument;  ///< of a command that takes one
};

struct Command {
  const char* help;
  std::function<std::string(const Options&)> request;
  std::function<std::string(const ordered_json&, const Options&)> show;
  const char* argument = nullptr;  ///< what it is called, of a command that takes one
  /// Does the answer say that it was done? Empty: it always does.
  std::function<bool(const ordered_json&)> done{};
};

const std::map<std::string, Command>& commands() {
  static const std::map<std::string, Command> all{
      {"status",
       {"Usage: realmgwctl status\n\nShows ports, workers, sessions, packet buffers and the use of the "
        "pool.\n",
        [](const Options&) { return "status"; },
        [](const ordered_json& answer, const Options&) { return rgw::app::status_table(answer); }}},
      {"sessions",
       {"Usage: realmgwctl sessions [--limit N]\n\nLists the sessions of all workers, at most N of them.\n",
        [](const Options& options) {
          return options.limit.empty() ? "sessions" : "sessions limit " + options.limit;
        },
        [](const ordered_json& answer, const Options&) { return rgw::app::sessions_table(answer); }}},
      {"bib",
       {"Usage: realmgwctl bib [--limit N]\n\nLists the mappings of inside endpoints to external ones, at "
        "most N "
        "of them: the static ones of\nthe realm file, those that hosts have asked for (PCP), and those that "
        "sessions have "
        "made\nwhere the mapping is endpoint-independent.\n",
        [](const Options& options) { return options.limit.empty() ? "bib" : "bib limit " + options.limit; },
        [](const ordered_json& answer, const Options&) { return rgw::app::bib_table(answer); }}},
      {"eam",
       {"Usage: realmgwctl eam [--limit N]\n\nShows the stateless translation: its prefix and its explicit "
        "address maps, at most N of them,\nand the prefixes that stand for each other (NPTv6).\n",
        [](const Options& options) { return options.limit.empty() ? "eam" : "eam limit " + options.limit; },
        [](const ordered_json& answer, const Options&) { return rgw::app::eam_table(answer); }}},
      {"map",
       {"Usage: realmgwctl map ADDRESS\n\nShows what an address becomes on the other side, and by which "
        "rule, in "
        "the order in which a\npacket meets the rules: stateless map, static mapping, reservation, prefix, "
        "proxy, outbound NAT.\n",
        [](const Options& options) { return "map " + options.argument; },
        [](const ordered_json& answer, const Options&) { return rgw::app::map_table(answer); },
        "an address"}},
      {"pool",
       {"Usage: realmgwctl pool\n\nShows each address of the Circular Pool and each reservation.\n",
        [](const Options&) { return "pool"; },
        [](const ordered_json& answer, const Options&) { return rgw::app::pool_table(answer); }}},
      {"hosts",
       {"Usage: realmgwctl hosts\n\nLists the hosts of the realm file, and how many claims are pending for "
        "each.\n",
        [](const Options&) { return "hosts"; },
        [](const ordered_json& answer, const Options&) { return rgw::app::hosts_table(answer); }}},
      {"alg",
       {"Usage: realmgwctl alg\n\nShows the protocols whose text is read: their sessions and pinholes, and "
        "what "
        "came\nof their messages.\n",
        [](const Options&) { return "alg"; },
        [](const ordered_json& answer, const Options&) { return rgw::app::alg_table(answer); }}},
      {"pinholes",
       {"Usage: realmgwctl pinholes [--limit N]\n\nLists what application-layer gateways let in and out, at "
        "most N "
        "of them: the ends, the remote\nwhere it is known, the sessions that have come through, and until "
        "when another may. The\nconversation is the one whose text has announced the pinhole.\n",
        [](const Options& options) {
          return options.limit.empty() ? "pinholes" : "pinholes limit " + options.limit;
        },
        [](const ordered_json& answer, const Options&) { return rgw::app::pinholes_table(answer); }}},
      {"pcp",
       {"Usage: realmgwctl pcp [--limit N]\n\nLists the mappings that hosts have asked for by PCP, at most N "
        "of "
        "them (default\n1000), and how long they last. The port of one that rests is nobody else's yet.\n",
        [](const Options& options) { return options.limit.empty() ? "pcp" : "pcp limit " + options.limit; },
        [](const ordered_json& answer, const Options&) { return rgw::app::pcp_table(answer); }}},
      {"cache",
       {"Usage: realmgwctl cache [--limit N]\n\nShows the use of the DNS cache and its most recently used "
        "answers, at most N of\nthem (default 100).\n",
        [](const Options& options) {
          return options.limit.empty() ? "cache" : "cache limit " + options.limit;
        },
        [](const ordered_json& answer, const Options&) { return rgw::app::cache_table(answer); }}},
      {"counters",
       {"Usage: realmgwctl counters [--all] [--per-thread]\n\nShows the counters that are not zero, and what "
        "they mean.\n\n"
        "  --all         those that are zero, too\n"
        "  --per-thread  for each thread instead of their sum\n",
        [](const Options& options) { return options.per_thread ? "counters per-thread" : "counters"; },
        [](const ordered_json& answer, const Options& options) {
          return options.per_thread ? rgw::app::counters_per_thread_table(answer, options.all)
                                    : rgw::app::counters_table(answer, options.all);
        }}},
      {"reload",
       {"Usage: realmgwctl reload [--dry-run]\n\nReads the realm file again and goes by it, all or nothing, "
        "and "
        "tells what applies now, which\nsessions end, and what only a restart could bring. Sessions that the "
        "change does not concern\ngo on. Waits until it is done.\n\n"
        "  --dry-run  only tells\n\n"
        "Exit status 1: the file has mistakes, or a restart is needed; the gateway goes on as it was.\n",
        [](const Options& options) { return options.dry_run ? "reload dry-run" : "reload"; },
        [](const ordered_json& answer, const Options&) { return rgw::app::reload_report(answer); }, nullptr,
        [](const ordered_json& answer) {
          const auto& result = answer.at("result");
          return result != "mistakes" && result != "restart needed";
        }}},
  };
  return all;
}

int usage_error(const std::string& what) {
  std::fprintf(stderr, "realmgwctl: %s\nTry 'realmgwctl --help'.\n", what.c_str());
  return bad_usage;
}

int ask(const Command& command, const Options& options) {
  const std::string text = rgw::app::ask_gateway(options.socket, command.request(options));
  const auto answer = ordered_json::parse(text, nullptr, false);
  if (answer.is_discarded()) {
    std::fprintf(stderr, "realmgwctl: %s: the gateway broke off\n", options.socket.c_str());
    return unreachable;
  }
  if (answer.is_object() && answer.contains("error")) {
    std::fprintf(stderr, "realmgwctl: %s\n", answer["error"].get<std::string>().c_str());
    return refused;
  }
  const std::string shown = options.json ? answer.dump(2) + "\n" : command.show(answer, options);
  std::fputs(shown.c_str(), stdout);
  return !command.done || command.done(answer) ? success : refused;
}

int run(int argc, char** argv) {
  enum : int { limit = 256, all, per_thread, dry_run };
  static const option known[] = {{"socket", required_argument, nullptr, 's'},
                                 {"json", no_argument, nullptr, 'j'},
                                 {"help", no_argument, nullptr, 'h'},
                                 {"version", no_argument, nullptr, 'V'},
                                 {"limit", required_argument, nullptr, limit},
                                 {"all", no_argument, nullptr, all},
                                 {"per-thread", no_argument, nullptr, per_thread},
                                 {"dry-run", no_argument, nullptr, dry_run},
                                 {nullptr, 0, nullptr, 0}};
  Options options;
  bool help = false;
  opterr = 0;
  for (int letter = 0; (letter = getopt_long(argc, argv, ":s:jhV", known, nullptr)) != -1;) {
    switch (letter) {
      case 's':
        options.socket = optarg;
        break;
      case 'j':
        options.json = true;
        break;
      case 'h':
        help = true;
        break;
      case 'V':
        std::printf("realmgwctl %s\n", rgw::app::version);
        return success;
      case limit:
        options.limit = optarg;
        if (options.limit.empty() || options.limit.find_first_not_of("0123456789") != std::string::npos) {
          return usage_error("--limit takes a number");
        }
        break;
      case all:
        options.all = true;
        break;
      case per_thread:
        options.per_thread = true;
        break;
      case dry_run:
        options.dry_run = true;
        break;
      case ':':
        return usage_error(std::string{argv[optind - 1]} + " needs an argument");
      default:
        return usage_error(std::string{"unknown option: "} + argv[optind - 1]);
    }
  }
  if (optind == argc) {
    if (!help) return usage_error("a command is needed");
    std::fputs(general_help, stdout);
    return success;
  }
  const auto command = commands().find(argv[optind]);
  if (command == commands().end()) return usage_error(std::string{"unknown command: "} + argv[optind]);
  const int first = optind + 1, taken = command->second.argument == nullptr ? 0 : 1;
  if (first + taken < argc) return usage_error(std::string{"unexpected argument: "} + argv[first + taken]);
  if (help) {
    std::fputs(command->second.help, stdout);
    return success;
  }
  if (taken != 0) {
    if (first == argc) return usage_error(std::string{argv[optind]} + " takes " + command->second.argument);
    options.argument = argv[first];
  }
  return ask(command->second, options);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::system_error& error) {
    std::fprintf(stderr, "realmgwctl: %s\n", error.what());
    return unreachable;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "realmgwctl: the gateway's answer cannot be read: %s\n", error.what());
    return refused;
  }
}
