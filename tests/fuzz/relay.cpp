// A relay's word against any bytes (DNS-5): the PROXY protocol's header, and XPF records.
#include "realmgw/dns/relay.hpp"

#include <cstdint>
#include <cstdlib>
#include <span>

namespace {

using namespace rgw::dns;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_header(std::span<const std::uint8_t> bytes) {
  using State = ProxyHeader::State;
  const auto header = read_proxy_header(bytes);
  require((header.state == State::whole) == (header.size != 0));
  require(!header.sender || header.state == State::whole);
  if (header.state != State::whole) return;
  require(header.size >= 16 && header.size <= bytes.size() && header.size <= ProxyHeader::max_size);
  // The same without what follows, and not yet whole a byte earlier.
  const auto alone = read_proxy_header(bytes.first(header.size));
  require(alone.state == State::whole && alone.size == header.size && alone.sender == header.sender);
  require(read_proxy_header(bytes.first(header.size - 1)).state == State::unfinished);
}

void check_record(std::span<const std::uint8_t> message) {
  const auto xpf = read_xpf(message);
  require(!xpf.malformed || !xpf.sender);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_header({data, size});
  check_record({data, size});
  return 0;
}
