// What the benchmark found out, as a table for people or JSON for scripts.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rgw::bench {

/// What a row counts: `cycles` are for one of these.
enum class Unit : std::uint8_t { packet, session, query };
[[nodiscard]] std::string_view name(Unit unit);

/// One line of the report.
struct Row {
  std::string name;
  std::uint32_t sessions = 0;  ///< that the tables held, where that matters
  std::string direction;       ///< outward, inward, mixed, or none
  double cycles = 0;           ///< for one `unit`, the median of the rounds
  double forward = 0;          ///< cycles of a plain port-to-port forward of a packet, in the same rounds
  Unit unit = Unit::packet;
  std::vector<std::pair<std::string, double>> more;  ///< further figures, by name
};

/// A list of objects: name, sessions, direction, cycles_per_packet, forward_cycles, mpps, unit, and the
/// further ones.
void print_json(std::ostream& out, const std::vector<Row>& rows, double tsc_hz);

void print_table(std::ostream& out, const std::vector<Row>& rows, double tsc_hz);

}  // namespace rgw::bench
