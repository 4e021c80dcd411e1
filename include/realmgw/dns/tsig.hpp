// Signatures of DNS messages: RFC 8945. Bytes in, bytes out; time is handed in.
#pragma once

#include "realmgw/dns/name.hpp"
#include "realmgw/dns/types.hpp"
#include "realmgw/net/tsig_algorithm.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace rgw::dns {

struct TsigKey {
  Name name;
  net::TsigAlgorithm algorithm = net::TsigAlgorithm::hmac_sha256;
  std::vector<std::uint8_t> secret;
};

/// What is wrong with a signature (RFC 8945 section 3).
enum class TsigError : std::uint16_t { none = 0, badsig = 16, badkey = 17, badtime = 18, badtrunc = 22 };

/// Seconds since 1970, 48 bits of them on the wire.
using UnixSeconds = std::uint64_t;

/// A TSIG record as it stands in a message, into which it points.
struct TsigRecord {
  std::size_t at = 0;  ///< where in the message it begins
  Name key, algorithm;
  UnixSeconds time_signed = 0;
  std::uint16_t fudge = 0;  ///< seconds
  std::span<const std::uint8_t> mac;
  std::uint16_t original_id = 0;
  std::uint16_t error = 0;
  std::span<const std::uint8_t> other;
};

struct TsigSearch {
  bool malformed =
      false;  ///< FORMERR: the message cannot be read, or a TSIG record is not where and what it must be
  std::optional<TsigRecord> record;
};
/// Looks for the TSIG record: the last of the additional section (RFC 8945 section 5.1).
[[nodiscard]] TsigSearch find_tsig(std::span<const std::uint8_t> message);

struct TsigVerdict {
  bool malformed = false;  ///< FORMERR: the length of the MAC is none (RFC 8945 section 5.2.2.1)
  TsigError error = TsigError::none;
  const TsigKey* key = nullptr;  ///< of `keys`; null with BADKEY
};
/// The farthest that a message's time may be from ours, whatever its fudge says.
inline constexpr std::uint16_t max_fudge = 300;
/// Checks key, MAC, time and length of the MAC, in the order of RFC 8945 section 5.2. A truncated MAC is
/// BADTRUNC.
[[nodiscard]] TsigVerdict check_tsig(std::span<const std::uint8_t> message, const TsigRecord& record,
                                     std::span<const TsigKey> keys, UnixSeconds now);

/// What is appended to a message.
struct TsigAppendix {
  std::span<const std::uint8_t> request_mac;  ///< of the request that it answers; empty: it is a request
  UnixSeconds time_signed = 0;
  std::uint16_t fudge = max_fudge;
  TsigError error = TsigError::none;
  std::optional<UnixSeconds> server_time{};  ///< BADTIME tells it
};
/// Signs the message in the first `size` bytes of `room`, and returns its new size; nothing where the record
/// does not fit.
[[nodiscard]] std::optional<std::size_t> sign(std::span<std::uint8_t> room, std::size_t size,
                                              const TsigKey& key, const TsigAppendix& appendix);
/// The same with an empty MAC, as BADKEY and BADSIG are told (RFC 8945 section 5.3.2).
[[nodiscard]] std::optional<std::size_t> append_unsigned(std::span<std::uint8_t> room, std::size_t size,
                                                         const TsigRecord& request, TsigError error);

/// The messages of one key that were accepted lately (RFC 8945 section 5.2.3), so that none counts twice. Its
/// memory is bounded: where too many come in the time that a message may be late, those that were signed
/// before the oldest that it knows are refused.
class TsigHistory {
 public:
  static constexpr std::size_t max_known = 65'536;  ///< 13 s of 5,000 messages a second, in some 5 MB

  /// Messages that were signed before are refused.
  void forget_before(UnixSeconds time);

  enum class Seen : std::uint8_t { never, before, too_old };
  struct Sight {
    Seen seen = Seen::never;
    Rcode rcode{};  ///< `before`: what the first one got
  };
  [[nodiscard]] Sight look(const TsigRecord& record) const;
  /// It was accepted, and got this.
  void note(const TsigRecord& record, Rcode rcode, UnixSeconds now);
  [[nodiscard]] std::size_t size() const { return known_.size(); }

 private:
  using Mac = std::array<std::uint8_t, 16>;  // the front of it
  using Key = std::pair<UnixSeconds, Mac>;
  [[nodiscard]] static Key key_of(const TsigRecord& record);

  UnixSeconds floor_ = 0;
  std::map<Key, Rcode> known_;
};

}  // namespace rgw::dns
