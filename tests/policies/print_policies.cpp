// Prints docs/guard-policies.md: what each policy is worth against each attack, on identical arrivals.
#include <array>
#include <cstdio>
#include <string>

#include "tests/policies/arrivals.hpp"
#include "tests/policies/realm_model.hpp"

namespace {

using namespace rgw;
using namespace rgw::policies;
using namespace std::chrono_literals;

constexpr auto length = 120s;
constexpr std::uint64_t seed = 2026;

struct Attack {
  const char* what;
  Kind kind;
  double rate;
  bool plain;
};
constexpr Attack attacks[] = {
    {"none", Kind::honest, 0, false},
    {"10/s forged queries for a host's name", Kind::spoofed_query, 10, true},
    {"1,000/s forged queries for a host's name", Kind::spoofed_query, 1000, true},
    {"1,000/s forged queries for its services", Kind::spoofed_query, 1000, false},
    {"30/s queries for a host's name by a /24 that never connects", Kind::query_only, 30, true},
    {"30/s queries for its services by a /24 that never connects", Kind::query_only, 30, false},
    {"10/s SYNs without a query", Kind::data_only, 10, false},
    {"1,000/s forged SYNs", Kind::spoofed_data, 1000, false},
};

struct Policy {
  const char* name;
  Challenge challenge;
  bool share;
};
constexpr Policy policies_tried[] = {{"`never`, `share: false` (the seed)", Challenge::never, false},
                                     {"`never`", Challenge::never, true},
                                     {"`load` (the default)", Challenge::load, true},
                                     {"`always`", Challenge::always, true}};

Result run(const Attack& attack, const Policy& policy, std::uint32_t addresses) {
  Mix mix;
  mix.rates[static_cast<std::size_t>(Kind::honest)] = 10;
  mix.addresses = addresses;
  mix.attacks_plain = attack.plain;
  if (attack.rate > 0) mix.rates[static_cast<std::size_t>(attack.kind)] = attack.rate;
  config::Guard guard;
  guard.challenge = policy.challenge;
  RealmModel model{guard, policy.share, addresses};
  return model.run(arrivals(mix, length, seed));
}

std::string cell(const Result& result) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.1f %%",
                100.0 * static_cast<double>(result.first_attempt) / static_cast<double>(result.honest));
  std::string shown = text.data();
  if (result.wrong_host != 0) shown += ", " + std::to_string(result.wrong_host) + " wrong";
  return shown;
}

void print_table(std::uint32_t addresses) {
  std::printf("\n## A pool of %u addresses\n\n| attack |", addresses);
  for (const auto& policy : policies_tried) std::printf(" %s |", policy.name);
  std::printf("\n|---|---|---|---|---|\n");
  for (const auto& attack : attacks) {
    std::printf("| %s |", attack.what);
    for (const auto& policy : policies_tried)
      std::printf(" %s |", cell(run(attack, policy, addresses)).c_str());
    std::printf("\n");
  }
}

}  // namespace

int main() {
  std::printf(
      "# Policies of the guard, compared\n\n"
      "Printed by `print_policies` (tests/policies): the product's own guard and pool in virtual time, and "
      "for all policies the\n"
      "same arrivals, Poisson, of one seed, over two minutes. Ten honest clients a second ask for one of 20 "
      "hosts, half of them by\n"
      "the host's name and half by one of eight services, through 64 resolvers: half of these know cookies, "
      "three eighths come by\n"
      "TCP, one eighth does neither. Each way takes 50 ms. The attacker asks for one host. The figure is the "
      "share of honest\n"
      "connections that reach their host by their first question and their first SYN; \"wrong\" counts SYNs "
      "that were led to another host.\n\n"
      "What the tables show, beside the worth of proof. Of the eighth that does neither, the first three "
      "questions of each resolver are\n"
      "lost under `always`; then it has aliases. In a pool of three, ten questions a second are nearly as "
      "many as there is room for,\n"
      "since a host's name takes a whole address; `load` finds that full, and asks. And SYNs without a "
      "question take claims under every\n"
      "policy, since a claim is the first packet's ([guard.md](guard.md), \"What is not guarded yet\").\n");
  print_table(3);
  print_table(16);
}
