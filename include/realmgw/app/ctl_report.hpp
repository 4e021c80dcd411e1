// `realmgwctl report`: looks at a gateway for a while, and makes a page of it.
#pragma once

#include "realmgw/app/ctl_commands.hpp"

#include <string>

namespace rgw::app {

/// Asks once a second, tells on standard error how far it is, and writes the page. Returns what went wrong;
/// empty: nothing. Throws Unreachable.
[[nodiscard]] std::string write_report(const CtlRequest& request);

}  // namespace rgw::app
