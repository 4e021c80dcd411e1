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
    {"ports", into<&Alg::Protocol::ports, list_of<server_port, max_ports>>}};

// What is said of SIP besides its ports.
struct SipDraft {
  Alg::Protocol protocol;
  Alg::AddressForm address_form = Alg::AddressForm::literal;
};
constexpr Key<SipDraft> sip_keys[] = {
    {"ports", into<&SipDraft::protocol, &Alg::Protocol::ports, list_of<server_port, max_ports>>},
    {"address_form", into<&SipDraft::address_form, one_of<address_forms>>},
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

constexpr Key<Alg> keys[] = {
#define RGW_ALG_KEY(name, ...) {#name, protocol<net::AlgId::name>},
    RGW_ALGS(RGW_ALG_KEY)
#undef RGW_ALG_KEY
        {"pinhole_ports", pinhole_ports},
    {"max_sessions", into<&Alg::max_sessions, count<std::uint32_t, 16, 65'535>>},
    {"max_pinholes", into<&Alg::max_pinholes, count<std::uint32_t, 16, 65'535>>},
    {"max_pinholes_per_host", into<&Alg::max_pinholes_per_host, count<std::uint32_t, 1, 65'535>>},
    {"max_memory_mib",
     [](const Value& value, Alg& alg) {
       if (!count<std::uint32_t, 1, 1'024>(value, alg.max_memory)) return false;
       alg.max_memory <<= 20;
       return true;
     }},
};

bool read_alg(const Value& value, Realm& realm) {
  return read_map(value, realm.alg, keys);
}

}  // namespace

const Section alg_section{"alg", false, read_alg, [](std::vector<std::string>& names) {
                            name_keys(names, "alg.", keys);
                            for (const auto& alg : net::alg_infos) {
                              const std::string prefix = "alg." + std::string{alg.name} + ".";
                              if (alg.name == "sip") {
                                name_keys(names, prefix, sip_keys);
                              } else {
                                name_keys(names, prefix, protocol_keys);
                              }
                            }
                          }};

}  // namespace rgw::config
