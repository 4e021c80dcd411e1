#include "realmgw/config/host_file.hpp"

#include <system_error>
#include <utility>

#include "file_text.hpp"
#include "hosts.hpp"
#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

namespace rgw::config {
namespace {

std::string name_of(net::Service service) {
  return service.is_any() ? "any" : to_string(service);
}

void write(YAML::Emitter& out, const std::vector<std::string_view>& words) {
  out << YAML::Flow << YAML::BeginSeq;
  for (const auto word : words) out << YAML::DoubleQuoted << std::string{word};
  out << YAML::EndSeq;
}

// One member of a map of hosts. Whatever the words hold, each is one scalar.
void write(YAML::Emitter& out, const HostWords& host) {
  out << YAML::Key << YAML::DoubleQuoted << std::string{host.name} << YAML::Value << YAML::BeginMap;
  out << YAML::Key << "addresses" << YAML::Value;
  write(out, host.addresses);
  if (host.services) {
    out << YAML::Key << "services" << YAML::Value;
    write(out, *host.services);
  }
  if (host.www && host.proxy_protocol) {
    out << YAML::Key << "www" << YAML::Value << YAML::BeginMap << YAML::Key << "proxy_protocol" << YAML::Value
        << true << YAML::EndMap;
  } else if (host.www) {
    out << YAML::Key << "www" << YAML::Value << true;
  }
  if (!host.alg) out << YAML::Key << "alg" << YAML::Value << false;
  out << YAML::EndMap;
}

}  // namespace

HostFile read_hosts(std::string_view text, std::string name) {
  Report report{std::move(name)};
  Realm realm;
  const auto document = parse_document(text);
  if (const auto* error = std::get_if<SyntaxError>(&document)) {
    report.problem({error->at, {}}, error->message);
  } else {
    const Node& root = std::get<Node>(document);
    if (root.kind != Node::Kind::nothing)
      static_cast<void>(read_hosts(Value{root, "hosts", root.at, report}, realm));
  }
  LoadResult result;
  report.finish(result);
  if (!result.problems.empty()) return {{}, std::move(result.problems)};
  return {std::move(realm.hosts), {}};
}

HostFile load_hosts(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  const FileText file = file_text(path);
  if (!file.problem.empty()) return {{}, {{path.string(), 0, 0, {}, file.problem}}};
  return read_hosts(file.text, path.string());
}

HostFile host_of(const HostWords& words) {
  if (words.addresses.empty())
    return {{}, {{"host", 0, 0, "hosts." + std::string{words.name}, "an address is missing"}}};
  YAML::Emitter out;
  out << YAML::BeginMap;
  write(out, words);
  out << YAML::EndMap;
  return read_hosts(out.c_str(), "host");
}

std::string text_of(const std::vector<Host>& hosts) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  for (const Host& host : hosts) {
    std::vector<std::string> addresses, services;
    for (const auto& address : host.addresses) addresses.push_back(address.to_string());
    for (const auto& service : host.services.value_or(std::vector<net::Service>{}))
      services.push_back(name_of(service));
    HostWords words{
        .name = host.name, .www = host.www, .proxy_protocol = host.proxy_protocol, .alg = host.alg};
    words.addresses.assign(addresses.begin(), addresses.end());
    if (host.services) words.services.emplace(services.begin(), services.end());
    write(out, words);
  }
  out << YAML::EndMap;
  return std::string{out.c_str()} + "\n";
}

}  // namespace rgw::config
