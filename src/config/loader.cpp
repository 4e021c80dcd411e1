#include "realmgw/config/loader.hpp"

#include <algorithm>
#include <array>

#include "file_text.hpp"
#include "sections.hpp"

namespace rgw::config {
namespace {

// What is not zero and belongs to no struct of its own.
Realm realm_of_defaults() {
  Realm realm;
  realm.local_services = {{net::Protocol::tcp, 53}, {net::Protocol::udp, 53}, {net::Protocol::icmp, 0}};
  return realm;
}

// The lines of what a judge objects to.
class Lines final : public Objections {
 public:
  explicit Lines(Report& report) : report_{report} {}

  [[nodiscard]] bool sound(std::initializer_list<std::string_view> keys) const override {
    return std::all_of(keys.begin(), keys.end(), [this](std::string_view key) { return report_.clean(key); });
  }
  [[nodiscard]] bool sound() const override { return report_.sound(); }
  void zone(std::size_t zone, std::optional<std::size_t> record, std::string message) override {
    const Where where = report_.where("zones", zone);
    report_.problem(record ? report_.where(where.key, *record) : where, std::move(message));
  }
  void realm(std::string message) override { report_.problem(report_.where("realm"), std::move(message)); }

 private:
  Report& report_;
};

// Behind those of the file. Of two with one name the file's is the one that counts.
void add_hosts(const std::vector<Host>& more, Realm& realm, Report& report) {
  for (const Host& host : more) {
    const Where where{{0, 0}, "hosts." + host.name};
    if (std::ranges::find(realm.hosts, host.name, &Host::name) != realm.hosts.end()) {
      report.warning(where, "is in the realm file, so the host of that name that was added is left out");
      continue;
    }
    realm.hosts.push_back(host);
    report.note_item("hosts", where);
  }
}

Realm read_realm(const Node& root, const Surroundings& surroundings, Report& report) {
  Realm realm = realm_of_defaults();
  realm.outbound.max_sessions = surroundings.default_sessions;
  std::array<KeySpec, sections.size()> keys;
  for (std::size_t i = 0; i < sections.size(); ++i) keys[i] = {sections[i]->key.name, sections[i]->key.must};
  if (const auto members = Value{root, "", root.at, report}.members(keys)) {
    for (const auto& member : *members) sections[member.key]->key.read(member.value, realm);
    add_hosts(surroundings.more_hosts, realm, report);
    fill_defaults(realm, report);
    validate(realm, report);
    if (surroundings.judge) {
      Lines lines{report};
      surroundings.judge(realm, lines);
    }
  }
  return realm;
}

LoadResult fail(std::string file, std::string message) {
  LoadResult result;
  result.problems.push_back({std::move(file), 0, 0, {}, std::move(message)});
  return result;
}

}  // namespace

LoadResult load_text(std::string_view text, std::string name, const Surroundings& surroundings) {
  const auto document = parse_document(text);
  Report report{std::move(name)};
  LoadResult result;
  Realm realm;
  if (const auto* error = std::get_if<SyntaxError>(&document)) {
    report.problem({error->at, {}}, error->message);
  } else {
    realm = read_realm(std::get<Node>(document), surroundings, report);
  }
  report.finish(result);
  if (result.problems.empty()) result.realm = std::move(realm);
  return result;
}

LoadResult load_file(const std::filesystem::path& path, const Surroundings& surroundings) {
  const FileText file = file_text(path);
  if (!file.problem.empty()) return fail(path.string(), file.problem);
  return load_text(file.text, path.string(), surroundings);
}

}  // namespace rgw::config
