// The reader: a node of the file with its path, typed reads, and tables of the keys that a map may have.
//
// A read is a function `bool read(const Value&, T&)`: it sets its target and returns true, or reports why not
// and returns false. Reads compose: `list_of<address>` reads a list, `into<&Timers::udp, timer>` a member.
#pragma once

#include "realmgw/config/changes.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/net/transport.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "compare.hpp"
#include "report.hpp"
#include "text.hpp"

namespace rgw::config {

struct KeySpec {
  std::string_view name;
  bool required = false;
};

class Value {
 public:
  /// `path` is the operator's name for it; `key_at` where its key stands (for a list's item: itself).
  Value(const Node& node, std::string path, Position key_at, Report& report);

  [[nodiscard]] Node::Kind kind() const { return node_->kind; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Report& report() const { return *report_; }
  /// This value, and the same at the place of its key.
  [[nodiscard]] Where where() const { return {node_->at, path_}; }
  [[nodiscard]] Where key() const { return {key_at_, path_}; }

  /// Reports and returns false, so that a read can end with it.
  bool problem(std::string message) const;
  /// The same at the key: a name is wrong, or something is missing below it.
  bool problem_at_key(std::string message) const;

  /// The text of a scalar; reports "expected `what`" for anything else.
  [[nodiscard]] const std::string* scalar(std::string_view what) const;
  /// The items of a list; a single value is a list of itself, nothing is an empty one.
  [[nodiscard]] std::vector<Value> items() const;

  struct Member;
  /// The members of a map with the given keys. Reports what is no map, unknown, duplicate, missing; absent
  /// where it is no map at all. Nothing is an empty map.
  [[nodiscard]] std::optional<std::vector<Member>> members(std::span<const KeySpec> keys) const;

  struct Named;
  /// The members of a map whose keys the operator chooses; `what` says what the map holds.
  [[nodiscard]] std::optional<std::vector<Named>> named(std::string_view what) const;

 private:
  [[nodiscard]] bool expect_map(std::string_view what) const;
  [[nodiscard]] Value member(std::size_t index) const;

  const Node* node_;
  std::string path_;
  Position key_at_;
  Report* report_;
};

struct Value::Member {
  std::size_t key;  ///< index in the specification
  Value value;
};

struct Value::Named {
  std::string name;
  Value value;
};

template <class T>
using Read = bool (*)(const Value&, T&);

namespace detail {
template <class T>
T target_of(Read<T>);
template <class Owner, class T>
Owner owner_of(T Owner::*);
}  // namespace detail
/// What a read sets.
template <auto read>
using TargetOf = decltype(detail::target_of(read));

// ---- tables of keys ----

/// A key that has to be written.
inline constexpr bool required = true;

/// A key: how it is read into an owner, what a change of it does, and how two owners are compared by it. What
/// is read may be a draft of what is kept.
template <class Owner, class Kept = Owner>
struct Key {
  std::string_view name;
  Read<Owner> read;
  std::optional<Change> change;  ///< none: a map of other keys, with no value of its own
  Compare<Kept> compare;         ///< null: compared by the keys below it
  bool must = false;             ///< it has to be written
};

/// A key of a list's item. A list is compared as a whole: its own row says what a change does.
template <class Owner>
struct ItemKey {
  std::string_view name;
  Read<Owner> read;
  bool must = false;
};

/// Reads into a member of the owner.
template <auto member, auto read>
bool into(const Value& value, decltype(detail::owner_of(member))& owner) {
  return read(value, owner.*member);
}

/// The same into a member of a member, for drafts that hold more than the value.
template <auto outer, auto inner, auto read>
bool into(const Value& value, decltype(detail::owner_of(outer))& owner) {
  return read(value, owner.*outer.*inner);
}

/// The row of a key that is a member.
template <auto member, auto read, Order order = Order::free>
constexpr auto key(std::string_view name, Change change, bool must = false)
    -> Key<decltype(detail::owner_of(member))> {
  return {name, into<member, read>, change, by<member, order>, must};
}

/// The same of a draft's member that is kept.
template <auto outer, auto inner, auto read, Order order = Order::free>
constexpr auto key(std::string_view name, Change change, bool must = false)
    -> Key<decltype(detail::owner_of(outer)), decltype(detail::owner_of(inner))> {
  return {name, into<outer, inner, read>, change, by<inner, order>, must};
}

/// Reads a map by its table, of `Key` or of `ItemKey`. True where every member was read.
template <class Owner, class Row, std::size_t N>
bool read_map(const Value& value, Owner& owner, const Row (&keys)[N]) {
  KeySpec specification[N];
  for (std::size_t i = 0; i < N; ++i) specification[i] = {keys[i].name, keys[i].must};
  const auto members = value.members(specification);
  if (!members) return false;
  bool good = true;
  for (const auto& member : *members) good = keys[member.key].read(member.value, owner) && good;
  return good;
}

/// A list of at most `limit`; its elements' places are noted under the list's path.
template <auto read, std::size_t limit = max_nodes>
bool list_of(const Value& value, std::vector<TargetOf<read>>& out) {
  out.clear();
  const auto items = value.items();
  if (items.size() > limit) return value.problem("more than " + std::to_string(limit));
  bool good = true;
  for (const Value& item : items) {
    TargetOf<read> element{};
    if (read(item, element)) {
      out.push_back(std::move(element));
      item.report().note_item(value.path(), item.where());
    } else {
      good = false;
    }
  }
  return good;
}

// ---- single values ----

/// A scalar that `parse` understands; `what` completes "... is not".
template <class T, class Parse>
bool parsed(const Value& value, T& out, std::string_view what, Parse parse) {
  const std::string* text = value.scalar(what);
  if (text == nullptr) return false;
  auto result = parse(*text);
  if (!result) {
    std::string message = quote(*text) + " is not " + std::string{what};
    // A range that goes backwards is the commonest one that is none.
    const std::string reversed = reversed_range(*text);
    if (!reversed.empty() && parse(reversed)) message += " (did you mean " + quote(reversed) + "?)";
    return value.problem(std::move(message));
  }
  out = std::move(*result);
  return true;
}

bool boolean(const Value& value, bool& out);
bool host_name(const Value& value, std::string& out);
/// An address that one host can have.
bool address(const Value& value, net::IpAddress& out);
bool interface_address(const Value& value, net::InterfaceAddress& out);
bool prefix(const Value& value, net::Prefix& out);
/// A TTL in whole seconds, written as a duration.
bool ttl(const Value& value, std::uint32_t& out);

/// For the templates below.
bool read_ranges(const Value& value, std::uint64_t limit, std::vector<net::IpAddress>& out);
/// One item of such a list, appended; the places are noted under the path of the list.
bool append_range(const Value& item, const std::string& list, std::uint64_t limit,
                  std::vector<net::IpAddress>& out);
bool read_count(const Value& value, std::uint64_t low, std::uint64_t high, std::uint64_t& out);
bool read_duration(const Value& value, std::chrono::milliseconds low, std::chrono::milliseconds high,
                   std::chrono::milliseconds& out);

/// Addresses, prefixes and ranges of them, expanded to at most `limit` addresses.
template <std::uint64_t limit>
bool address_ranges(const Value& value, std::vector<net::IpAddress>& out) {
  return read_ranges(value, limit, out);
}

template <class T, std::uint64_t low, std::uint64_t high>
bool count(const Value& value, T& out) {
  std::uint64_t number = 0;
  if (!read_count(value, low, high, number)) return false;
  out = static_cast<T>(number);
  return true;
}

/// Bounds in milliseconds.
template <std::int64_t low, std::int64_t high>
bool duration(const Value& value, std::chrono::milliseconds& out) {
  return read_duration(value, std::chrono::milliseconds{low}, std::chrono::milliseconds{high}, out);
}

template <class T>
struct Choice {
  std::string_view name;
  T value;
};

/// One of a table of words.
template <auto& choices>
bool one_of(const Value& value, std::remove_cvref_t<decltype(choices[0].value)>& out) {
  std::string what;
  for (const auto& choice : choices) {
    what += (what.empty() ? "" : &choice == std::end(choices) - 1 ? " or " : ", ") + std::string{choice.name};
  }
  const std::string* text = value.scalar(what);
  if (text == nullptr) return false;
  for (const auto& choice : choices) {
    if (choice.name == *text) {
      out = choice.value;
      return true;
    }
  }
  return value.problem(quote(*text) + " is not " + what);
}

}  // namespace rgw::config
