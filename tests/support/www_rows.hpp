// What nginx would do by a configuration for the web names of a site, checked against the site (WEB-1).
#pragma once

#include "realmgw/www/nginx_config.hpp"

#include <map>
#include <set>
#include <string>

#include "nginx_text.hpp"

namespace rgw::test {

using NginxRows = std::map<std::string, std::string>;

/// The rows of the map that sets `variable`, "default" among them; of any block. A row that is no pair, or
/// that is there twice, becomes "bad".
inline NginxRows nginx_map(const std::vector<NginxDirective>& directives, std::string_view variable) {
  NginxRows rows;
  for (const auto& one : directives) {
    if (one.is("map") && one.words.size() == 3 && one.words[2] == variable) {
      for (const auto& row : one.block) {
        const bool pair = row.words.size() == 2 && !row.has_block;
        if (!pair || !rows.emplace(row.words[0], row.words[1]).second) rows["bad"] = row.words[0];
      }
    } else if (one.has_block) {
      rows.merge(nginx_map(one.block, variable));
    }
  }
  return rows;
}

/// The names of all directives but the rows of maps, and whether blocks follow them: the shape that names and
/// addresses must not change.
inline std::string nginx_shape(const std::vector<NginxDirective>& directives) {
  std::string shape;
  for (const auto& one : directives) {
    shape += one.words.front();
    if (one.has_block) shape += one.is("map") ? "{}" : "{" + nginx_shape(one.block) + "}";
    shape += ";";
  }
  return shape;
}

/// What is wrong with the configuration of a site; empty if nothing is.
inline std::string www_fault(const www::Site& site) {
  const auto read = NginxText::read(www::nginx_config(site));
  if (!read) return "nginx cannot read it";
  NginxRows http{{"default", ""}}, tls{{"default", "unix:refuse.sock"}};
  NginxRows with_header{{"default", "unix:plain.sock"}};
  std::set<std::string> seen;
  for (const auto& host : site.hosts) {
    if (site.addresses.empty() || !www::is_web_name(host.name) || !seen.insert(host.name).second) continue;
    const bool v6 = host.address.is_v6();
    const std::string end = v6 ? "[" + host.address.to_string() + "]" : host.address.to_string();
    http[host.name] = end + ":80";
    (host.proxy_protocol ? with_header : tls)[host.name] = end + ":443";
  }
  const bool headers = with_header.size() > 1;
  if (!headers) with_header.clear();
  if (site.addresses.empty()) http = tls = {};
  if (nginx_map(*read, "$www_http") != http) return "the names of HTTP are others";
  if (nginx_map(*read, "$www_tls") != tls) return "the names of TLS are others";
  if (nginx_map(*read, "$www_tls_with_header") != with_header) return "the names with a header are others";
  // The same without hosts, but for one with a header where there is one.
  www::Site bare{site.addresses, {}};
  if (headers) bare.hosts = {{"www.a", *net::IpAddress::parse("10.0.0.1"), true}};
  const auto plain = NginxText::read(www::nginx_config(bare));
  if (!plain || nginx_shape(*read) != nginx_shape(*plain)) return "names change more than the maps";
  return {};
}

}  // namespace rgw::test
