// What the worker does when a session of its own begins or ends: it counts it, and tells control, the worker
// that holds its signpost, and the ALGs.
#pragma once

#include "realmgw/dataplane/sessions_by_external.hpp"
#include "realmgw/nat/session_book.hpp"

#include <optional>

namespace rgw::dataplane {

class Context;

class SessionNews final : public nat::SessionObserver {
 public:
  explicit SessionNews(Context& context) : context_{context} {}

  /// Refuses a session that an ALG should read and cannot.
  [[nodiscard]] std::optional<Counter> session_began(nat::SessionSlot slot,
                                                     const nat::NewGround& ground) override;
  void session_claimed(nat::SessionSlot slot, const nat::BindingTable::Found& claim) override;
  void session_ends(nat::SessionSlot slot, Counter why) override;
  void port_block_began(const nat::PortBlock& block) override;
  void port_block_ended(const nat::PortBlock& block) override;
  [[nodiscard]] const SessionsByExternal& by_external() const { return by_external_; }

 private:
  Context& context_;
  SessionsByExternal by_external_;
};

}  // namespace rgw::dataplane
