// What a change of the realm file does, and what differs between two realms.
#pragma once

#include "realmgw/config/realm.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::config {

/// How a key's new value comes to apply, by rising cost.
enum class Change : std::uint8_t {
  now,            ///< at once
  ends_sessions,  ///< at once, and sessions that have no place by it end
  restart,        ///< when the daemon is restarted
};
/// As docs/realm-file.md writes it: "now", "ends sessions", "restart".
[[nodiscard]] std::string_view name(Change change);

/// A key that has another value. A map whose members the operator names (`ports`, `hosts`, `zones`) has one
/// for each Change that a difference of its members means.
struct Difference {
  std::string key;  ///< "outbound.hairpin"; of what stands in a list or in a map of names, these: "hosts"
  Change change = Change::now;
  /// In words: "was 2s"; of lists and maps "hosta removed, hostc: addresses changed, and 120 more". Bounded;
  /// empty where there is no more to say.
  std::string what;
  friend bool operator==(const Difference&, const Difference&) = default;
};

/// What differs between two complete realms, in the order of docs/realm-file.md. A default that follows
/// another key differs with it. The order of a list counts only where it has a meaning.
[[nodiscard]] std::vector<Difference> differences(const Realm& from, const Realm& to);

/// A key of the realm file, with `<name>` where the operator chooses one: "ports.<port>.device".
struct KnownKey {
  std::string name;
  std::optional<Change> change;  ///< none: a map of other keys, with no value of its own
  friend bool operator==(const KnownKey&, const KnownKey&) = default;
};

/// Every key that the loader knows. docs/realm-file.md is checked against it.
[[nodiscard]] std::vector<KnownKey> known_keys();

}  // namespace rgw::config
