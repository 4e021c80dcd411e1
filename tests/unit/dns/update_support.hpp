// What the tests of updates share: messages built byte by byte.
#pragma once

#include "realmgw/dns/tsig.hpp"
#include "realmgw/dns/types.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "unit/dns/support.hpp"

namespace rgw::dns::test {

inline void put16(Bytes& bytes, unsigned value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}
inline std::string wire(std::string_view name) {
  return std::string{Name::from_text(name).value().key()};
}
inline std::string a(std::initializer_list<int> bytes) {
  std::string data;
  for (const int byte : bytes) data += static_cast<char>(byte);
  return data;
}

/// `update("foo.").add("hosta.foo.", RrType::a, 300, a({10, 0, 0, 7})).bytes()`.
class UpdateBuilder {
 public:
  explicit UpdateBuilder(std::string_view zone) : zone_{zone} {}

  UpdateBuilder& id(std::uint16_t id) { return id_ = id, *this; }
  UpdateBuilder& zone_type(RrType type) { return zone_type_ = type, *this; }
  UpdateBuilder& zone_class(std::uint16_t klass) { return zone_class_ = klass, *this; }
  UpdateBuilder& zones(std::uint16_t count) { return zones_ = count, *this; }

  UpdateBuilder& prerequisite(std::string_view name, RrType type, std::uint16_t klass,
                              std::string_view data = {}, std::uint32_t ttl = 0) {
    ++prerequisites_;
    return put(before_, name, type, klass, ttl, data);
  }
  UpdateBuilder& update(std::string_view name, RrType type, std::uint16_t klass, std::uint32_t ttl = 0,
                        std::string_view data = {}) {
    ++updates_;
    return put(updates_bytes_, name, type, klass, ttl, data);
  }
  UpdateBuilder& add(std::string_view name, RrType type, std::uint32_t ttl, std::string_view data) {
    return update(name, type, class_in, ttl, data);
  }
  UpdateBuilder& remove(std::string_view name, RrType type, std::string_view data) {
    return update(name, type, class_none, 0, data);
  }
  UpdateBuilder& remove_set(std::string_view name, RrType type) { return update(name, type, class_any); }

  [[nodiscard]] Bytes bytes() const {
    Bytes message;
    put16(message, id_);
    put16(message, 5U << 11);
    for (const unsigned count : {zones_, prerequisites_, updates_, 0U}) put16(message, count);
    const auto name = wire(zone_);
    message.insert(message.end(), name.begin(), name.end());
    put16(message, static_cast<unsigned>(zone_type_));
    put16(message, zone_class_);
    message.insert(message.end(), before_.begin(), before_.end());
    message.insert(message.end(), updates_bytes_.begin(), updates_bytes_.end());
    return message;
  }
  [[nodiscard]] Bytes sign(const TsigKey& key, UnixSeconds time, std::uint16_t fudge = max_fudge) const {
    return signed_by(bytes(), key, time, fudge);
  }
  [[nodiscard]] static Bytes signed_by(Bytes message, const TsigKey& key, UnixSeconds time,
                                       std::uint16_t fudge = max_fudge) {
    const auto size = message.size();
    message.resize(size + 1024);
    message.resize(
        dns::sign(message, size, key, {.request_mac = {}, .time_signed = time, .fudge = fudge}).value());
    return message;
  }

 private:
  UpdateBuilder& put(Bytes& bytes, std::string_view name, RrType type, std::uint16_t klass, std::uint32_t ttl,
                     std::string_view data) {
    const auto owner = wire(name);
    bytes.insert(bytes.end(), owner.begin(), owner.end());
    put16(bytes, static_cast<unsigned>(type));
    put16(bytes, klass);
    put16(bytes, ttl >> 16);
    put16(bytes, ttl & 0xffff);
    put16(bytes, static_cast<unsigned>(data.size()));
    bytes.insert(bytes.end(), data.begin(), data.end());
    return *this;
  }

  std::string zone_;
  std::uint16_t id_ = 0x1234, zone_class_ = class_in;
  unsigned zones_ = 1, prerequisites_ = 0, updates_ = 0;
  RrType zone_type_ = RrType::soa;
  Bytes before_, updates_bytes_;
};
[[nodiscard]] inline UpdateBuilder update(std::string_view zone) {
  return UpdateBuilder{zone};
}

}  // namespace rgw::dns::test
