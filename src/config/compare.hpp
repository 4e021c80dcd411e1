// What differs between two values of one key, in words: the comparisons that stand in the tables of keys.
#pragma once

#include "realmgw/config/realm.hpp"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "text.hpp"

namespace rgw::config {

/// Nothing where both are the same; otherwise what differs, which may be no words.
using Differing = std::optional<std::string>;
/// Compares one key of two owners.
template <class Owner>
using Compare = Differing (*)(const Owner& from, const Owner& to);

/// Has the order of a list a meaning?
enum class Order : std::uint8_t { free, counts };

/// A list in a sentence, of which the first few items are told: "hosta removed, hostb added, and 120 more".
class Listing {
 public:
  /// An item and what there is to say of it, " removed".
  void add(std::string_view name, std::string_view what);
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::string text() const;

 private:
  static constexpr std::size_t most = 8;
  std::string text_;
  std::size_t count_ = 0;
};

// ---- what a value reads like ----

template <class T>
concept Printable = requires(const T& value) {
  value.to_string();
};

inline std::string text_of(const std::string& text) {
  return quote(text);
}
inline std::string text_of(std::chrono::milliseconds duration) {
  return to_string(duration);
}
inline std::string text_of(net::Service service) {
  return to_string(service);
}
inline std::string text_of(net::TsigAlgorithm algorithm) {
  return std::string{net::info_of(algorithm).name};
}
inline std::string text_of(net::PortRange range) {
  return std::to_string(range.first) + "-" + std::to_string(range.last);
}
inline std::string text_of(Printable auto const& value) {
  return value.to_string();
}
inline std::string text_of(std::integral auto value) {
  if constexpr (std::is_same_v<decltype(value), bool>) return value ? "true" : "false";
  return std::to_string(value);
}
template <class T>
concept Told = requires(const T& value) {
  text_of(value);
};

// ---- the items of lists ----

/// An external address with the ports that are the gateway's.
struct External {
  net::IpAddress address;
  net::PortRange ports;
  friend bool operator==(const External&, const External&) = default;
};

/// By what an item is the same one in two lists: all of it, unless more is said below.
template <class T>
const T& identity(const T& item) {
  return item;
}
inline auto identity(const net::InterfaceAddress& item) {
  return std::pair{item.address, item.length};
}
inline const net::IpAddress& identity(const External& item) {
  return item.address;
}
inline const net::Prefix& identity(const Route& item) {
  return item.to;
}
inline auto identity(const StaticMapping& item) {
  return std::pair{item.protocol, item.outside};
}
inline const net::Prefix& identity(const Nat66::Npt& item) {
  return item.inside;
}
inline const net::Prefix& identity(const Siit::Map& item) {
  return item.ipv4;
}
inline auto identity(const Record& item) {
  return std::tie(item.name, item.type, item.data);
}
inline auto identity(const UpdateRight& item) {
  return std::tie(item.key, item.zones, item.prefixes);  // a key may have several
}
/// Ports, hosts, zones, keys.
template <class T>
requires std::is_same_v<T, Port> || std::is_same_v<T, Host> || std::is_same_v<T, Zone> ||
    std::is_same_v<T, DnsKey>
const std::string& identity(const T& item) {
  return item.name;
}

/// The identity in words.
template <class T>
std::string name_of(const T& item) {
  if constexpr (std::is_same_v<T, std::string>)
    return item;
  else
    return text_of(identity(item));
}
inline const std::string& name_of(const UpdateRight& item) {
  return item.key;
}
inline std::string name_of(const net::InterfaceAddress& item) {
  return item.to_string();
}
inline std::string name_of(const StaticMapping& item) {
  return to_string(item.protocol) + " " + item.outside.to_string();
}
inline std::string name_of(const Record& item) {
  return item.name + " " + item.type + " " + item.data;
}

/// Goes through the items of both lists by identity: `removed(old)` for one of the first alone,
/// `added(fresh)` for one of the second alone, `kept(old, fresh)` for one of both. Of items that are the same
/// one in one list, the first counts.
template <class T, class Removed, class Added, class Kept>
void pair_up(std::span<const T> from, std::span<const T> to, Removed removed, Added added, Kept kept) {
  const auto by_identity = [](std::span<const T> items) {
    std::vector<const T*> sorted;
    sorted.reserve(items.size());
    for (const T& item : items) sorted.push_back(&item);
    const auto before = [](const T* a, const T* b) { return identity(*a) < identity(*b); };
    const auto same = [](const T* a, const T* b) { return identity(*a) == identity(*b); };
    std::stable_sort(sorted.begin(), sorted.end(), before);
    sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());
    return sorted;
  };
  const auto old = by_identity(from), fresh = by_identity(to);
  auto a = old.begin(), b = fresh.begin();
  while (a != old.end() && b != fresh.end()) {
    if (identity(**a) < identity(**b)) {
      removed(**a++);
    } else if (identity(**b) < identity(**a)) {
      added(**b++);
    } else {
      kept(**a++, **b++);
    }
  }
  for (; a != old.end(); ++a) removed(**a);
  for (; b != fresh.end(); ++b) added(**b);
}

template <class T>
Differing differing_items(std::span<const T> from, std::span<const T> to, Order order) {
  if (std::equal(from.begin(), from.end(), to.begin(), to.end())) return std::nullopt;
  Listing listing;
  pair_up(
      from, to, [&](const T& old) { listing.add(name_of(old), " removed"); },
      [&](const T& fresh) { listing.add(name_of(fresh), " added"); },
      [&](const T& old, const T& fresh) {
        if (!(old == fresh)) listing.add(name_of(fresh), " changed");
      });
  if (!listing.empty()) return listing.text();
  return order == Order::counts ? std::optional{"order changed"} : std::nullopt;
}

// ---- comparisons ----

template <Order order, class T>
Differing differing(const T& from, const T& to) {
  if (from == to) return std::nullopt;
  if constexpr (Told<T>) return "was " + text_of(from);
  return "";
}
template <Order order, class T>
Differing differing(const std::vector<T>& from, const std::vector<T>& to) {
  return differing_items(std::span{from}, std::span{to}, order);
}
template <Order order, class T>
Differing differing(const std::span<const T>& from, const std::span<const T>& to) {
  return differing_items(from, to, order);
}
template <Order order, class T>
Differing differing(const std::optional<T>& from, const std::optional<T>& to) {
  if (from && to) return differing<order>(*from, *to);
  if (from.has_value() == to.has_value()) return std::nullopt;
  if (!from) return "was none";
  if constexpr (Told<T>) return "was " + text_of(*from);
  return "";
}

/// Compares a part of two owners: a member, or what a function makes of an owner.
template <auto part, Order order = Order::free, class Owner>
Differing by(const Owner& from, const Owner& to) {
  return differing<order>(std::invoke(part, from), std::invoke(part, to));
}

}  // namespace rgw::config
