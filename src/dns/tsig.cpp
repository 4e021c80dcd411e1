#include "realmgw/dns/tsig.hpp"

#include <algorithm>
#include <climits>
#include <memory>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string>
#include <string_view>

#include "wire_reader.hpp"

namespace rgw::dns {
namespace {

constexpr std::size_t max_mac = 64;
constexpr std::size_t least_mac = 10;  // RFC 8945 section 5.2.2.1
constexpr std::size_t additional_count_at = 10;

using Bytes = std::vector<std::uint8_t>;

void put16(Bytes& bytes, std::size_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}
void put32(Bytes& bytes, std::uint32_t value) {
  put16(bytes, value >> 16);
  put16(bytes, value & 0xffff);
}
void put48(Bytes& bytes, UnixSeconds value) {
  put16(bytes, value >> 32 & 0xffff);
  put32(bytes, static_cast<std::uint32_t>(value));
}
void put(Bytes& bytes, std::span<const std::uint8_t> more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

const EVP_MD* digest_of(net::TsigAlgorithm algorithm) {
  switch (algorithm) {
    case net::TsigAlgorithm::hmac_sha224:
      return EVP_sha224();
    case net::TsigAlgorithm::hmac_sha256:
      return EVP_sha256();
    case net::TsigAlgorithm::hmac_sha384:
      return EVP_sha384();
    case net::TsigAlgorithm::hmac_sha512:
      break;
  }
  return EVP_sha512();
}

Name name_of(net::TsigAlgorithm algorithm) {
  return Name::from_text(net::info_of(algorithm).name).value();
}

struct Mac {
  std::array<std::uint8_t, max_mac> bytes{};
  std::size_t size = 0;
  [[nodiscard]] std::span<const std::uint8_t> all() const { return std::span{bytes}.first(size); }
};

Mac mac_of(const TsigKey& key, const Bytes& digested) {
  Mac mac;
  unsigned size = 0;
  HMAC(digest_of(key.algorithm), key.secret.data(),
       static_cast<int>(std::min<std::size_t>(key.secret.size(), INT_MAX)), digested.data(), digested.size(),
       mac.bytes.data(), &size);
  mac.size = size;
  return mac;
}

/// RFC 8945 section 4.3.3.
void put_variables(Bytes& bytes, const Name& key, const Name& algorithm, UnixSeconds time,
                   std::uint16_t fudge, std::uint16_t error, std::span<const std::uint8_t> other) {
  put(bytes, key.lower().wire());
  put16(bytes, class_any);
  put32(bytes, 0);
  put(bytes, algorithm.lower().wire());
  put48(bytes, time);
  put16(bytes, fudge);
  put16(bytes, error);
  put16(bytes, other.size());
  put(bytes, other);
}

/// The record itself behind the message, and one more in its count.
std::optional<std::size_t> append(std::span<std::uint8_t> room, std::size_t size, const Name& key,
                                  const Name& algorithm, UnixSeconds time, std::uint16_t fudge,
                                  std::span<const std::uint8_t> mac, std::uint16_t error,
                                  std::span<const std::uint8_t> other) {
  Bytes record;
  put(record, key.wire());
  put16(record, static_cast<std::size_t>(RrType::tsig));
  put16(record, class_any);
  put32(record, 0);
  put16(record, algorithm.size() + 6 + 2 + 2 + mac.size() + 2 + 2 + 2 + other.size());
  put(record, algorithm.wire());
  put48(record, time);
  put16(record, fudge);
  put16(record, mac.size());
  put(record, mac);
  put(record, room.first(2));  // the message's id, which nobody on the way may have changed yet
  put16(record, error);
  put16(record, other.size());
  put(record, other);
  if (record.size() > room.size() - size) return std::nullopt;
  std::ranges::copy(record, room.begin() + static_cast<std::ptrdiff_t>(size));
  const auto count =
      static_cast<unsigned>(room[additional_count_at] << 8 | room[additional_count_at + 1]) + 1;
  room[additional_count_at] = static_cast<std::uint8_t>(count >> 8);
  room[additional_count_at + 1] = static_cast<std::uint8_t>(count);
  return size + record.size();
}

/// The rest of a record whose type is TSIG; false where it is not what one must be.
bool read_rest(WireReader& reader, TsigRecord& record) {
  const std::uint16_t klass = reader.u16();
  const std::uint32_t ttl = reader.u32();
  const auto rdata = reader.take(reader.u16());
  if (reader.failed() || klass != class_any || ttl != 0) return false;
  WireReader data{rdata};
  const auto algorithm = data.name();
  if (!algorithm) return false;
  record.algorithm = *algorithm;
  const UnixSeconds upper = data.u16();
  record.time_signed = upper << 32 | data.u32();
  record.fudge = data.u16();
  record.mac = data.take(data.u16());
  record.original_id = data.u16();
  record.error = data.u16();
  record.other = data.take(data.u16());
  return !data.failed() && data.at_end();
}

}  // namespace

TsigSearch find_tsig(std::span<const std::uint8_t> message) {
  static const TsigSearch unreadable{.malformed = true, .record = std::nullopt};
  if (message.size() < header_size) return unreadable;
  WireReader reader{message};
  reader.take(4);
  const std::size_t questions = reader.u16();
  std::size_t before = reader.u16();
  before += reader.u16();
  const std::size_t records = before + reader.u16();
  for (std::size_t i = 0; i < questions; ++i) {
    reader.skip_name();
    reader.take(4);
    if (reader.failed()) return unreadable;
  }
  TsigSearch search;
  for (std::size_t i = 0; i < records; ++i) {
    if (search.record) return unreadable;  // it is not the last
    TsigRecord record;
    record.at = reader.at();
    const auto owner = reader.compressed_name();
    const auto type = static_cast<RrType>(reader.u16());
    if (!owner || reader.failed()) return unreadable;
    if (type == RrType::tsig) {
      record.key = *owner;
      if (i < before || !read_rest(reader, record)) return unreadable;
      search.record = record;
      continue;
    }
    reader.take(6);
    reader.take(reader.u16());
    if (reader.failed()) return unreadable;
  }
  return reader.at_end() ? search : unreadable;
}

TsigVerdict check_tsig(std::span<const std::uint8_t> message, const TsigRecord& record,
                       std::span<const TsigKey> keys, UnixSeconds now) {
  const auto found = std::ranges::find_if(keys, [&](const TsigKey& key) {
    return key.name == record.key && name_of(key.algorithm) == record.algorithm;
  });
  if (found == keys.end()) return {.malformed = false, .error = TsigError::badkey, .key = nullptr};
  const TsigKey& key = *found;
  const std::size_t whole = net::info_of(key.algorithm).mac_size;
  if (record.mac.size() > whole || record.mac.size() < std::max(least_mac, whole / 2))
    return {.malformed = true, .error = TsigError::badsig, .key = &key};

  Bytes digested;
  put16(digested, record.original_id);
  put(digested, message.subspan(2, additional_count_at - 2));
  put16(digested,
        static_cast<std::size_t>(message[additional_count_at] << 8 | message[additional_count_at + 1]) - 1);
  put(digested, message.subspan(header_size, record.at - header_size));
  put_variables(digested, record.key, record.algorithm, record.time_signed, record.fudge, record.error,
                record.other);
  const Mac mac = mac_of(key, digested);
  const bool right =
      mac.size == whole && CRYPTO_memcmp(mac.bytes.data(), record.mac.data(), record.mac.size()) == 0;
  if (!right) return {.malformed = false, .error = TsigError::badsig, .key = &key};
  const UnixSeconds off = record.time_signed > now ? record.time_signed - now : now - record.time_signed;
  if (off > std::min(record.fudge, max_fudge))
    return {.malformed = false, .error = TsigError::badtime, .key = &key};
  if (record.mac.size() < whole) return {.malformed = false, .error = TsigError::badtrunc, .key = &key};
  return {.malformed = false, .error = TsigError::none, .key = &key};
}

std::optional<std::size_t> sign(std::span<std::uint8_t> room, std::size_t size, const TsigKey& key,
                                const TsigAppendix& appendix) {
  Bytes other;
  if (appendix.server_time) put48(other, *appendix.server_time);
  Bytes digested;
  if (!appendix.request_mac.empty()) {
    put16(digested, appendix.request_mac.size());
    put(digested, appendix.request_mac);
  }
  put(digested, room.first(size));
  const Name algorithm = name_of(key.algorithm);
  const auto error = static_cast<std::uint16_t>(appendix.error);
  put_variables(digested, key.name, algorithm, appendix.time_signed, appendix.fudge, error, other);
  const Mac mac = mac_of(key, digested);
  return append(room, size, key.name, algorithm, appendix.time_signed, appendix.fudge, mac.all(), error,
                other);
}

std::optional<std::size_t> append_unsigned(std::span<std::uint8_t> room, std::size_t size,
                                           const TsigRecord& request, TsigError error) {
  return append(room, size, request.key, request.algorithm, request.time_signed, request.fudge, {},
                static_cast<std::uint16_t>(error), {});
}

TsigHistory::Key TsigHistory::key_of(const TsigRecord& record) {
  Mac front{};
  std::ranges::copy(record.mac.first(std::min(record.mac.size(), front.size())), front.begin());
  return {record.time_signed, front};
}

void TsigHistory::forget_before(UnixSeconds time) {
  floor_ = std::max(floor_, time);
  known_.erase(known_.begin(), known_.lower_bound(Key{floor_, Mac{}}));
}

TsigHistory::Sight TsigHistory::look(const TsigRecord& record) const {
  if (const auto found = known_.find(key_of(record)); found != known_.end())
    return {Seen::before, found->second};
  return {record.time_signed < floor_ ? Seen::too_old : Seen::never, {}};
}

void TsigHistory::note(const TsigRecord& record, Rcode rcode, UnixSeconds now) {
  // What is older is refused for its time alone.
  forget_before(now < max_fudge ? 0 : now - max_fudge);
  if (known_.size() == max_known) forget_before(known_.begin()->first.first + 1);
  known_.emplace(key_of(record), rcode);
}

}  // namespace rgw::dns
