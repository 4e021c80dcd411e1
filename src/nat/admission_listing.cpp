// What an operator sees of one worker's mappings and pinholes.
#include "realmgw/nat/admission.hpp"

namespace rgw::nat {
namespace {

// So that a listing does not stop the traffic.
constexpr std::uint32_t looks_a_call = 4096;

}  // namespace

Admission::Listed Admission::list_mappings(std::uint32_t cursor, std::span<MappingInfo> rows,
                                           std::uint32_t& count) const {
  const std::uint32_t fixed = rules_.static_bib.size(), end = fixed + mappings_.high_water();
  count = 0;
  std::uint32_t at = cursor;
  for (std::uint32_t looks = 0; at < end && looks < looks_a_call && count < rows.size(); ++at, ++looks) {
    if (at < fixed) {
      const StaticMapping& mapping = rules_.static_bib[at];
      if (ownership_.owner_in(mapping.inside.address) != self_) continue;
      rows[count++] = {MappingInfo::Kind::fixed, mapping.protocol, self_.value(),
                       mapping.inside,           mapping.outside,  rules_.static_bib.sessions(at)};
    } else if (const MappingTable::Id id = at - fixed; mappings_.live(id)) {
      const MappingTable::Mapping& mapping = mappings_[id];
      const auto kind =
          mapping.hold == Hold::open ? MappingInfo::Kind::explicit_dynamic : MappingInfo::Kind::dynamic;
      rows[count++] = {kind,           mapping.protocol, self_.value(),
                       mapping.inside, mapping.external, mapping.sessions};
    }
  }
  return {at, at >= end};
}

Admission::Listed Admission::list_pinholes(std::uint32_t cursor, std::span<PinholeInfo> rows,
                                           std::uint32_t& count, Instant now) const {
  const std::uint32_t end = pinholes_.high_water();
  count = 0;
  std::uint32_t at = cursor;
  for (std::uint32_t looks = 0; at < end && looks < looks_a_call && count < rows.size(); ++at, ++looks) {
    if (!pinholes_.live(at) || ownership_.owner_in(pinholes_[at].inside.address) != self_) continue;
    const Pinhole& hole = pinholes_[at];
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(hole.deadline - now).count();
    rows[count++] = {.id = hole.id,
                     .protocol = hole.protocol,
                     .arrival = hole.arrival,
                     .ports = hole.ports,
                     .worker = self_.value(),
                     .one_remote = hole.one_remote,
                     .used = pinholes_.used(at),
                     .inside = hole.inside,
                     .external = hole.external,
                     .remote = hole.remote,
                     .sessions = pinholes_.sessions(at),
                     .expires_s = pinholes_.open(at, now) ? static_cast<std::uint32_t>(left) : 0};
  }
  return {at, at >= end};
}

}  // namespace rgw::nat
