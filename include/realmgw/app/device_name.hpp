// What the text of `ports: device` says.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rgw::app {

/// Is it a card by its PCI address, with or without arguments?
[[nodiscard]] bool is_card(std::string_view device);
/// "0000:3b:00.0" of "0000:3b:00.0,some=argument".
[[nodiscard]] std::string card_address(std::string_view device);
/// "4096" of "net_af_packet0,framecnt=4096" for "framecnt".
[[nodiscard]] std::optional<std::string> device_argument(std::string_view device, std::string_view key);
/// The interface of the kernel that the driver sits on: "eth1" of "net_af_xdp_in,iface=eth1".
[[nodiscard]] std::optional<std::string> interface_beneath(std::string_view device);

}  // namespace rgw::app
