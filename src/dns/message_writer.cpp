#include "realmgw/dns/message_writer.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "opt_head.hpp"

namespace rgw::dns {
namespace {

constexpr std::size_t option_header_size = 4;
/// The highest place that a compression pointer reaches (RFC 1035 section 4.1.4).
constexpr std::size_t max_pointer = 0x3fff;

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The whole uncompressed name at the front of `bytes`.
std::span<const std::uint8_t> name_at_front(std::span<const std::uint8_t> bytes) {
  std::size_t end = 0;
  while (bytes[end] != 0) end += 1U + bytes[end];
  return bytes.first(end + 1);
}

}  // namespace

std::size_t OptRecord::size() const {
  std::size_t bytes = opt_head_size;
  if (!nsid.empty()) bytes += option_header_size + nsid.size();
  if (!cookie.empty()) bytes += option_header_size + cookie.size();
  if (!subnet.empty()) bytes += option_header_size + subnet.size();
  if (error) bytes += option_header_size + 2 + error_text.size();
  return bytes;
}

bool MessageWriter::put(std::span<const std::uint8_t> bytes) {
  if (free() < bytes.size()) return false;
  std::copy(bytes.begin(), bytes.end(), room_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += bytes.size();
  return true;
}

bool MessageWriter::put16(std::uint16_t value) {
  return put(std::array{static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)});
}

bool MessageWriter::put32(std::uint32_t value) {
  return put16(static_cast<std::uint16_t>(value >> 16)) && put16(static_cast<std::uint16_t>(value));
}

void MessageWriter::set16(std::size_t at, std::uint16_t value) {
  room_[at] = static_cast<std::uint8_t>(value >> 8);
  room_[at + 1] = static_cast<std::uint8_t>(value);
}

void MessageWriter::begin(std::uint16_t id) {
  assert(room_.size() >= header_size);
  std::fill_n(room_.begin(), header_size, std::uint8_t{0});
  size_ = header_size;
  set16(0, id);
}

void MessageWriter::question(const Question& question, std::uint16_t question_class) {
  // The first name of a message, and none is its own suffix: there is nothing to point to.
  const auto name = question.name.wire();
  for (std::size_t at = 0; name[at] != 0 && known_ < max_known; at += 1U + name[at])
    known_names_[known_++] = static_cast<std::uint16_t>(size_ + at);
  has_question_ = put(name) && put16(static_cast<std::uint16_t>(question.type)) && put16(question_class);
  question_size_ = name.size();
  assert(has_question_);
}

bool MessageWriter::add(Section section, const Name& owner, RrType type, std::uint32_t ttl,
                        const RdataView& rdata) {
  const Mark before = mark();
  if (put_name(owner.wire(), true) && put16(static_cast<std::uint16_t>(type)) && put16(class_in) &&
      put32(ttl) && put_rdata(rdata)) {
    ++counts_[static_cast<std::size_t>(section)];
    return true;
  }
  rewind(before);
  return false;
}

std::optional<std::span<std::uint8_t>> MessageWriter::splice(std::span<const std::uint8_t> records,
                                                             const std::array<std::uint16_t, 3>& counts) {
  const std::size_t at = size_;
  if (!put(records)) return std::nullopt;
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts_[i] = static_cast<std::uint16_t>(counts_[i] + counts[i]);
  return room_.subspan(at, records.size());
}

void MessageWriter::rewind(const Mark& mark) {
  size_ = mark.size;
  counts_ = mark.counts;
  known_ = mark.known_names;
}

bool MessageWriter::put_rdata(const RdataView& rdata) {
  const std::size_t length_at = size_;
  if (!put16(0)) return false;
  std::size_t from = 0;
  for (const std::uint16_t at : rdata.names.all()) {
    const auto name = name_at_front(rdata.bytes.subspan(at));
    if (!put(rdata.bytes.subspan(from, at - from)) || !put_name(name, false)) return false;
    from = at + name.size();
  }
  if (!put(rdata.bytes.subspan(from))) return false;
  set16(length_at, static_cast<std::uint16_t>(size_ - length_at - 2));
  return true;
}

bool MessageWriter::put_name(std::span<const std::uint8_t> name, bool fold_case) {
  // Most records are of the name that was asked for.
  if (name.size() == question_size_ && name[0] != 0 &&
      std::memcmp(name.data(), room_.data() + header_size, name.size()) == 0)
    return put16(static_cast<std::uint16_t>(0xc000 | header_size));
  while (name[0] != 0) {
    if (const auto at = find(name, fold_case)) return put16(static_cast<std::uint16_t>(0xc000 | *at));
    if (size_ <= max_pointer && known_ < max_known)
      known_names_[known_++] = static_cast<std::uint16_t>(size_);
    const std::size_t label = 1U + name[0];
    if (!put(name.first(label))) return false;
    name = name.subspan(label);
  }
  return put(name.first(1));
}

std::optional<std::uint16_t> MessageWriter::find(std::span<const std::uint8_t> name, bool fold_case) const {
  for (std::size_t i = 0; i < known_; ++i) {
    if (stands_at(known_names_[i], name, fold_case)) return known_names_[i];
  }
  return std::nullopt;
}

bool MessageWriter::stands_at(std::size_t at, std::span<const std::uint8_t> name, bool fold_case) const {
  for (;;) {
    while ((room_[at] & 0xc0) == 0xc0)
      at = (room_[at] & 0x3fU) << 8 | room_[at + 1];  // ours: it points backwards
    const std::size_t label = 1U + room_[at];
    // The name being written stands in the table already, its end not yet in the message.
    if (at + label > size_ || room_[at] != name[0]) return false;
    if (name[0] == 0) return true;
    for (std::size_t i = 1; i < label; ++i) {
      if (room_[at + i] != name[i] && !(fold_case && to_lower(room_[at + i]) == to_lower(name[i])))
        return false;
    }
    at += label;
    name = name.subspan(label);
    if (at >= size_) return false;
  }
}

bool MessageWriter::put_opt(const OptRecord& opt, Rcode rcode) {
  bool fits = put(opt_head(rcode, opt.dnssec_ok, opt.size() - opt_head_size));
  if (!opt.nsid.empty()) {
    fits = fits && put16(static_cast<std::uint16_t>(EdnsOption::nsid)) &&
           put16(static_cast<std::uint16_t>(opt.nsid.size())) && put(bytes_of(opt.nsid));
  }
  if (!opt.cookie.empty()) {
    fits = fits && put16(static_cast<std::uint16_t>(EdnsOption::cookie)) &&
           put16(static_cast<std::uint16_t>(opt.cookie.size())) && put(opt.cookie);
  }
  if (!opt.subnet.empty()) {
    fits = fits && put16(static_cast<std::uint16_t>(EdnsOption::client_subnet)) &&
           put16(static_cast<std::uint16_t>(opt.subnet.size())) && put(opt.subnet);
  }
  if (opt.error) {
    fits = fits && put16(static_cast<std::uint16_t>(EdnsOption::extended_error)) &&
           put16(static_cast<std::uint16_t>(2 + opt.error_text.size())) &&
           put16(static_cast<std::uint16_t>(*opt.error)) && put(bytes_of(opt.error_text));
  }
  return fits;
}

std::span<const std::uint8_t> MessageWriter::finish(Opcode opcode, std::uint16_t flags, Rcode rcode,
                                                    const OptRecord* opt) {
  reserved_ = 0;
  bool has_opt = false;
  if (opt != nullptr) {
    const Mark before = mark();
    has_opt = put_opt(*opt, rcode);
    if (!has_opt) rewind(before);
    assert(has_opt);
  }
  set16(2, static_cast<std::uint16_t>(flag::qr | static_cast<unsigned>(opcode) << 11 | flags |
                                      (static_cast<unsigned>(rcode) & 0xf)));
  set16(4, has_question_ ? 1 : 0);
  set16(6, counts_[0]);
  set16(8, counts_[1]);
  set16(10, static_cast<std::uint16_t>(counts_[2] + (has_opt ? 1 : 0)));
  return room_.first(size_);
}

}  // namespace rgw::dns
