// The realm file from bytes (OPS-1): never throws, and either a complete realm or problems that name their
// place.
#include "realmgw/config/loader.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool printable(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return false;
  }
  return true;
}

void check(const rgw::config::Problem& problem, bool last) {
  require(!problem.message.empty());
  require((problem.line >= 1 && problem.column >= 1) || last);
  require(printable(problem.to_string()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace config = rgw::config;
  const auto result = config::load_text({reinterpret_cast<const char*>(data), size}, "f");
  require(result.realm.has_value() == result.problems.empty());
  require(result.problems.size() <= config::max_problems + 1);
  for (const auto& problem : result.problems) check(problem, &problem == &result.problems.back());
  for (const auto& warning : result.warnings) check(warning, false);
  if (!result.realm) return 0;
  // One port is enough for a plain stateless translator, which takes no address for NAT.
  require(result.realm->ports.size() >= (result.realm->siit.alone ? 1U : 2U));
  require(result.realm->siit.alone || !result.realm->outbound.addresses.empty());
  require(result.realm->zones.at(0).name == result.realm->name);
  require(result.realm->workers.count >= 1 && result.realm->workers.count <= 16);
  return 0;
}
