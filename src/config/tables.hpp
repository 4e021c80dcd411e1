// The tables of keys seen from outside: which keys there are, and which of them differ between two realms.
#pragma once

#include "realmgw/config/changes.hpp"

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compare.hpp"
#include "value.hpp"

namespace rgw::config {

inline constexpr std::size_t changes = 3;

/// Each section shows its tables, and from each the names of its keys and the differences are taken.
class Tables {
 public:
  Tables(const Realm& from, const Realm& to) : from_{from}, to_{to} {}

  /// The section's own row.
  void section(const Key<Realm>& key) { add({}, key, from_, to_); }

  /// A table of keys. `part` is a member of the realm, or a function that returns what the table is of.
  template <class Owner, class Kept, std::size_t N, class Part>
  void keys(const std::string& prefix, const Key<Owner, Kept> (&keys)[N], Part part) {
    for (const auto& key : keys) add(prefix, key, std::invoke(part, from_), std::invoke(part, to_));
  }

  /// The keys of the items of `list`, which has been shown.
  template <class Owner, std::size_t N>
  void items(const std::string& list, const ItemKey<Owner> (&keys)[N]) {
    const auto change = change_of(list);
    for (const auto& key : keys) known_.push_back({list + "[]." + std::string{key.name}, change});
  }

  /// A map whose members the operator names, `member` for the documentation ("<host>"). What is removed is a
  /// change of the map, which has been shown; what is added means `added`. `part` as above, of all members.
  template <class Owner, class Member, std::size_t N, class Part>
  void members(const std::string& map, const std::string& member, Change added,
               const Key<Owner, Member> (&keys)[N], Part part);

  [[nodiscard]] std::vector<KnownKey> take_known() { return std::move(known_); }
  [[nodiscard]] std::vector<Difference> take_differences() { return std::move(differences_); }

 private:
  template <class Owner, class Kept>
  void add(const std::string& prefix, const Key<Owner, Kept>& key, const Kept& from, const Kept& to) {
    known_.push_back({prefix + std::string{key.name}, key.change});
    if (key.compare == nullptr) return;
    if (auto what = key.compare(from, to))
      differences_.push_back({known_.back().name, key.change.value(), std::move(*what)});
  }
  [[nodiscard]] std::optional<Change> change_of(std::string_view name) const;

  const Realm& from_;
  const Realm& to_;
  std::vector<KnownKey> known_;
  std::vector<Difference> differences_;
};

template <class Owner, class Member, std::size_t N, class Part>
void Tables::members(const std::string& map, const std::string& member, Change added,
                     const Key<Owner, Member> (&keys)[N], Part part) {
  const Change removed = change_of(map).value();
  known_.push_back({map + "." + member, added});
  for (const auto& key : keys)
    known_.push_back({map + "." + member + "." + std::string{key.name}, key.change});

  std::array<Listing, changes> listings;
  const auto listing = [&](Change change) -> Listing& { return listings[static_cast<std::size_t>(change)]; };
  const auto compare = [&](const Member& old, const Member& fresh) {
    std::array<std::string, changes> names;
    for (const auto& key : keys) {
      if (!key.compare(old, fresh)) continue;
      std::string& those = names[static_cast<std::size_t>(key.change.value())];
      those += (those.empty() ? "" : " and ") + std::string{key.name};
    }
    for (std::size_t i = 0; i < changes; ++i)
      if (!names[i].empty()) listings[i].add(fresh.name, ": " + names[i] + " changed");
  };
  const std::vector<Member>&from = std::invoke(part, from_), &to = std::invoke(part, to_);
  if (from == to) return;
  pair_up<Member>(
      from, to, [&](const Member& old) { listing(removed).add(old.name, " removed"); },
      [&](const Member& fresh) { listing(added).add(fresh.name, " added"); }, compare);
  for (std::size_t i = changes; i-- > 0;)
    if (!listings[i].empty()) differences_.push_back({map, static_cast<Change>(i), listings[i].text()});
}

}  // namespace rgw::config
