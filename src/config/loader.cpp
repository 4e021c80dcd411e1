#include "realmgw/config/loader.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "sections.hpp"

namespace rgw::config {
namespace {

constexpr std::array<const Section*, 19> sections{
    &realm_section, &ports_section, &routes_section, &workers_section, &outbound_section, &forward_section,
    &nat64_section, &nat46_section, &nat66_section,  &siit_section,    &timers_section,   &pool_section,
    &alg_section,   &pcp_section,   &hosts_section,  &zones_section,   &dns_section,      &gateway_section,
    &control_section};

// What is not zero and belongs to no struct of its own.
Realm realm_of_defaults() {
  Realm realm;
  realm.local_services = {{net::Protocol::tcp, 53}, {net::Protocol::udp, 53}, {net::Protocol::icmp, 0}};
  return realm;
}

Realm read_realm(const Node& root, Report& report) {
  Realm realm = realm_of_defaults();
  std::array<KeySpec, sections.size()> keys;
  for (std::size_t i = 0; i < sections.size(); ++i) keys[i] = {sections[i]->name, sections[i]->required};
  if (const auto members = Value{root, "", root.at, report}.members(keys)) {
    for (const auto& member : *members) sections[member.key]->read(member.value, realm);
    fill_defaults(realm, report);
    validate(realm, report);
  }
  return realm;
}

LoadResult fail(std::string file, std::string message) {
  LoadResult result;
  result.problems.push_back({std::move(file), 0, 0, {}, std::move(message)});
  return result;
}

}  // namespace

LoadResult load_text(std::string_view text, std::string name) {
  const auto document = parse_document(text);
  Report report{std::move(name)};
  LoadResult result;
  Realm realm;
  if (const auto* error = std::get_if<SyntaxError>(&document)) {
    report.problem({error->at, {}}, error->message);
  } else {
    realm = read_realm(std::get<Node>(document), report);
  }
  report.finish(result);
  if (result.problems.empty()) result.realm = std::move(realm);
  return result;
}

LoadResult load_file(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return fail(path.string(), "is a directory");
  errno = 0;
  std::ifstream file{path, std::ios::binary};
  if (!file) return fail(path.string(), std::string{"cannot be opened: "} + std::strerror(errno));
  // One byte more than may be: a device without an end is refused like a file that is too long.
  std::string text(max_file_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return fail(path.string(), "cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return load_text(text, path.string());
}

std::vector<std::string> known_keys() {
  std::vector<std::string> names;
  for (const Section* section : sections) {
    names.emplace_back(section->name);
    section->keys(names);
  }
  return names;
}

}  // namespace rgw::config
