// Labels of aliases as strangers may write them (GUARD-1): nobody makes one without the key, and what is made
// from any bytes is read again, in letters of either case.
#include "realmgw/guard/alias_labels.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace {

using namespace rgw;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

/// The next bytes of the input, zeros behind its end.
template <class Integer>
Integer take(std::string_view& text) {
  Integer value{};
  const std::size_t size = text.size() < sizeof value ? text.size() : sizeof value;
  std::memcpy(&value, text.data(), size);
  text.remove_prefix(size);
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  const guard::AliasLabels labels{SipKey{1, 2, 3, 4}}, others{SipKey{5}};
  require(!labels.read(text));

  constexpr net::Protocol protocols[] = {net::Protocol::any, net::Protocol::tcp, net::Protocol::udp,
                                         net::Protocol::sctp, net::Protocol::icmp};
  const HostId host{take<std::uint32_t>(text)};
  const net::Service service{protocols[take<std::uint8_t>(text) % std::size(protocols)],
                             take<std::uint16_t>(text)};
  const guard::AskerPrefix asker{net::Ipv4Address{be32{take<std::uint32_t>(text)}}};
  const Instant now{std::chrono::seconds{take<std::uint32_t>(text)}};
  const auto made = labels.make(host, service, asker, now);
  std::string label{made.data(), made.size()};
  for (char& letter : label) {
    if (letter >= 'a' && take<std::uint8_t>(text) % 2 != 0) letter = static_cast<char>(letter - 'a' + 'A');
  }
  const auto alias = labels.read(label);
  require(alias && alias->host == host && alias->service == service && labels.proves(*alias, asker, now));
  require(!others.read(label));
  // One changed letter is another label.
  const std::size_t at = take<std::uint8_t>(text) % label.size();
  label[at] = label[at] == '0' ? '1' : '0';
  require(!labels.read(label));
  return 0;
}
