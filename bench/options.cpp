#include "bench/options.hpp"

#include <charconv>
#include <stdexcept>

namespace rgw::bench {

const char* const usage = R"(realmgw-bench: what the gateway costs, in cycles of the time stamp counter

  realmgw-bench [OPTION]...

  --sessions LIST  session counts to measure at, with Ki and Mi (default 1,4Ki,64Ki,1Mi,10Mi)
  --filter TEXT    only rows whose name contains TEXT
  --stages         the cycles of each stage of the packet path, too
  --rounds N       measure so often and print the median (default 5)
  --cpu N          run on this CPU alone
  --json           a list of objects instead of a table
  --quick          a few seconds and one round: shows that it runs, says nothing about speed
  --no-huge        packet buffers in small pages, which needs no privilege
  --help           this text

A row of the packet path compares the worker's whole loop with a plain forward between the same two ports in
the same run. Examples:

  realmgw-bench --cpu 1                                  everything
  realmgw-bench --cpu 1 --sessions 64Ki --filter NAT44   one line of the targets
  realmgw-bench --sessions 64Ki --stages --filter stage  where the cycles go
  realmgw-bench --json --filter DNS                      the control thread's part, for a script
)";

std::uint32_t parse_count(std::string_view text) {
  std::string_view digits = text;
  std::uint64_t unit = 1;
  for (const auto& [suffix, value] : {std::pair{std::string_view{"Ki"}, 1ULL << 10}, {"Mi", 1ULL << 20}}) {
    if (!digits.ends_with(suffix)) continue;
    digits.remove_suffix(suffix.size());
    unit = value;
    break;
  }
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  constexpr std::uint64_t most = 64U << 20;
  if (error != std::errc{} || end != digits.data() + digits.size() || count == 0 || count > most / unit) {
    throw std::invalid_argument{"\"" + std::string{text} + "\" is no count from 1 to 64Mi"};
  }
  return static_cast<std::uint32_t>(count * unit);
}

Options parse_options(int argc, const char* const* argv) {
  Options options;
  bool sessions_given = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const auto value = [&]() -> std::string_view {
      if (++i == argc) throw std::invalid_argument{std::string{option} + " wants a value"};
      return argv[i];
    };
    if (option == "--sessions") {
      options.sessions.clear();
      sessions_given = true;
      std::string_view list = value();
      for (;;) {
        const auto comma = list.find(',');
        options.sessions.push_back(parse_count(list.substr(0, comma)));
        if (comma == std::string_view::npos) break;
        list.remove_prefix(comma + 1);
      }
    } else if (option == "--filter") {
      options.filter = value();
    } else if (option == "--rounds") {
      options.rounds = parse_count(value());
    } else if (option == "--cpu") {
      const std::string_view text = value();
      unsigned cpu = 0;
      if (std::from_chars(text.data(), text.data() + text.size(), cpu).ptr != text.data() + text.size() ||
          text.empty()) {
        throw std::invalid_argument{"--cpu wants the number of a CPU"};
      }
      options.cpu = cpu;
    } else if (option == "--json") {
      options.json = true;
    } else if (option == "--quick") {
      options.quick = true;
    } else if (option == "--stages") {
      options.stages = true;
    } else if (option == "--no-huge") {
      options.no_huge = true;
    } else if (option == "--help" || option == "-h") {
      options.help = true;
    } else {
      throw std::invalid_argument{"unknown option " + std::string{option} + "; see --help"};
    }
  }
  if (options.quick) {
    options.rounds = 1;
    if (!sessions_given) options.sessions = {1, 4U << 10};
  }
  return options;
}

}  // namespace rgw::bench
