#include "realmgw/dns/response.hpp"

#include <algorithm>
#include <array>

#include "compressible.hpp"
#include "record.hpp"
#include "wire_reader.hpp"

namespace rgw::dns {
namespace {

/// Records that a reply may bring; a message has no room for many more that say anything.
constexpr std::size_t max_records = 4096;

/// Where names stand in the data of types that may come compressed (RFC 3597 section 4): `before` bytes, then
/// `names` names, then bytes again.
struct Layout {
  RrType type;
  std::uint8_t before;
  std::uint8_t names;
};
constexpr std::array<Layout, 9> layouts{{
    {RrType::ns, 0, 1},
    {RrType::cname, 0, 1},
    {RrType::soa, 0, 2},
    {RrType::ptr, 0, 1},
    {RrType::mx, 2, 1},
    {RrType::dname, 0, 1},
    {RrType::srv, 6, 1},
    {static_cast<RrType>(17), 0, 2},  // RP
    {static_cast<RrType>(18), 2, 1},  // AFSDB
}};

void append(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

/// The preference fields and three character strings of a NAPTR, before its name (RFC 3403 section 4.1).
std::optional<std::size_t> before_naptr_name(std::span<const std::uint8_t> data) {
  std::size_t at = 4;
  for (unsigned i = 0; i < 3; ++i) {
    if (at >= data.size()) return std::nullopt;
    at += 1U + data[at];
  }
  return at;
}

/// Copies a record's data, its names whole. Nothing where it is not what its type says.
std::optional<Rdata> read_rdata(WireReader& reader, RrType type, std::size_t length) {
  Rdata rdata;
  const std::size_t end = reader.at() + length;
  if ((type == RrType::a && length != 4) || (type == RrType::aaaa && length != 16)) return std::nullopt;
  std::size_t before = 0;
  unsigned names = 0;
  if (type == RrType::naptr) {
    const auto at = before_naptr_name(reader.peek(length));
    if (!at) return std::nullopt;
    before = *at;
    names = 1;
  } else if (const auto found = std::ranges::find(layouts, type, &Layout::type); found != layouts.end()) {
    before = found->before;
    names = found->names;
  }
  if (before > length) return std::nullopt;
  append(rdata.bytes, reader.take(before));
  for (unsigned i = 0; i < names; ++i) {
    const auto name = reader.compressed_name();
    if (!name || reader.at() > end) return std::nullopt;
    if (compressible(type)) rdata.names.add(rdata.bytes.size());
    append(rdata.bytes, name->wire());
  }
  // Behind its names only an SOA has more: five numbers.
  if (names != 0 && end - reader.at() != (type == RrType::soa ? 20U : 0U)) return std::nullopt;
  append(rdata.bytes, reader.take(end - reader.at()));
  // Names that came compressed may have grown beyond what a record can hold.
  if (reader.failed() || rdata.bytes.size() > UINT16_MAX) return std::nullopt;
  return rdata;
}

struct Message {
  std::uint16_t flags = 0;
  std::vector<Record> records;
  std::uint16_t upper_rcode = 0;  ///< from OPT

  [[nodiscard]] Rcode rcode() const { return static_cast<Rcode>(upper_rcode << 4 | (flags & 0xf)); }
};

bool read_record(WireReader& reader, Section section, Message& message) {
  const auto owner = reader.compressed_name();
  const auto type = static_cast<RrType>(reader.u16());
  const std::uint16_t klass = reader.u16();
  const std::uint32_t ttl = reader.u32();
  const std::size_t length = reader.u16();
  if (!owner || reader.failed() || reader.left() < length) return false;
  if (type == RrType::opt) {
    message.upper_rcode = static_cast<std::uint16_t>(ttl >> 24);
    reader.take(length);
    return true;
  }
  if (section == Section::additional || klass != class_in || is_meta(type)) {
    reader.take(length);
    return true;
  }
  auto rdata = read_rdata(reader, type, length);
  if (!rdata) return false;
  // RFC 2181 section 8: a TTL with its highest bit set is zero.
  const std::uint32_t bounded = ttl > INT32_MAX ? 0 : std::min(ttl, Response::max_ttl);
  message.records.push_back({section, *owner, type, bounded, std::move(*rdata)});
  return true;
}

std::optional<Message> read_message(std::span<const std::uint8_t> bytes, const Question& question) {
  WireReader reader{bytes};
  Message message;
  reader.u16();  // the ID has done its work
  message.flags = reader.u16();
  std::array<std::size_t, 4> counts{};
  for (auto& count : counts) count = reader.u16();
  if (reader.failed() || (message.flags & flag::qr) == 0 || (message.flags >> 11 & 0xf) != 0 ||
      counts[0] != 1 || counts[1] + counts[2] + counts[3] > max_records) {
    return std::nullopt;
  }
  const auto name = reader.compressed_name();
  const auto type = static_cast<RrType>(reader.u16());
  const std::uint16_t klass = reader.u16();
  if (!name || reader.failed() || !(*name == question.name) || type != question.type || klass != class_in)
    return std::nullopt;
  for (const auto section : {Section::answer, Section::authority, Section::additional}) {
    for (std::size_t i = 0; i < counts[static_cast<std::size_t>(section) + 1]; ++i) {
      if (!read_record(reader, section, message)) return std::nullopt;
    }
  }
  return message;
}

/// The type that a signature covers (RFC 4034 section 3.1.1).
RrType covered(const Record& signature) {
  if (signature.rdata.bytes.size() < 2) return RrType{};
  return static_cast<RrType>(signature.rdata.bytes[0] << 8 | signature.rdata.bytes[1]);
}

bool is_alias(const std::vector<Record>& records, const Name& name) {
  return std::ranges::any_of(records, [&](const Record& record) {
    return record.section == Section::answer && record.type == RrType::cname && record.owner == name;
  });
}

/// Moves from `records` to `chain` what leads from the question to its data.
class Chain {
 public:
  Chain(std::vector<Record>& records, const Question& question, bool dnssec_ok)
      : records_{records}, type_{question.type}, dnssec_ok_{dnssec_ok}, name_{question.name} {}

  [[nodiscard]] std::vector<Record> follow() {
    std::vector<Record> chain;
    for (unsigned links = 0; links < max_chain; ++links) {
      const auto here = [this](const Record& record) { return record.owner == name_; };
      if (take(chain, type_, here)) return chain;
      if (!follow_subtree(chain) && !follow_alias(chain, here)) {
        endless_ = is_alias(chain, name_);
        return chain;
      }
    }
    endless_ = true;
    return chain;
  }
  /// After `follow`: the name that the chain ends at, and whether it comes back to itself or is too long.
  [[nodiscard]] const Name& end() const { return name_; }
  [[nodiscard]] bool endless() const { return endless_; }

 private:
  /// Takes the records of a type (ANY: of each) at the names that `at` accepts, then their signatures.
  template <class At>
  bool take(std::vector<Record>& chain, RrType type, At at) {
    bool any = false;
    for (const bool signatures : {false, true}) {
      if (signatures && (!any || !dnssec_ok_)) break;
      for (auto& record : records_) {
        if (record.section != Section::answer) continue;
        const bool is_signature = record.type == RrType::rrsig && type_ != RrType::rrsig;
        const RrType of = is_signature ? covered(record) : record.type;
        if (is_signature != signatures || (of != type && type != RrType::any) || !at(record)) continue;
        any = true;
        chain.push_back(record);
        record.section = Section::additional;  // taken, and looked at no more
      }
    }
    return any;
  }

  template <class At>
  bool follow_alias(std::vector<Record>& chain, At here) {
    const auto before = chain.size();
    if (!take(chain, RrType::cname, here)) return false;
    name_ = name_in(chain[before]);
    return true;
  }

  /// RFC 6672: the CNAME that a DNAME makes usually comes with it, and leads on.
  bool follow_subtree(std::vector<Record>& chain) {
    const auto above = [this](const Record& record) {
      return record.owner.size() < name_.size() && name_.is_within(record.owner);
    };
    const auto before = chain.size();
    if (!take(chain, RrType::dname, above)) return false;
    const bool has_alias = std::ranges::any_of(records_, [this](const Record& record) {
      return record.section == Section::answer && record.type == RrType::cname && record.owner == name_;
    });
    if (has_alias) return true;
    const Labels labels{name_};
    const std::size_t own = labels.size() - chain[before].owner.label_count();
    const auto target = Name::join(labels.first(own), name_in(chain[before]));
    if (!target) return false;
    name_ = *target;
    return true;
  }

  std::vector<Record>& records_;
  RrType type_;
  bool dnssec_ok_;
  bool endless_ = false;
  Name name_;
};

std::uint32_t last_number(const Rdata& soa) {
  std::uint32_t value = 0;
  for (std::size_t i = soa.bytes.size() - 4; i < soa.bytes.size(); ++i) value = value << 8 | soa.bytes[i];
  return value;
}

bool is_denial(RrType type) {
  return type == RrType::nsec || type == RrType::nsec3 || type == RrType::rrsig;
}

}  // namespace

Response Response::failure(ExtendedError why) {
  Response response;
  response.rcode = Rcode::servfail;
  response.error = why;
  return response;
}

bool Response::has(RrType type) const {
  return std::ranges::any_of(records, [type](const Record& record) {
    return record.section == Section::answer && (record.type == type || type == RrType::any);
  });
}

const Record* Response::soa() const {
  const auto found = std::ranges::find_if(records, [](const Record& record) {
    return record.section == Section::authority && record.type == RrType::soa;
  });
  return found == records.end() ? nullptr : &*found;
}

std::uint32_t Response::lifetime() const {
  if (rcode == Rcode::servfail) return failure_ttl;
  std::uint32_t least = records.empty() ? 0 : max_ttl;
  for (const auto& record : records) least = std::min(least, record.ttl);
  return least;
}

std::optional<Response> read_response(std::span<const std::uint8_t> bytes, const Question& question,
                                      bool dnssec_ok) {
  auto message = read_message(bytes, question);
  if (!message) return std::nullopt;
  const Rcode rcode = message->rcode();
  if ((message->flags & flag::tc) != 0 || (rcode != Rcode::noerror && rcode != Rcode::nxdomain)) {
    return Response::failure(ExtendedError::no_reachable_authority);
  }
  Response response;
  response.rcode = rcode;
  response.authentic = (message->flags & flag::ad) != 0;
  Chain chain{message->records, question, dnssec_ok};
  response.records = chain.follow();
  if (chain.endless()) return Response::failure(ExtendedError::no_reachable_authority);
  const bool negative = rcode == Rcode::nxdomain || !response.has(question.type);
  bool has_soa = false;
  for (auto& record : message->records) {
    if (record.section != Section::authority) continue;
    const bool is_soa = record.type == RrType::soa && negative && !has_soa;
    if (!is_soa && !(dnssec_ok && is_denial(record.type))) continue;
    if (negative) record.ttl = std::min(record.ttl, Response::max_negative_ttl);
    if (is_soa) {
      record.ttl = std::min(record.ttl, last_number(record.rdata));
      has_soa = true;
    }
    response.records.push_back(std::move(record));
  }
  if (negative && !has_soa) {
    if (rcode == Rcode::noerror && !response.records.empty()) {
      response.leads_to = chain.end();
      return response;
    }
    // Without SOA a denial is good for this moment alone (RFC 2308 section 5).
    for (auto& record : response.records) record.ttl = 0;
  }
  return response;
}

Name name_in(const Record& record) {
  std::size_t at = 0;
  return Name::from_wire(record.rdata.bytes, at).value_or(Name{});
}

Record name_record(const Name& owner, RrType type, std::uint32_t ttl, const Name& target) {
  return {Section::answer, owner, type, ttl, name_rdata(target)};
}

Record address_record(const Name& owner, std::uint32_t ttl, const net::IpAddress& address) {
  Record record{Section::answer, owner, address.is_v4() ? RrType::a : RrType::aaaa, ttl, {}};
  record.rdata.bytes.assign(address.data(), address.data() + address.size());
  return record;
}

net::IpAddress address_in(const Record& record) {
  const auto& bytes = record.rdata.bytes;
  if (record.type == RrType::a) return net::Ipv4Address{bytes[0], bytes[1], bytes[2], bytes[3]};
  return net::Ipv6Address::from_bytes(bytes.data());
}

}  // namespace rgw::dns
