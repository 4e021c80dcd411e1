// The www proxy (WEB-1): nginx's configuration, made of the realm in force and put where nginx's unit takes
// it.
#pragma once

#include "realmgw/config/realm.hpp"

#include <filesystem>
#include <string>

namespace rgw::control {

/// `www.conf` in `www: { directory: }`.
[[nodiscard]] std::filesystem::path www_file(const config::Realm& realm);

/// The configuration of the realm's web names; one that serves nothing where the realm has no proxy.
[[nodiscard]] std::string www_config(const config::Realm& realm);

/// Writes the configuration, where it says something else than the file does, and then `www.changed` beside
/// it, whose appearance tells the unit. Where the realm has no proxy and there is no file, none is made.
/// Throws std::system_error.
void write_www_config(const config::Realm& realm);

}  // namespace rgw::control
