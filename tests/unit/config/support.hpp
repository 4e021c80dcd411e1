// A sound realm file to which a test adds what it is about.
#pragma once

#include "realmgw/config/loader.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace rgw::config {

/// Seven lines: what a test appends begins at line 8.
inline const std::string sound =
    "realm: foo.example\n"
    "ports:\n"
    "  inside: { device: '0000:3b:00.0', addresses: [10.0.0.1/24, 'fd00:10::1/64'] }\n"
    "  outside: { device: '0000:3b:00.1', addresses: [198.51.100.1/24, '2001:db8:100::1/64'] }\n"
    "routes:\n"
    "  - { to: default, via: 198.51.100.254 }\n"
    "  - { to: default, via: '2001:db8:100::fe' }\n";

/// The same with other ports and routes.
inline std::string with_ports(const std::string& ports) {
  return "realm: foo.example\nports:\n" + ports;
}

inline std::vector<std::string> lines(const std::vector<Problem>& problems) {
  std::vector<std::string> all;
  for (const Problem& problem : problems) all.push_back(problem.to_string());
  return all;
}

/// The problems of a text, as an operator sees them.
inline std::vector<std::string> problems(const std::string& text) {
  return lines(load_text(text, "f").problems);
}
/// The problems of the sound file with `more` at its end.
inline std::vector<std::string> problems_with(const std::string& more) {
  return problems(sound + more);
}
inline std::vector<std::string> warnings_with(const std::string& more) {
  return lines(load_text(sound + more, "f").warnings);
}

/// The realm of the sound file with `more`; a test that expects one fails here with the problems.
inline Realm realm_with(const std::string& more) {
  auto result = load_text(sound + more, "f");
  EXPECT_TRUE(result.realm) << result.to_string();
  return result.realm.value_or(Realm{});
}

inline net::IpAddress ip(const char* text) {
  return net::IpAddress::parse(text).value();
}

}  // namespace rgw::config
