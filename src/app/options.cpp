#include "realmgw/app/options.hpp"

#include <cstdlib>
#include <getopt.h>
#include <string_view>

namespace rgw::app {

const char* const daemon_help =
    "Usage: realmgwd --config FILE [--state DIRECTORY] [--log-level LEVEL]\n"
    "       realmgwd --check [--here] FILE\n"
    "\n"
    "The Realm Gateway: a NAT that lets the world in.\n"
    "\n"
    "  -c, --config FILE      serve the realm of FILE, in the foreground, until SIGTERM or SIGINT\n"
    "  -s, --state DIRECTORY  keep there what changes at run time, as added hosts; by default where\n"
    "                         STATE_DIRECTORY says, which systemd sets; without it nothing is kept\n"
    "  -k, --check FILE       print every mistake in FILE; exit 0 where there is none, else 1\n"
    "      --here             with --check: also what this machine lacks, each with what to do about it\n"
    "  -l, --log-level LEVEL  trace, debug, info (the default), warning, error, critical or off\n"
    "  -h, --help             this text\n"
    "  -V, --version          the version\n"
    "\n"
    "Exit status: 0 success; 1 a failed start, or mistakes that --check has found; 2 a bad command line;\n"
    "78 a realm file that cannot be served.\n";

std::variant<DaemonOptions, std::string> parse_daemon_options(int argc, char* const* argv) {
  constexpr int here = 256;
  static const option known[] = {
      {"config", required_argument, nullptr, 'c'},    {"check", required_argument, nullptr, 'k'},
      {"state", required_argument, nullptr, 's'},     {"here", no_argument, nullptr, here},
      {"log-level", required_argument, nullptr, 'l'}, {"help", no_argument, nullptr, 'h'},
      {"version", no_argument, nullptr, 'V'},         {nullptr, 0, nullptr, 0}};
  using Mode = DaemonOptions::Mode;
  DaemonOptions options;
  bool chosen = false;
  optind = 0;  // glibc: start afresh, whoever parsed before
  opterr = 0;
  for (int letter = 0; (letter = getopt_long(argc, argv, ":c:k:s:l:hV", known, nullptr)) != -1;) {
    const int at = optind - 1;
    switch (letter) {
      case 'c':
      case 'k':
        if (chosen) return std::string{"--config and --check are given once, and not together"};
        chosen = true;
        options.mode = letter == 'c' ? Mode::run : Mode::check;
        options.file = optarg;
        // `--check --here FILE`: the word after --check is no file.
        if (letter == 'k' && options.file == "--here") {
          options.here = true;
          options.file.clear();
        }
        break;
      case here:
        options.here = true;
        break;
      case 's':
        options.state = optarg;
        break;
      case 'l':
        options.log_level = spdlog::level::from_str(optarg);
        if (options.log_level == spdlog::level::off && std::string{optarg} != "off") {
          return std::string{"unknown log level: "} + optarg;
        }
        break;
      case 'h':
        options.mode = Mode::help;
        return options;
      case 'V':
        options.mode = Mode::version;
        return options;
      case ':':
        return std::string{argv[at]} + " needs an argument";
      default:
        return std::string{"unknown option: "} + argv[at];
    }
  }
  if (chosen && options.file.empty() && optind < argc) options.file = argv[optind++];
  if (chosen && options.file.empty()) return std::string{"--check needs an argument"};
  if (options.here && options.mode != Mode::check) return std::string{"--here goes with --check"};
  if (optind < argc) return std::string{"unexpected argument: "} + argv[optind];
  if (const char* state = std::getenv("STATE_DIRECTORY"); state != nullptr && options.state.empty()) {
    const std::string_view all{state};  // of several, the first
    options.state = all.substr(0, all.find(':'));
  }
  if (!chosen) return std::string{"a realm file is needed: --config FILE"};
  return options;
}

}  // namespace rgw::app
