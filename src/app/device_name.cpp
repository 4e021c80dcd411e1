#include "realmgw/app/device_name.hpp"

namespace rgw::app {

bool is_card(std::string_view device) {
  return !device.starts_with("net_");
}

std::string card_address(std::string_view device) {
  return std::string{device.substr(0, device.find(','))};
}

std::optional<std::string> device_argument(std::string_view device, std::string_view key) {
  const std::string wanted = "," + std::string{key} + "=";
  const auto at = device.find(wanted);
  if (at == std::string_view::npos) return std::nullopt;
  const auto begin = at + wanted.size();
  return std::string{device.substr(begin, device.find(',', begin) - begin)};
}

std::optional<std::string> interface_beneath(std::string_view device) {
  return is_card(device) ? std::nullopt : device_argument(device, "iface");
}

}  // namespace rgw::app
