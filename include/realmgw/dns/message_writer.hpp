// Writing an answer: header, question, records with compressed names, OPT. Into memory that is handed in,
// nothing allocated.
#pragma once

#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/dns/types.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace rgw::dns {

/// In the order in which records must be written.
enum class Section : std::uint8_t { answer, authority, additional };

/// Where in the data of a record stand the names, whole and uncompressed, that RFC 3597 section 4 lets one
/// compress: two at most (SOA).
struct NamePlaces {
  std::array<std::uint16_t, 2> at{};
  std::uint8_t count = 0;

  void add(std::size_t place) { at[count++] = static_cast<std::uint16_t>(place); }
  [[nodiscard]] std::span<const std::uint16_t> all() const { return {at.data(), count}; }
};

/// The data of a record in wire form.
struct RdataView {
  std::span<const std::uint8_t> bytes;
  NamePlaces names;
};

/// What the OPT record of an answer says (RFC 6891).
struct OptRecord {
  bool dnssec_ok = false;                ///< copied from the query (RFC 3225 section 3)
  std::string_view nsid;                 ///< empty: no such option
  std::span<const std::uint8_t> cookie;  ///< the client's and the server's; empty: no such option
  std::span<const std::uint8_t> subnet;  ///< the client's prefix and its scope; empty: no such option
  std::optional<ExtendedError> error;
  std::string_view error_text;

  /// Bytes on the wire.
  [[nodiscard]] std::size_t size() const;
};

/// Writes one message from front to back.
///
/// Compression keeps case where it carries meaning: an owner name may point to the same name in other case
/// (so an answer's owner is the question as asked, 0x20 and all), a name within data only to one spelt alike.
class MessageWriter {
 public:
  /// The message never grows beyond `room`, which holds at least a header.
  explicit MessageWriter(std::span<std::uint8_t> room) : room_{room} {}

  /// Header and question; the header's flags and counts come with `finish`. A question always fits in
  /// `classic_udp_size`.
  void begin(std::uint16_t id);
  void question(const Question& question, std::uint16_t question_class);

  /// Keeps `bytes` free at the end, for the OPT record.
  void reserve(std::size_t bytes) { reserved_ = bytes; }

  /// Adds a record; false, and nothing is written, where it does not fit.
  [[nodiscard]] bool add(Section section, const Name& owner, RrType type, std::uint32_t ttl,
                         const RdataView& rdata);

  /// Adds records that another writer put behind an equal question, with nothing between: the bytes from
  /// there, and how many records each section has. Returns where they lie now; nothing where they do not fit.
  [[nodiscard]] std::optional<std::span<std::uint8_t>> splice(std::span<const std::uint8_t> records,
                                                              const std::array<std::uint16_t, 3>& counts);

  /// A place to come back to.
  struct Mark {
    std::size_t size;
    std::array<std::uint16_t, 3> counts;
    std::size_t known_names;
  };
  [[nodiscard]] Mark mark() const { return {size_, counts_, known_}; }
  void rewind(const Mark& mark);

  /// OPT record, header flags and the message itself. `flags` has neither QR nor RCODE; an RCODE above 15
  /// needs `opt`.
  [[nodiscard]] std::span<const std::uint8_t> finish(Opcode opcode, std::uint16_t flags, Rcode rcode,
                                                     const OptRecord* opt);

 private:
  [[nodiscard]] std::size_t free() const { return room_.size() - reserved_ - size_; }
  [[nodiscard]] bool put(std::span<const std::uint8_t> bytes);
  [[nodiscard]] bool put16(std::uint16_t value);
  [[nodiscard]] bool put32(std::uint32_t value);
  void set16(std::size_t at, std::uint16_t value);
  [[nodiscard]] bool put_name(std::span<const std::uint8_t> name, bool fold_case);
  [[nodiscard]] bool put_rdata(const RdataView& rdata);
  [[nodiscard]] bool put_opt(const OptRecord& opt, Rcode rcode);
  [[nodiscard]] std::optional<std::uint16_t> find(std::span<const std::uint8_t> name, bool fold_case) const;
  [[nodiscard]] bool stands_at(std::size_t at, std::span<const std::uint8_t> name, bool fold_case) const;

  /// Names remembered for compression; a message with more just grows less short. The search is linear.
  static constexpr std::size_t max_known = 64;

  std::span<std::uint8_t> room_;
  std::size_t size_ = 0;
  std::size_t reserved_ = 0;
  bool has_question_ = false;
  std::size_t question_size_ = 0;  ///< bytes of the question's name, right behind the header
  std::array<std::uint16_t, 3> counts_{};
  std::array<std::uint16_t, max_known> known_names_;
  std::size_t known_ = 0;
};

}  // namespace rgw::dns
