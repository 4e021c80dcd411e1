#include "realmgw/dns/zone_transfer.hpp"

#include <utility>

namespace rgw::dns {

ZoneTransfer::ZoneTransfer(std::shared_ptr<const ZoneSet> zones, const Zone& zone, const Query& query)
    : zones_{std::move(zones)},
      zone_{&zone},
      id_{query.id},
      question_{query.question},
      flags_{static_cast<std::uint16_t>(query.flags & flag::rd)},
      has_opt_{query.edns.present},
      node_{zone.nodes().begin()} {}

std::span<const std::uint8_t> ZoneTransfer::next(std::span<std::uint8_t> room) {
  MessageWriter writer{room};
  writer.begin(id_);
  if (!begun_) {
    writer.question(question_, class_in);
    if (has_opt_) writer.reserve(OptRecord{}.size());
  }
  const std::size_t empty = writer.mark().size;
  bool fits = begun_ || put_soa(writer);
  fits = fits && put_records(writer) && put_soa(writer);
  if (fits) done_ = true;
  // A record that has no place in a message of its own has none in any.
  if (!fits && writer.mark().size == empty) return refuse(Rcode::servfail, room);
  return finish(writer, Rcode::noerror);
}

std::span<const std::uint8_t> ZoneTransfer::refuse(Rcode rcode, std::span<std::uint8_t> room) {
  MessageWriter writer{room};
  writer.begin(id_);
  if (!begun_) writer.question(question_, class_in);
  done_ = true;
  return finish(writer, rcode);
}

/// RFC 5936 section 2.2.5: an OPT record in the first message, where the query has one.
std::span<const std::uint8_t> ZoneTransfer::finish(MessageWriter& writer, Rcode rcode) {
  const OptRecord opt;
  const bool first = !std::exchange(begun_, true);
  const auto flags = static_cast<std::uint16_t>(flags_ | (rcode == Rcode::noerror ? flag::aa : 0));
  return writer.finish(Opcode::query, flags, rcode, first && has_opt_ ? &opt : nullptr);
}

bool ZoneTransfer::put_soa(MessageWriter& writer) const {
  const RrSet& soa = *zone_->apex().find(RrType::soa);
  return writer.add(Section::answer, zone_->name(), soa.type, soa.ttl, soa.records.front().view());
}

/// Puts as many of the other records as a message shall have. True where none is left.
bool ZoneTransfer::put_records(MessageWriter& writer) {
  for (; node_ != zone_->nodes().end(); ++node_, set_ = 0) {
    const Node& node = node_->second;
    for (; set_ < node.sets.size(); ++set_, record_ = 0) {
      const RrSet& set = node.sets[set_];
      if (set.type == RrType::soa) continue;
      for (; record_ < set.records.size(); ++record_) {
        if (writer.mark().size >= enough ||
            !writer.add(Section::answer, node.name, set.type, set.ttl, set.records[record_].view()))
          return false;
      }
    }
  }
  return true;
}

}  // namespace rgw::dns
