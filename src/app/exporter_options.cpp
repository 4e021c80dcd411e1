#include "realmgw/app/exporter_options.hpp"

#include "realmgw/net/transport.hpp"

#include <charconv>
#include <getopt.h>
#include <optional>
#include <string_view>

namespace rgw::app {
namespace {

std::optional<std::chrono::milliseconds> time_limit(std::string_view text) {
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds == 0 || seconds > 60)
    return std::nullopt;
  return std::chrono::seconds{seconds};
}

}  // namespace

const char* const exporter_help =
    "Usage: realmgw-exporter [--socket PATH] [--listen ADDRESS:PORT] [--timeout SECONDS]\n"
    "\n"
    "Serves the metrics of a running Realm Gateway to Prometheus, at http://ADDRESS:PORT/metrics. Needs no\n"
    "privilege but the right to connect to the gateway's socket, which the group realmgw has.\n"
    "\n"
    "  -s, --socket PATH          the gateway's socket (default /run/realmgw/realmgw.sock)\n"
    "  -l, --listen ADDRESS:PORT  where to serve (default 127.0.0.1:9853); of IPv6: [ADDRESS]:PORT. Port 0: "
    "one\n"
    "                             that the kernel chooses. Whoever reaches it can read the metrics.\n"
    "  -t, --timeout SECONDS      what the gateway may take to answer, 1 to 60 (default 4); less than\n"
    "                             Prometheus's scrape_timeout\n"
    "  -h, --help                 this text\n"
    "  -V, --version              the version\n"
    "\n"
    "Where the gateway does not answer, realmgw_up is 0 and the other metrics are absent; the log tells "
    "why.\n"
    "\n"
    "Exit status: 0 after SIGTERM or SIGINT; 1 a failed start; 2 a bad command line.\n";

std::variant<ExporterOptions, std::string> parse_exporter_options(int argc, char* const* argv) {
  static const option known[] = {
      {"socket", required_argument, nullptr, 's'},  {"listen", required_argument, nullptr, 'l'},
      {"timeout", required_argument, nullptr, 't'}, {"help", no_argument, nullptr, 'h'},
      {"version", no_argument, nullptr, 'V'},       {nullptr, 0, nullptr, 0}};
  using Mode = ExporterOptions::Mode;
  ExporterOptions options;
  optind = 0;  // glibc: start afresh, whoever parsed before
  opterr = 0;
  for (int letter = 0; (letter = getopt_long(argc, argv, ":s:l:t:hV", known, nullptr)) != -1;) {
    const int at = optind - 1;
    switch (letter) {
      case 's':
        if (*optarg == '\0') return std::string{"--socket takes a path"};
        options.socket = optarg;
        break;
      case 'l':
        if (!net::Endpoint::parse(optarg))
          return "--listen takes ADDRESS:PORT, as 127.0.0.1:9853 or [::1]:9853, not " + std::string{optarg};
        options.listen = optarg;
        break;
      case 't':
        if (const auto limit = time_limit(optarg)) {
          options.timeout = *limit;
        } else {
          return "--timeout takes a number of seconds from 1 to 60, not " + std::string{optarg};
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
  if (optind < argc) return std::string{"unexpected argument: "} + argv[optind];
  return options;
}

}  // namespace rgw::app
