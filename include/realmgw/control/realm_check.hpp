// Whether what serves a realm can be made from it, asked before anything is served.
#pragma once

#include "realmgw/config/loader.hpp"

namespace rgw::control {

/// A `config::Judge`, for `--check` and for the start alike: what it has nothing against starts, as far as
/// the realm file decides. The zones are judged by the rules that serve them, record by record; then
/// everything that the daemon derives from a realm is made and thrown away, but for tables whose size the
/// machine decides. Opens no device and no socket.
void check_realm(const config::Realm& realm, config::Objections& objections);

}  // namespace rgw::control
