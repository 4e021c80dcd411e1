// What a worker does with pinholes between bursts, when no packet of theirs is in the stages.
#pragma once

namespace rgw::dataplane {

class Context;

/// Ends the sessions of pinholes that control has closed, and those in whose place pinholes have come.
void settle_pinholes(Context& context);
/// Looks for pinholes of our hosts that have no session and will have none; a bounded part a call.
void keep_pinholes(Context& context);

}  // namespace rgw::dataplane
