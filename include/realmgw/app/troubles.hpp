// What the watch of the control thread sees, as messages to the operator (OPS-10).
#pragma once

#include "realmgw/app/log.hpp"
#include "realmgw/control/watch.hpp"

namespace rgw::app {

/// The message with which a trouble begins.
[[nodiscard]] LogMessage message_of(control::Trouble trouble);

/// Logs that a trouble begins, by its own message, or that it is over, by RGW-0059.
void log_trouble(const control::TroubleNews& news);

}  // namespace rgw::app
