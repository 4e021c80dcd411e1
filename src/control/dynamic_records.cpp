#include "realmgw/control/dynamic_records.hpp"

#include "realmgw/dns/name.hpp"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace rgw::control {
namespace {

using nlohmann::json;

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char byte : bytes) {
    text += digits[static_cast<unsigned char>(byte) >> 4];
    text += digits[static_cast<unsigned char>(byte) & 0xf];
  }
  return text;
}

std::optional<std::string> bytes_of(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    const char* const end = hex.data() + i + 2;
    if (std::from_chars(hex.data() + i, end, value, 16).ptr != end) return std::nullopt;
    bytes += static_cast<char>(value);
  }
  return bytes;
}

std::string text_of(std::string_view wire) {
  std::size_t at = 0;
  const auto name =
      dns::Name::from_wire({reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()}, at);
  return name ? name->to_string() : std::string{};
}

json hex_of(const std::vector<std::string>& all) {
  json list = json::array();
  for (const auto& bytes : all) list.push_back(hex_of(bytes));
  return list;
}

/// The library casts whatever number there is; what is none of ours throws.
std::uint64_t number_in(const json& object, const char* key) {
  const json& number = object.at(key);
  if (!number.is_number_unsigned()) throw json::type_error::create(302, "no whole number", &number);
  return number.get<std::uint64_t>();
}

std::uint32_t ttl_in(const json& object) {
  return object.contains("ttl") ? static_cast<std::uint32_t>(number_in(object, "ttl")) : 0;
}

bool read_dhcid(const json& object, std::vector<std::string>& out) {
  if (!object.contains("dhcid")) return true;
  for (const auto& hex : object.at("dhcid")) {
    auto bytes = bytes_of(hex.get_ref<const std::string&>());
    if (!bytes) return false;
    out.push_back(std::move(*bytes));
  }
  return true;
}

json object_of(const DynamicHost& host) {
  json object{{"host", host.name}};
  if (host.empty()) return object;
  json addresses = json::array();
  for (const auto& address : host.addresses) addresses.push_back(address.to_string());
  object["addresses"] = std::move(addresses);
  object["ttl"] = host.ttl;
  if (!host.dhcid.empty()) object["dhcid"] = hex_of(host.dhcid);
  return object;
}

json object_of(const DynamicReverse& reverse) {
  json object{{"reverse", reverse.address.to_string()}};
  if (reverse.empty()) return object;
  if (!reverse.target.empty()) object["target"] = text_of(reverse.target);
  object["ttl"] = reverse.ttl;
  if (!reverse.dhcid.empty()) object["dhcid"] = hex_of(reverse.dhcid);
  return object;
}

json object_of(const DynamicCommit& commit) {
  return {{"key", commit.key}, {"signed", commit.signed_at}};
}

std::optional<DynamicLine> host_of(const json& object) {
  DynamicHost host{.name = object.at("host"), .addresses = {}, .dhcid = {}, .ttl = ttl_in(object)};
  if (object.contains("addresses")) {
    for (const auto& text : object.at("addresses")) {
      const auto address = net::IpAddress::parse(text.get_ref<const std::string&>());
      if (!address) return std::nullopt;
      host.addresses.push_back(*address);
    }
  }
  if (!read_dhcid(object, host.dhcid)) return std::nullopt;
  return host;
}

std::optional<DynamicLine> reverse_of(const json& object) {
  const auto address = net::IpAddress::parse(object.at("reverse").get_ref<const std::string&>());
  if (!address) return std::nullopt;
  DynamicReverse reverse{.address = *address, .target = {}, .dhcid = {}, .ttl = ttl_in(object)};
  if (object.contains("target")) {
    const auto target = dns::Name::from_text(object.at("target").get_ref<const std::string&>());
    if (!target) return std::nullopt;
    reverse.target = target->key();
  }
  if (!read_dhcid(object, reverse.dhcid)) return std::nullopt;
  return reverse;
}

}  // namespace

std::string line_of(const DynamicLine& line) {
  return std::visit(
             [](const auto& what) {
               return object_of(what).dump(-1, ' ', false, json::error_handler_t::replace);
             },
             line) +
         "\n";
}

std::optional<DynamicLine> parse_dynamic_line(std::string_view line) {
  try {
    const json object = json::parse(line);
    if (!object.is_object()) return std::nullopt;
    if (object.contains("host")) return host_of(object);
    if (object.contains("reverse")) return reverse_of(object);
    return DynamicCommit{.key = object.at("key"), .signed_at = number_in(object, "signed")};
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace rgw::control
