// What an operator sees of one worker's mappings and pinholes.
#include "realmgw/nat/admission.hpp"

namespace rgw::nat {
namespace {

// So that a listing does not stop the traffic.
constexpr std::uint32_t looks_a_call = 4096;

}  // namespace

Admission::Listed Admission::list_mappings(std::uint32_t cursor, std::span<MappingInfo> rows,
                                           std::uint32_t& count) const {
  const std::uint32_t fixed = book_.rules().static_bib.size(), end = fixed + book_.mappings().high_water();
  count = 0;
  std::uint32_t at = cursor;
  for (std::uint32_t looks = 0; at < end && looks < looks_a_call && count < rows.size(); ++at, ++looks) {
    if (at < fixed) {
      const StaticMapping& mapping = book_.rules().static_bib[at];
      if (book_.ownership().owner_in(mapping.inside.address) != book_.self()) continue;
      rows[count++] = {MappingInfo::Kind::fixed, mapping.protocol, book_.self().value(),
                       mapping.inside,           mapping.outside,  book_.rules().static_bib.sessions(at)};
    } else if (const MappingTable::Id id = at - fixed; book_.mappings().live(id)) {
      const MappingTable::Mapping& mapping = book_.mappings()[id];
      const auto kind =
          mapping.hold == Hold::open ? MappingInfo::Kind::explicit_dynamic : MappingInfo::Kind::dynamic;
      rows[count++] = {kind,           mapping.protocol, book_.self().value(),
                       mapping.inside, mapping.external, mapping.sessions};
    }
  }
  return {at, at >= end};
}

Admission::Listed Admission::list_pinholes(std::uint32_t cursor, std::span<PinholeInfo> rows,
                                           std::uint32_t& count, Instant now) const {
  const std::uint32_t end = book_.pinholes().high_water();
  count = 0;
  std::uint32_t at = cursor;
  for (std::uint32_t looks = 0; at < end && looks < looks_a_call && count < rows.size(); ++at, ++looks) {
    if (!book_.pinholes().live(at) ||
        book_.ownership().owner_in(book_.pinholes()[at].inside.address) != book_.self())
      continue;
    const Pinhole& hole = book_.pinholes()[at];
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(hole.deadline - now).count();
    rows[count++] = {.id = hole.id,
                     .protocol = hole.protocol,
                     .arrival = hole.arrival,
                     .ports = hole.ports,
                     .worker = book_.self().value(),
                     .one_remote = hole.one_remote,
                     .used = book_.pinholes().used(at),
                     .inside = hole.inside,
                     .external = hole.external,
                     .remote = hole.remote,
                     .sessions = book_.pinholes().sessions(at),
                     .expires_s = book_.pinholes().open(at, now) ? static_cast<std::uint32_t>(left) : 0};
  }
  return {at, at >= end};
}

}  // namespace rgw::nat
