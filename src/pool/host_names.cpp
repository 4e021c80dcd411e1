#include "realmgw/pool/host_names.hpp"

#include "realmgw/base/text_hash.hpp"
#include "realmgw/pool/sfqdn.hpp"

#include <algorithm>
#include <array>

namespace rgw::pool {
namespace {

using Kind = NameMatch::Kind;

constexpr std::size_t max_name = 253;  // RFC 1035 section 3.1, in text
constexpr std::size_t max_label = 63;  // RFC 1035 section 2.3.4
constexpr std::size_t max_labels = 127;

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::size_t split(std::string_view dotted, std::array<std::string_view, max_labels>& labels) {
  std::size_t count = 0;
  while (count < labels.size()) {
    const auto dot = dotted.find('.');
    labels[count++] = dotted.substr(0, dot);
    if (dot == std::string_view::npos) return count;
    dotted.remove_prefix(dot + 1);
  }
  return 0;
}

bool is_www(std::string_view label) {
  return label.size() == 3 && std::ranges::all_of(label, [](char c) { return lower(c) == 'w'; });
}

/// Letters, digits and inner hyphens (RFC 1123 section 2.1), and underscores nowhere: those begin SRV labels.
bool is_host_label(std::string_view label) {
  if (label.empty() || label.size() > max_label || label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(
      label, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool is_host_name(std::string_view name) {
  std::array<std::string_view, max_labels> labels;
  const auto count = name.size() <= max_name ? split(name, labels) : 0;
  if (count == 0 || is_www(labels[0]) || parse_service_label(labels[0])) return false;
  return std::all_of(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(count), is_host_label);
}

/// `visit` each name above: "c.d" and "d" of "b.c.d".
template <class Visit>
void for_each_above(std::string_view name, Visit&& visit) {
  for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    name.remove_prefix(dot + 1);
    visit(name);
  }
}

}  // namespace

bool RealmHost::accepts(const net::Service& service) const {
  if (!services) return true;
  return std::ranges::any_of(*services,
                             [&](const net::Service& accepted) { return accepted.covers(service); });
}

bool HostNames::is_name(std::string_view name) {
  return is_host_name(name);
}

bool HostNames::add(RealmHost host) {
  std::ranges::transform(host.name, host.name.begin(), lower);
  if (!is_host_name(host.name) || named(host.name) != nullptr || find(host.id) != nullptr) return false;
  if (std::ranges::any_of(host.addresses,
                          [&](const auto& address) { return by_address_.contains(address); })) {
    return false;
  }
  make_room();
  const SlotIndex::Slot slot = free_.back();
  if (!by_name_.insert(hash_of(host.name), slot)) return false;
  if (!by_id_.insert(hash_of(host.id), slot)) {
    by_name_.erase(hash_of(host.name), slot);
    return false;
  }
  free_.pop_back();
  records_[slot] = {std::move(host), true};
  const RealmHost& stored = records_[slot].host;
  for (const auto& address : stored.addresses) by_address_.emplace(address, slot);
  for_each_above(stored.name, [&](std::string_view above) { ++above_[std::string{above}]; });
  return true;
}

std::uint64_t HostNames::hash_of(std::string_view name) {
  return TextHash{}(name);
}

std::uint64_t HostNames::hash_of(HostId id) {
  return rgw::hash_of(id.value(), known_salt);
}

/// A free record, and room for it in the indices.
void HostNames::make_room() {
  if (free_.empty()) {
    free_.push_back(static_cast<SlotIndex::Slot>(records_.size()));
    records_.emplace_back();
  }
  if (!by_id_.full()) return;
  SlotIndex names{2 * by_id_.size()}, ids{2 * by_id_.size()};
  for (SlotIndex::Slot slot = 0; slot < records_.size(); ++slot) {
    if (!records_[slot].live) continue;
    (void)names.insert(hash_of(records_[slot].host.name), slot);
    (void)ids.insert(hash_of(records_[slot].host.id), slot);
  }
  by_name_ = std::move(names);
  by_id_ = std::move(ids);
}

bool HostNames::remove(HostId id) {
  const auto* const found = by_id_.find(hash_of(id), [&](auto slot) { return records_[slot].host.id == id; });
  if (found == nullptr) return false;
  const SlotIndex::Slot slot = *found;
  const RealmHost& host = records_[slot].host;
  by_name_.erase(hash_of(host.name), slot);
  for (const auto& address : host.addresses) by_address_.erase(address);
  for_each_above(host.name, [&](std::string_view above) {
    const auto counted = above_.find(above);
    if (--counted->second == 0) above_.erase(counted);
  });
  by_id_.erase(hash_of(id), slot);
  records_[slot] = {};
  free_.push_back(slot);
  return true;
}

const RealmHost* HostNames::find(HostId id) const {
  const auto* const found = by_id_.find(hash_of(id), [&](auto slot) { return records_[slot].host.id == id; });
  return found == nullptr ? nullptr : &records_[*found].host;
}

const RealmHost* HostNames::find(const net::IpAddress& inside) const {
  const auto found = by_address_.find(inside);
  return found == by_address_.end() ? nullptr : &records_[found->second].host;
}

const RealmHost* HostNames::named(std::string_view name) const {
  const auto* const found =
      by_name_.find(hash_of(name), [&](auto slot) { return records_[slot].host.name == name; });
  return found == nullptr ? nullptr : &records_[*found].host;
}

NameMatch HostNames::find(std::string_view dotted) const {
  std::array<std::string_view, max_labels> labels;
  return find(std::span<const std::string_view>{labels.data(), split(dotted, labels)});
}

NameMatch HostNames::find(std::span<const std::string_view> labels) const {
  // The name in lower case, with the offset of the part below the first and below the second label.
  std::array<char, max_name> text;
  std::size_t size = 0;
  std::array<std::size_t, 2> below{};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (i != 0) {
      if (size == text.size()) return {};
      text[size++] = '.';
      if (i <= below.size()) below[i - 1] = size;
    }
    if (labels[i].empty() || labels[i].size() > text.size() - size) return {};
    for (const char c : labels[i]) {
      if (c == '.') return {};  // a dot inside a label is not the dot between two
      text[size++] = lower(c);
    }
  }
  const std::string_view name{text.data(), size};
  if (labels.empty()) return {};

  // No host's name begins with what reads as a service.
  const auto service = labels.size() >= 2 ? parse_service_label(labels[0]) : std::nullopt;
  if (!service) {
    if (const auto* host = named(name)) return {Kind::host, host, {}};
  }

  if (labels.size() >= 2) {
    if (const auto* host = named(name.substr(below[0]))) {
      if (service && host->accepts(*service)) return {Kind::service, host, *service};
      if (host->www && is_www(labels[0])) return {Kind::www, host, {}};
      if (const auto protocol = parse_srv_protocol(labels[0])) {
        const bool some =
            !host->services || std::ranges::any_of(*host->services, [&](const net::Service& accepted) {
              return accepted.overlaps({*protocol, 0});
            });
        if (some) return {Kind::empty_non_terminal, nullptr, {}};
      }
    }
  }
  if (labels.size() >= 3) {
    if (const auto* host = named(name.substr(below[1]))) {
      if (const auto named_service = parse_srv_labels(labels[0], labels[1]);
          named_service && host->accepts(*named_service)) {
        return {Kind::srv, host, *named_service};
      }
    }
  }
  if (above_.contains(name)) return {Kind::empty_non_terminal, nullptr, {}};
  return {};
}

}  // namespace rgw::pool
