// `host add` and `host remove` of the operator's socket (OPS-9).
#pragma once

#include "realmgw/control/ctl_server.hpp"
#include "realmgw/control/dynamic_hosts.hpp"
#include "realmgw/control/host_book.hpp"
#include "realmgw/control/realm_reload.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace rgw::control {

/// The change that is asked for, of the operator's hosts or of those that updates have made, or what is wrong
/// with the words.
using AskedHostChange = std::variant<RealmReload::HostChange, DynamicChanges, std::string>;

/// `NAME ADDRESS [ADDRESS] [services SERVICE,...] [www] [proxy-protocol] [no-alg]`. `realm` is in force, with
/// the hosts of the book among its own.
[[nodiscard]] AskedHostChange host_to_add(std::span<const std::string_view> words, const config::Realm& realm,
                                          const HostBook& book, const DynamicHosts& dynamic);
/// `NAME`.
[[nodiscard]] AskedHostChange host_to_remove(std::span<const std::string_view> words,
                                             const config::Realm& realm, const HostBook& book,
                                             const DynamicHosts& dynamic);

}  // namespace rgw::control
