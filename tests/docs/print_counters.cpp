// Prints docs/counters.md from the list in base/counter.hpp.
#include "realmgw/base/counter.hpp"

#include <iostream>

int main() {
  using rgw::CounterKind;
  const auto section = [](CounterKind kind, std::string_view title, std::string_view text) {
    std::cout << "\n## " << title << "\n\n" << text << "\n\n| counter | what it counts |\n|---|---|\n";
    for (const auto& counter : rgw::counter_infos) {
      if (counter.kind == kind) std::cout << "| `" << counter.name << "` | " << counter.help << " |\n";
    }
  };
  std::cout << "# Counters\n\n"
               "Made from `include/realmgw/base/counter.hpp` by `print_counters`; a test compares. "
               "`realmgwctl counters` shows\n"
               "their values, summed over the threads. Every packet that comes in ends in exactly one "
               "counter of the first\n"
               "two kinds, or waits (a held fragment, a packet whose next hop is being resolved).\n";
  section(CounterKind::packet_end, "Ends of a packet's way",
          "The packet was sent, answered, or handed to the kernel.");
  section(CounterKind::drop, "Drops", "The packet's way ended badly; the counter says why.");
  section(CounterKind::event, "Events", "Something happened; no packet ended by it.");
}
