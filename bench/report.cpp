#include "bench/report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace rgw::bench {
namespace {

template <class... Values>
std::string format(const char* how, Values... values) {
  std::array<char, 256> text;
  std::snprintf(text.data(), text.size(), how, values...);
  return text.data();
}

double millions_per_second(const Row& row, double tsc_hz) {
  return row.cycles > 0 ? tsc_hz / row.cycles / 1e6 : 0;
}

std::string count(std::uint32_t n) {
  if (n == 0) return "-";
  if (n % (1U << 20) == 0) return std::to_string(n >> 20) + "Mi";
  if (n % (1U << 10) == 0) return std::to_string(n >> 10) + "Ki";
  return std::to_string(n);
}

// Names and directions are ours: nothing in them needs an escape.
std::string json(const Row& row, double tsc_hz) {
  std::string object = format(
      R"({"name": "%s", "sessions": %u, "direction": "%s", "cycles_per_packet": %.2f, "forward_cycles": %.2f, )"
      R"("mpps": %.4f, "unit": "%s")",
      row.name.c_str(), row.sessions, row.direction.c_str(), row.cycles, row.forward,
      millions_per_second(row, tsc_hz), std::string{name(row.unit)}.c_str());
  for (const auto& [key, value] : row.more) object += format(R"(, "%s": %.6g)", key.c_str(), value);
  return object + "}";
}

}  // namespace

std::string_view name(Unit unit) {
  switch (unit) {
    case Unit::packet:
      return "packet";
    case Unit::session:
      return "session";
    case Unit::query:
      return "query";
  }
  return "";
}

void print_json(std::ostream& out, const std::vector<Row>& rows, double tsc_hz) {
  out << "[\n";
  for (std::size_t i = 0; i < rows.size(); ++i)
    out << "  " << json(rows[i], tsc_hz) << (i + 1 < rows.size() ? ",\n" : "\n");
  out << "]\n";
}

void print_table(std::ostream& out, const std::vector<Row>& rows, double tsc_hz) {
  out << format("time stamp counter: %.3f GHz\n\n", tsc_hz / 1e9);
  std::size_t width = 4;
  for (const Row& row : rows) width = std::max(width, row.name.size());
  const auto padded = [&](std::string text) {
    return text.append(width - std::min(width, text.size()), ' ');
  };
  out << padded("what")
      << format("  %8s  %-9s %9s %9s %9s %7s %8s\n", "sessions", "direction", "cycles", "M/s", "forward",
                "ratio", "more");
  for (const Row& row : rows) {
    out << padded(row.name)
        << format("  %8s  %-9s %9.1f %9.3f", count(row.sessions).c_str(), row.direction.c_str(), row.cycles,
                  millions_per_second(row, tsc_hz));
    if (row.unit == Unit::packet && row.forward > 0) {
      out << format(" %9.1f %7.2f %+8.1f", row.forward, row.cycles / row.forward, row.cycles - row.forward);
    } else {
      out << format(" %9s %7s %8s", "", "", "");
    }
    for (const auto& [key, value] : row.more) out << format("  %s %.4g", key.c_str(), value);
    out << '\n';
  }
}

}  // namespace rgw::bench
