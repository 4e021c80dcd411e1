// A file of added hosts from bytes, and an operator's words (OPS-9): never throws, says what is wrong, and
// what is read can be written and read again.
#include "realmgw/config/host_file.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

namespace config = rgw::config;

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const config::HostFile& read) {
  require(read.problems.empty() || read.hosts.empty());
  const auto again = config::read_hosts(config::text_of(read.hosts), "again");
  require(again.problems.empty() && again.hosts == read.hosts);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  check(config::read_hosts(text, "f"));
  // The same bytes as words.
  config::HostWords words;
  const auto next = [&] {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    return word;
  };
  words.name = next();
  while (!text.empty()) words.addresses.push_back(next());
  const auto host = config::host_of(words);
  require(host.problems.empty() ? host.hosts.size() == 1 : host.hosts.empty());
  check(host);
  return 0;
}
