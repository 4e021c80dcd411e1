// A session as it can be carried elsewhere: to another worker, another gateway, a later run.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/nat/session.hpp"
#include "realmgw/nat/session_info.hpp"
#include "realmgw/nat/tcp_state.hpp"
#include "realmgw/nat/timer_class.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/transport.hpp"

namespace rgw::nat {

/// Plain data without a place in any table.
struct SessionRecord {
  net::Protocol protocol;
  SessionInfo::Origin origin;
  Ground ground;
  bool hairpin;
  net::Endpoint inside;         ///< the host
  net::Endpoint external;       ///< E
  net::Endpoint remote;         ///< R, as it is outside
  net::Endpoint remote_inside;  ///< R, as the host sees it
  TcpState tcp_state;
  TimerClass timer;
  Duration age;
  Duration expires;  ///< from now, unless a packet comes
  friend bool operator==(const SessionRecord&, const SessionRecord&) = default;
};

}  // namespace rgw::nat
