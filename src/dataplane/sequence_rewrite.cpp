#include "realmgw/dataplane/sequence_rewrite.hpp"

#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"

#include <cstring>

namespace rgw::dataplane {
namespace {

constexpr std::uint8_t end_of_options = 0, nop = 1, sack = 5;
constexpr std::size_t block_size = 8;

// `data`: the blocks of a SACK option; what is not whole goes to the end as padding. Returns how many bytes
// remain.
std::size_t rewrite_blocks(std::uint8_t* data, std::size_t size, const alg::SequenceMap& other) {
  std::size_t kept = 0;
  for (std::size_t at = 0; at < size; at += block_size) {
    const auto block =
        other.map_sack(net::header<be32>(data + at).host(), net::header<be32>(data + at + 4).host());
    if (!block) continue;
    net::header<be32>(data + kept) = be32{block->first};
    net::header<be32>(data + kept + 4) = be32{block->second};
    kept += block_size;
  }
  std::memset(data + kept, nop, size - kept);
  return kept;
}

void rewrite_sack(std::uint8_t* options, std::size_t size, const alg::SequenceMap& other) {
  for (std::size_t at = 0; at < size && options[at] != end_of_options;) {
    if (options[at] == nop) {
      ++at;
      continue;
    }
    if (at + 1 >= size || options[at + 1] < 2 || at + options[at + 1] > size) return;
    const std::size_t length = options[at + 1];
    if (options[at] == sack && (length - 2) % block_size == 0) {
      const std::size_t kept = rewrite_blocks(options + at + 2, length - 2, other);
      options[at + 1] = static_cast<std::uint8_t>(kept + 2);
      if (kept == 0) options[at] = options[at + 1] = nop;
    }
    at += length;
  }
}

}  // namespace

bool rewrite_numbers(std::span<std::uint8_t> segment, const alg::SequenceMap& own,
                     const alg::SequenceMap& other) {
  std::uint8_t* bytes = segment.data();
  auto& tcp = net::header<net::TcpHeader>(bytes);
  const std::size_t header = tcp.header_length();
  const auto payload = static_cast<std::uint32_t>(segment.size() - header);
  const std::uint32_t sequence = tcp.sequence.host();
  if (payload != 0 && own.touches(sequence, payload)) return false;

  net::ChecksumSum before, after;
  before.add(tcp.sequence).add(tcp.acknowledgement);
  tcp.sequence = be32{own.map_seq(sequence)};
  if ((tcp.flags & net::TcpHeader::ack) != 0)
    tcp.acknowledgement = be32{other.map_ack(tcp.acknowledgement.host())};
  after.add(tcp.sequence).add(tcp.acknowledgement);
  if (header > sizeof(net::TcpHeader) && !other.identity()) {
    // Blocks may begin at odd offsets, so all options are summed, from an even one on.
    std::uint8_t* options = bytes + sizeof(net::TcpHeader);
    const std::size_t size = header - sizeof(net::TcpHeader);
    before.add(options, size);
    rewrite_sack(options, size, other);
    after.add(options, size);
  }
  net::ChecksumDelta::between(before, after).apply(tcp.checksum);
  return true;
}

}  // namespace rgw::dataplane
