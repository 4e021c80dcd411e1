// hosts: the inside hosts that the world may reach by name.
#include "hosts.hpp"

#include "sections.hpp"

namespace rgw::config {
namespace {

constexpr std::size_t max_hosts = 65'536;

bool accepted_service(const Value& value, net::Service& out) {
  return parsed(value, out, "a service: tcp22, udp5060, sctp9, icmp, a bare tcp, udp or sctp, or any",
                [](std::string_view text) {
                  return text == "any" ? std::optional{net::Service{}} : parse_service(text);
                });
}

bool services(const Value& value, std::optional<std::vector<net::Service>>& out) {
  return list_of<accepted_service>(value, out.emplace());
}

constexpr Key<Host> web_keys[] = {key<&Host::proxy_protocol, boolean>("proxy_protocol", Change::now)};

// A map means true.
bool web(const Value& value, Host& host) {
  if (value.kind() != Node::Kind::map) return boolean(value, host.www);
  host.www = true;
  return read_map(value, host, web_keys);
}

Differing web_differs(const Host& from, const Host& to) {
  auto differs = by<&Host::www>(from, to);
  return differs ? differs : by<&Host::proxy_protocol>(from, to);
}

constexpr Key<Host> keys[] = {
    key<&Host::addresses, list_of<address>>("addresses", Change::ends_sessions, required),
    key<&Host::services, services>("services", Change::now),
    {"www", web, Change::now, web_differs},
    key<&Host::alg, boolean>("alg", Change::now),
};

bool check_name(const Value& value, const std::string& text, Host& host) {
  const auto name = parse_host_name(text);
  if (!name)
    return value.problem_at_key(quote(text) + " is not a host's name: letters, digits and inner hyphens");
  const auto first = name->substr(0, name->find('.'));
  if (parse_service(first))
    return value.problem_at_key(quote(first) + " means a service of a host (POOL-2), not a host");
  if (first == "www")
    return value.problem_at_key("\"www\" means the web name of a host (DNS-4); www: true gives it one");
  host.name = *name;
  return true;
}

bool read_host(const std::string& name, const Value& value, Host& host) {
  const bool named = check_name(value, name, host);
  const bool map = value.kind() == Node::Kind::map;
  const bool good = map ? read_map(value, host, keys) : list_of<address>(value, host.addresses);
  if (!map &&
      good) {  // one spelling for the checks that follow: the addresses of a host are at its `addresses`
    for (const Where& item : std::vector{value.report().items(value.path())}) {
      value.report().note_item(value.path() + ".addresses", item);
    }
  }
  return good && named;
}

}  // namespace

bool read_hosts(const Value& value, Realm& realm) {
  const auto named = value.named("a map of hosts, like hosta: 10.0.0.42");
  if (!named) return false;
  if (named->size() > max_hosts)
    return value.problem_at_key("more than " + std::to_string(max_hosts) + " hosts");
  bool good = true;
  for (const auto& [name, member] : *named) {
    good = read_host(name, member, realm.hosts.emplace_back()) && good;
    value.report().note_item(value.path(), member.key());
  }
  return good;
}

const Section hosts_section{{"hosts", read_hosts, Change::ends_sessions, nullptr}, [](Tables& tables) {
                              tables.members("hosts", "<host>", Change::now, keys, &Realm::hosts);
                            }};

}  // namespace rgw::config
