// The version of the product, from CMakeLists.txt.
#pragma once

namespace rgw::app {

inline constexpr const char* version = REALMGW_VERSION;

}  // namespace rgw::app
