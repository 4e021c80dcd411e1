// Ctrl-C, for commands of realmgwctl that go on until then.
#pragma once

namespace rgw::app {

/// From now on SIGINT and SIGTERM are remembered, and SIGPIPE is an error of `write`.
void heed_stop_signals();
[[nodiscard]] bool stop_signalled();

}  // namespace rgw::app
