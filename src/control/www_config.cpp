#include "realmgw/control/www_config.hpp"

#include "realmgw/control/file_write.hpp"
#include "realmgw/www/nginx_config.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

namespace rgw::control {
namespace {

/// The kernel speaks to hosts from the service addresses of the inside ports. So a host is reached at the
/// first of its addresses whose family an inside port has.
net::IpAddress reached_at(const config::Host& host, const config::Realm& realm) {
  const auto speaks = [&](const net::IpAddress& address) {
    return std::ranges::any_of(realm.ports, [&](const config::Port& port) {
      return port.side == config::Side::inside &&
             std::ranges::any_of(port.addresses, [&](const net::InterfaceAddress& own) {
               return own.address.family() == address.family();
             });
    });
  };
  const auto found = std::ranges::find_if(host.addresses, speaks);
  return found != host.addresses.end() ? *found : host.addresses.front();
}

std::optional<std::string> text_of(const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  if (!stream) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>{stream}, {}};
}

}  // namespace

std::filesystem::path www_file(const config::Realm& realm) {
  return std::filesystem::path{realm.www.directory} / "www.conf";
}

std::string www_config(const config::Realm& realm) {
  www::Site site;
  if (realm.www.proxy == config::Www::Proxy::nginx) {
    site.addresses = realm.dns.proxy;
    for (const config::Host& host : realm.hosts) {
      if (host.www && !host.addresses.empty())
        site.hosts.push_back(
            {"www." + host.name + "." + realm.name, reached_at(host, realm), host.proxy_protocol});
    }
  }
  return www::nginx_config(site);
}

void write_www_config(const config::Realm& realm) {
  const auto file = www_file(realm);
  const auto former = text_of(file);
  if (realm.www.proxy == config::Www::Proxy::none && !former) return;
  const std::string text = www_config(realm);
  if (former == text) return;
  write_file(file, text, 0640);
  try {
    write_file(file.parent_path() / "www.changed", {}, 0640);
  } catch (const std::system_error&) {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);  // or the next attempt would find nothing to do
    throw;
  }
}

}  // namespace rgw::control
