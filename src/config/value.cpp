#include "value.hpp"

#include "realmgw/base/closest.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace rgw::config {
namespace {

using std::chrono::milliseconds;

std::string_view name_of(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::nothing:
      return "nothing";
    case Node::Kind::scalar:
      return "a single value";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::map:
      return "a map";
  }
  return {};
}

// A comma outside quotes ends a value within braces: `{ device: net_af_xdp0,iface=eth0 }` has a key
// "iface=eth0".
std::string_view hint_for_unknown(std::string_view key) {
  return key.find('=') == std::string_view::npos ? "" : " (a value with a comma needs quotes)";
}

}  // namespace

Value::Value(const Node& node, std::string path, Position key_at, Report& report)
    : node_{&node}, path_{std::move(path)}, key_at_{key_at}, report_{&report} {
  report_->note(path_, node_->at);
}

bool Value::problem(std::string message) const {
  report_->problem(where(), std::move(message));
  return false;
}

bool Value::problem_at_key(std::string message) const {
  report_->problem(key(), std::move(message));
  return false;
}

const std::string* Value::scalar(std::string_view what) const {
  if (node_->kind == Node::Kind::scalar) return &node_->text;
  std::string message = "expected " + std::string{what} + ", found " + std::string{name_of(node_->kind)};
  // Between brackets "2001:db8::" without quotes is a key without a value.
  const bool is_key_alone = node_->kind == Node::Kind::map && node_->items.size() == 2 &&
                            node_->items[1].kind == Node::Kind::nothing;
  if (is_key_alone) message += " (a value that ends in a colon needs quotes)";
  problem(std::move(message));
  return nullptr;
}

std::vector<Value> Value::items() const {
  if (node_->kind == Node::Kind::nothing) return {};
  if (node_->kind != Node::Kind::list) return {*this};
  std::vector<Value> values;
  values.reserve(node_->items.size());
  for (const Node& item : node_->items) {
    values.emplace_back(item, path_ + "[" + std::to_string(values.size()) + "]", item.at, *report_);
  }
  return values;
}

bool Value::expect_map(std::string_view what) const {
  if (node_->kind == Node::Kind::map || node_->kind == Node::Kind::nothing) return true;
  return problem("expected " + std::string{what} + ", found " + std::string{name_of(node_->kind)});
}

Value Value::member(std::size_t index) const {
  const Node& key = node_->items[index];
  constexpr std::size_t longest_name =
      255;  // names of hosts and zones stay whole, and so tell their places apart
  std::string path = (path_.empty() ? "" : path_ + ".") + shorten(key.text, longest_name);
  return Value{node_->items[index + 1], std::move(path), key.at, *report_};
}

std::optional<std::vector<Value::Member>> Value::members(std::span<const KeySpec> keys) const {
  if (!expect_map("a map of keys")) return std::nullopt;
  std::vector<std::string_view> names;
  for (const KeySpec& key : keys) names.push_back(key.name);

  std::vector<Member> found;
  std::vector<std::optional<Position>> first(keys.size());
  std::set<std::string_view> suggested;
  for (std::size_t i = 0; i < node_->items.size(); i += 2) {
    const Node& key = node_->items[i];
    const auto index =
        static_cast<std::size_t>(std::find(names.begin(), names.end(), key.text) - names.begin());
    if (index == names.size()) {
      const auto suggestion = closest(key.text, names);
      std::string message = "unknown key";
      if (!suggestion.empty()) message += " (did you mean " + quote(suggestion) + "?)";
      suggested.insert(suggestion);
      if (!suggestion.empty())
        report_->note_meant(path_.empty() ? std::string{suggestion} : path_ + "." + std::string{suggestion});
      member(i).problem_at_key(message.append(hint_for_unknown(key.text)));
    } else if (first[index]) {
      const std::string message = "duplicate key (first on line " + std::to_string(first[index]->line) + ")";
      report_->problem({key.at, member(i).path()}, message);
    } else {
      first[index] = key.at;
      found.push_back({index, member(i)});
    }
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!keys[i].required || first[i] || suggested.contains(names[i])) continue;
    const std::string path = (path_.empty() ? "" : path_ + ".") + std::string{names[i]};
    report_->problem({key_at_, path}, "missing");
  }
  return found;
}

std::optional<std::vector<Value::Named>> Value::named(std::string_view what) const {
  if (!expect_map(what)) return std::nullopt;
  std::vector<Named> found;
  std::unordered_map<std::string_view, int> lines;
  for (std::size_t i = 0; i < node_->items.size(); i += 2) {
    const Node& key = node_->items[i];
    if (const auto [first, fresh] = lines.try_emplace(key.text, key.at.line); !fresh) {
      member(i).problem_at_key("duplicate key (first on line " + std::to_string(first->second) + ")");
    } else {
      found.push_back({key.text, member(i)});
    }
  }
  return found;
}

bool boolean(const Value& value, bool& out) {
  static constexpr Choice<bool> choices[] = {{"true", true}, {"false", false}};
  static constexpr Choice<bool> others[] = {{"yes", true}, {"on", true}, {"no", false}, {"off", false}};
  if (value.kind() == Node::Kind::scalar) {
    const std::string& text = *value.scalar({});
    for (const auto& other : others) {
      if (text == other.name)
        return value.problem(quote(text) + " is not true or false (did you mean " +
                             (other.value ? "true" : "false") + "?)");
    }
  }
  return one_of<choices>(value, out);
}

bool host_name(const Value& value, std::string& out) {
  return parsed(value, out, "a domain name", parse_host_name);
}

bool address(const Value& value, net::IpAddress& out) {
  if (!parsed(value, out, "an IPv4 or IPv6 address", net::IpAddress::parse)) return false;
  return is_unicast(out) || value.problem(out.to_string() + " is not an address that a host can have");
}

bool interface_address(const Value& value, net::InterfaceAddress& out) {
  return parsed(value, out, "an address with its link's prefix length, like 10.0.0.1/24",
                net::InterfaceAddress::parse);
}

bool prefix(const Value& value, net::Prefix& out) {
  constexpr std::string_view what = "a prefix, like 10.0.0.0/8";
  const std::string* text = value.scalar(what);
  if (text == nullptr) return false;
  if (const auto parsed = net::Prefix::parse(*text)) {
    out = *parsed;
    return true;
  }
  std::string message = quote(*text) + " is not " + std::string{what};
  if (const auto link = net::InterfaceAddress::parse(*text)) {
    message += " (did you mean " + quote(link->prefix().to_string()) + "?)";
  }
  return value.problem(std::move(message));
}

bool read_ranges(const Value& value, std::uint64_t limit, std::vector<net::IpAddress>& out) {
  out.clear();
  bool good = true;
  for (const Value& item : value.items()) good = append_range(item, value.path(), limit, out) && good;
  return good;
}

bool append_range(const Value& item, const std::string& list, std::uint64_t limit,
                  std::vector<net::IpAddress>& out) {
  net::AddressRange range;
  if (!parsed(item, range, "an IPv4 or IPv6 address, prefix or range", net::AddressRange::parse))
    return false;
  if (range.size() > limit - out.size())
    return item.problem(range.to_string() + " makes more than " + std::to_string(limit) + " addresses");
  if (!is_unicast(range.first) || !is_unicast(range.last))
    return item.problem(range.to_string() + " holds addresses that no host can have");
  for (const net::IpAddress& one : range.addresses(limit)) {
    out.push_back(one);
    item.report().note_item(list, item.where());
  }
  return true;
}

bool read_count(const Value& value, std::uint64_t low, std::uint64_t high, std::uint64_t& out) {
  const std::string what = "a number from " + std::to_string(low) + " to " + std::to_string(high);
  return parsed(value, out, what, [low, high](std::string_view text) {
    auto number = parse_count(text);
    if (number && (*number < low || *number > high)) number.reset();
    return number;
  });
}

bool read_duration(const Value& value, milliseconds low, milliseconds high, milliseconds& out) {
  const std::string what = "a duration from " + to_string(low) + " to " + to_string(high);
  const std::string* text = value.scalar(what);
  if (text == nullptr) return false;
  const auto duration = parse_duration(*text);
  if (duration && *duration >= low && *duration <= high) {
    out = *duration;
    return true;
  }
  std::string message = quote(*text) + " is not " + what;
  if (!duration && parse_number(*text)) message += " (a duration has a unit: ms, s, m, h or d)";
  const std::string meant = meant_duration(*text);
  if (!duration && parse_duration(meant)) message += " (did you mean " + quote(meant) + "?)";
  return value.problem(std::move(message));
}

// RFC 2181 section 8: a TTL has 31 bits; a week is what resolvers keep at most.
bool ttl(const Value& value, std::uint32_t& out) {
  std::chrono::milliseconds time{};
  if (!duration<0, 604'800'000>(value, time)) return false;
  if (time.count() % 1000 != 0) return value.problem("a TTL is in whole seconds");
  out = static_cast<std::uint32_t>(time.count() / 1000);
  return true;
}

}  // namespace rgw::config
