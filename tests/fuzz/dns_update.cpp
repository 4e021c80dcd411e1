// UPDATE messages of any bytes against a few names that live on between them (DNS-6, RFC 2136): what is
// refused changes nothing, and what is taken is what makes a host.
//
// The input is a row of messages, each behind two bytes of its length. A byte of a header that must be right
// is made so, so that more of them get further.
#include "realmgw/dns/update.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace {

using namespace rgw::dns;

class Ground final : public UpdateGround {
 public:
  bool is_zone(const Name& name) const override { return name.to_string() == "foo."; }
  std::vector<HeldRecord> at(const Name& name) const override {
    const auto found = held.find(name.to_string());
    return found == held.end() ? std::vector<HeldRecord>{} : found->second;
  }
  bool may_change(const Name& name) const override { return name.to_string() != "a.foo."; }
  bool may_stand(const Name&, std::span<const HeldRecord> records) const override {
    return records.size() <= 4;
  }
  std::map<std::string, std::vector<HeldRecord>> held{{"a.foo.", {{RrType::a, 1, "abcd"}}}};
};

void check(const HeldRecord& record) {
  const bool good = (record.type == RrType::a && record.data.size() == 4) ||
                    (record.type == RrType::aaaa && record.data.size() == 16) ||
                    (record.type == RrType::ptr && !record.data.empty()) ||
                    (record.type == RrType::dhcid && record.data.size() >= 4);
  if (!good || record.ttl > 604'800) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::uint8_t> rest{data, size};
  Ground ground;
  while (rest.size() >= 2) {
    const std::size_t length = std::min<std::size_t>(std::size_t{rest[0]} << 8 | rest[1], rest.size() - 2);
    std::vector<std::uint8_t> bytes{rest.begin() + 2, rest.begin() + 2 + static_cast<std::ptrdiff_t>(length)};
    rest = rest.subspan(2 + length);
    if (bytes.size() > 2) bytes[2] = 5 << 3;
    if (is_update(bytes) != (bytes.size() >= header_size)) __builtin_trap();
    const auto message = read_update(bytes);
    if (!message) continue;
    const auto updated = carry_out(*message, ground);
    if (updated.rcode != Rcode::noerror && !updated.changes.empty()) __builtin_trap();
    for (const auto& [name, records] : updated.changes) {
      if (!ground.may_change(name) || records.size() > 4) __builtin_trap();
      for (const auto& record : records) check(record);
      if (records.empty())
        ground.held.erase(name.to_string());
      else
        ground.held[name.to_string()] = records;
    }
  }
  return 0;
}
