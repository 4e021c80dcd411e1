// `host add` and `host remove` of the operator's socket (OPS-9).
#pragma once

#include "realmgw/control/ctl_server.hpp"
#include "realmgw/control/host_book.hpp"
#include "realmgw/control/realm_reload.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace rgw::control {

/// The change that the words ask for, or what is wrong with them:
/// `add NAME ADDRESS [ADDRESS] [services=SERVICE,...] [www] [no-alg]`, or `remove NAME`.
/// `realm` is in force, with the hosts of the book among its own.
[[nodiscard]] std::variant<RealmReload::HostChange, std::string> parse_host_change(
    std::span<const std::string_view> arguments, const config::Realm& realm, const HostBook& book);

}  // namespace rgw::control
