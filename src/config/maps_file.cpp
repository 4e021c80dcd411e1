#include "maps_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include "text.hpp"

namespace rgw::config {
namespace {

// A million lines of the longest addresses with their prefix lengths have 66 MB.
constexpr std::uintmax_t max_maps_bytes = std::uintmax_t{128} << 20;

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == ',' || c == '\r';
}

// Takes the next word off the line; empty at its end.
std::string_view next_word(std::string_view& line) {
  std::size_t begin = 0;
  while (begin < line.size() && is_blank(line[begin])) ++begin;
  std::size_t end = begin;
  while (end < line.size() && !is_blank(line[end])) ++end;
  const auto word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

std::optional<net::Prefix> prefix_of(std::string_view word, net::Family family) {
  const auto prefix = net::Prefix::parse(word);
  return prefix && prefix->family() == family ? prefix : std::nullopt;
}

// What is wrong with a line; nothing where `map` holds it.
std::optional<std::string> read_line(std::string_view line, Siit::Map& map) {
  const auto first = next_word(line), second = next_word(line);
  if (!next_word(line).empty() || second.empty()) return "expected an IPv4 and an IPv6 address or prefix";
  const auto ipv4 = prefix_of(first, net::Family::v4);
  if (!ipv4) return quote(first) + " is not an IPv4 address or prefix";
  const auto ipv6 = prefix_of(second, net::Family::v6);
  if (!ipv6) return quote(second) + " is not an IPv6 address or prefix";
  if (32 - ipv4->length() > 128 - ipv6->length()) {  // RFC 7757 section 3.2
    return ipv6->to_string() + " has fewer suffix bits than " + ipv4->to_string();
  }
  map = {*ipv4, *ipv6};
  return std::nullopt;
}

}  // namespace

bool read_maps(std::string_view text, std::size_t limit, std::vector<Siit::Map>& maps, MapLines& lines,
               Report& report) {
  bool good = true;
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t,\r") == std::string_view::npos) continue;
    Siit::Map map;
    if (auto wrong = read_line(line, map)) {
      report.problem_in(lines.file, number, "siit.maps_file", std::move(*wrong));
      good = false;
    } else if (maps.size() == limit) {
      report.problem_in(lines.file, number, "siit.maps_file", "more than " + std::to_string(limit) + " maps");
      return false;
    } else {
      maps.push_back(map);
      lines.lines.push_back(number);
    }
  }
  return good;
}

bool read_maps_file(const std::string& name, std::size_t limit, std::vector<Siit::Map>& maps, MapLines& lines,
                    Report& report) {
  const auto path = std::filesystem::path{report.file()}.parent_path() / name;
  const auto fail = [&](std::string message) {
    report.problem(report.where("siit.maps_file"), path.string() + " " + std::move(message));
    return false;
  };
  std::error_code error;
  const bool regular = std::filesystem::is_regular_file(path, error);
  if (error) return fail("cannot be opened: " + error.message());
  if (!regular) return fail("is no regular file");
  const auto size = std::filesystem::file_size(path, error);
  if (error) return fail("cannot be read: " + error.message());
  if (size > max_maps_bytes) return fail("is longer than " + std::to_string(max_maps_bytes >> 20) + " MiB");
  std::ifstream file{path, std::ios::binary};
  if (!file) return fail(std::string{"cannot be opened: "} + std::strerror(errno));
  std::string text(static_cast<std::size_t>(size), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return fail("cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  lines.file = path.string();
  return read_maps(text, limit, maps, lines, report);
}

}  // namespace rgw::config
