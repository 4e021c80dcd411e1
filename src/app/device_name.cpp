#include "realmgw/app/device_name.hpp"

namespace rgw::app {

bool is_card(std::string_view device) {
  return !device.starts_with("net_");
}

std::string card_address(std::string_view device) {
  return std::string{device.substr(0, device.find(','))};
}

std::optional<std::string> interface_beneath(std::string_view device) {
  constexpr std::string_view argument = ",iface=";
  const auto at = device.find(argument);
  if (is_card(device) || at == std::string_view::npos) return std::nullopt;
  const auto begin = at + argument.size();
  return std::string{device.substr(begin, device.find(',', begin) - begin)};
}

}  // namespace rgw::app
