// alg: application-layer gateways (ALG-5).
#include "sections.hpp"

namespace rgw::config {
namespace {

constexpr std::size_t max_ports = 16;
constexpr std::uint16_t lowest_pinhole_port = 1'024;
constexpr std::uint16_t fewest_pinhole_ports = 256;

bool server_port(const Value& value, std::uint16_t& out) {
  return count<std::uint16_t, 1, 65'535>(value, out);
}

constexpr Choice<Alg::AddressForm> address_forms[] = {{"literal", Alg::AddressForm::literal},
                                                      {"fqdn", Alg::AddressForm::fqdn}};

constexpr Key<Alg::Protocol> protocol_keys[] = {
    key<&Alg::Protocol::ports, list_of<server_port, max_ports>>("ports", Change::now)};

// What is said of SIP besides its ports.
struct SipDraft {
  Alg::Protocol protocol;
  Alg::AddressForm address_form = Alg::AddressForm::literal;
};
const std::vector<std::uint16_t>& sip_ports(const Alg& alg) {
  return alg[net::AlgId::sip].ports;
}
constexpr Key<SipDraft, Alg> sip_keys[] = {
    {"ports", into<&SipDraft::protocol, &Alg::Protocol::ports, list_of<server_port, max_ports>>, Change::now,
     by<sip_ports>},
    {"address_form", into<&SipDraft::address_form, one_of<address_forms>>, Change::restart,
     by<&Alg::sip_address_form>},
};

// true, false, or what to inspect, which means true.
template <net::AlgId id>
bool protocol(const Value& value, Alg& out) {
  if (value.kind() != Node::Kind::map) return boolean(value, out[id].on);
  out[id].on = true;
  if constexpr (id == net::AlgId::sip) {
    SipDraft draft{out[id], out.sip_address_form};
    const bool good = read_map(value, draft, sip_keys);
    out[id] = draft.protocol;
    out.sip_address_form = draft.address_form;
    return good;
  } else {
    return read_map(value, out[id], protocol_keys);
  }
}

template <net::AlgId id>
bool is_on(const Alg& alg) {
  return alg[id].on;
}

// "16384-24383".
bool pinhole_ports(const Value& value, Alg& out) {
  using Range = std::pair<std::uint16_t, std::uint16_t>;
  Range range;
  const bool good = parsed(
      value, range, "a range of 256 ports or more above 1023, like 16384-24383",
      [](std::string_view text) -> std::optional<Range> {
        const auto dash = text.find('-');
        if (dash == std::string_view::npos) return std::nullopt;
        const auto first = parse_count(text.substr(0, dash)), last = parse_count(text.substr(dash + 1));
        if (!first || !last || *first < lowest_pinhole_port || *last > 65'535 ||
            *last < *first + fewest_pinhole_ports - 1)
          return std::nullopt;
        return Range{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
      });
  if (good) std::tie(out.first_port, out.last_port) = range;
  return good;
}

net::PortRange pinhole_range(const Alg& alg) {
  return {alg.first_port, alg.last_port};
}

std::uint32_t memory_mib(const Alg& alg) {
  return alg.max_memory >> 20;
}

constexpr Key<Alg> keys[] = {
#define RGW_ALG_KEY(name, ...) {#name, protocol<net::AlgId::name>, Change::now, by<is_on<net::AlgId::name>>},
    RGW_ALGS(RGW_ALG_KEY)
#undef RGW_ALG_KEY
        {"pinhole_ports", pinhole_ports, Change::restart, by<pinhole_range>},
    key<&Alg::max_sessions, count<std::uint32_t, 16, 65'535>>("max_sessions", Change::restart),
    key<&Alg::max_pinholes, count<std::uint32_t, 16, 65'535>>("max_pinholes", Change::restart),
    key<&Alg::max_pinholes_per_host, count<std::uint32_t, 1, 65'535>>("max_pinholes_per_host", Change::now),
    {"max_memory_mib",
     [](const Value& value, Alg& alg) {
       if (!count<std::uint32_t, 1, 1'024>(value, alg.max_memory)) return false;
       alg.max_memory <<= 20;
       return true;
     },
     Change::now, by<memory_mib>},
};

bool read_alg(const Value& value, Realm& realm) {
  return read_map(value, realm.alg, keys);
}

// Tables are made where any protocol is on.
Differing differing_use(const Realm& from, const Realm& to) {
  if (from.alg.any() == to.alg.any()) return std::nullopt;
  return to.alg.any() ? "now used" : "no longer used";
}

}  // namespace

const Section alg_section{{"alg", read_alg, Change::restart, differing_use}, [](Tables& tables) {
                            tables.keys("alg.", keys, &Realm::alg);
                            for (std::size_t i = 0; i < net::alg_infos.size(); ++i) {
                              const std::string prefix = "alg." + std::string{net::alg_infos[i].name} + ".";
                              if (net::AlgId{static_cast<std::uint8_t>(i)} == net::AlgId::sip) {
                                tables.keys(prefix, sip_keys, &Realm::alg);
                              } else {
                                tables.keys(prefix, protocol_keys,
                                            [i](const Realm& realm) { return realm.alg.protocols[i]; });
                              }
                            }
                          }};

}  // namespace rgw::config
