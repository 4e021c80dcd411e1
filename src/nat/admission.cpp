#include "realmgw/nat/admission.hpp"

namespace rgw::nat {

Admission::Admission(SessionBook& book, Random& random)
    : book_{book}, sessions_{book.sessions()}, random_{random} {}

template <class Inside, class Outside>
Admitted Admission::open_session(const net::FlowKey<Inside>& inside, const net::FlowKey<Outside>& outside,
                                 const NewSession& how, Instant now) {
  const auto opened = book_.open(inside, outside, how, now);
  if (const auto* why = std::get_if<Counter>(&opened)) return Admitted::dropped(*why);
  return Admitted::session(std::get<SessionSlot>(opened));
}
template Admitted Admission::open_session(const net::FlowKey4&, const net::FlowKey4&, const NewSession&,
                                          Instant);
template Admitted Admission::open_session(const net::FlowKey4&, const net::FlowKey6&, const NewSession&,
                                          Instant);
template Admitted Admission::open_session(const net::FlowKey6&, const net::FlowKey4&, const NewSession&,
                                          Instant);
template Admitted Admission::open_session(const net::FlowKey6&, const net::FlowKey6&, const NewSession&,
                                          Instant);

Standing Admission::standing(const Session& session) const {
  const net::IpAddress inside_remote = session.remote(Side::inside), remote = session.remote(Side::outside);
  if (session.inside_family() == Family::v6 && session.outside_family() == Family::v4 &&
      policy().embedded(inside_remote) != remote.v4())
    return Standing::none;
  if (session.inside_family() == Family::v4 && session.outside_family() == Family::v6 &&
      !policy().stands_for_remote(inside_remote))
    return Standing::none;
  const net::Endpoint host{session.host(), session.inside.tail.near_port.host()},
      external{session.external(), session.outside.tail.near_port.host()};
  if (const auto* fixed = book_.rules().static_bib.find_outside(external, session.protocol()))
    return book_.rules().static_bib[*fixed].inside == host ? Standing::fixed : Standing::none;
  if (session.local) return Standing::local;
  if (session.ground == Ground::static_mapping) return Standing::none;  // it is gone
  if (session.ground != Ground::port && session.ground != Ground::mapping) return Standing::other;
  const std::uint32_t set =
      session.ground == Ground::mapping ? book_.mappings()[session.held].port_set : session.held;
  return book_.rules().ports.serves(set, external.port) ? Standing::port : Standing::none;
}

}  // namespace rgw::nat
