// ports: the network devices and what the gateway is on them.
#include <algorithm>
#include <array>

#include "sections.hpp"

namespace rgw::config {
namespace {

// A port's TAP is "rgw-" and its name, which has to fit IFNAMSIZ - 1.
constexpr std::size_t max_port_name = 11;
constexpr std::size_t max_ports = 16;

constexpr Choice<Side> sides[] = {{"inside", Side::inside}, {"outside", Side::outside}};

// OPS-7, and net_null for the benchmark. The kernel's interface that a driver sits on is named by `iface`.
struct Driver {
  std::string_view name;
  bool needs_iface;
};
constexpr auto drivers = std::to_array<Driver>({{"net_af_packet", true},
                                                {"net_af_xdp", true},
                                                {"net_tap", false},
                                                {"net_memif", false},
                                                {"net_ring", false},
                                                {"net_pcap", false},
                                                {"net_null", false}});

constexpr bool is_device_character(char c) {
  return c > ' ' && c < 0x7f;
}

// Could it be what `ip link` shows? At most IFNAMSIZ - 1 characters.
bool may_be_interface(std::string_view text) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  return !text.empty() && text.size() <= 15 && !text.starts_with("net_") &&
         !(text[0] >= '0' && text[0] <= '9') && std::all_of(text.begin(), text.end(), is_word);
}

// "net_af_xdp0,iface=eth1": the driver, digits or _word to tell it from the next, and key=value arguments.
bool virtual_device(const Value& value, std::string_view text) {
  const auto name = text.substr(0, text.find(','));
  const auto driver = std::find_if(drivers.begin(), drivers.end(), [name](const Driver& candidate) {
    if (!name.starts_with(candidate.name)) return false;
    const auto tail = name.substr(candidate.name.size());
    return tail.empty() || tail.front() == '_' ||
           tail.find_first_not_of("0123456789") == std::string_view::npos;
  });
  if (driver == drivers.end()) {
    std::string known;
    for (const Driver& candidate : drivers)
      known += (known.empty() ? "" : ", ") + std::string{candidate.name};
    std::string message =
        quote(text) + " is neither a PCI address like 0000:3b:00.0 nor a device of " + known;
    if (may_be_interface(text)) {
      const std::string rest = "_" + std::string{text} + ",iface=" + std::string{text};
      message += "; for the kernel's interface " + std::string{text} + " write " +
                 quote("net_af_xdp" + rest) + " or " + quote("net_af_packet" + rest);
    }
    return value.problem(std::move(message));
  }
  bool has_iface = false;
  for (auto rest = text.substr(name.size()); !rest.empty();) {
    rest.remove_prefix(1);  // the comma
    const auto argument = rest.substr(0, rest.find(','));
    const auto equals = argument.find('=');
    if (equals == 0 || equals == std::string_view::npos || equals + 1 == argument.size()) {
      return value.problem(quote(argument) + " is not an argument of the form key=value");
    }
    has_iface = has_iface || argument.starts_with("iface=");
    rest.remove_prefix(argument.size());
  }
  if (driver->needs_iface && !has_iface) {
    return value.problem(std::string{driver->name} + " needs the interface that it sits on: \"" +
                         std::string{name} + ",iface=eth0\"");
  }
  return true;
}

bool device(const Value& value, std::string& out) {
  const std::string* text = value.scalar("a PCI address or a virtual device");
  if (text == nullptr) return false;
  if (auto pci = parse_pci_address(*text)) {
    out = std::move(*pci);
    return true;
  }
  if (!std::all_of(text->begin(), text->end(), is_device_character)) {
    return value.problem(quote(*text) + " has characters that no device has");
  }
  if (!virtual_device(value, *text)) return false;
  out = *text;
  return true;
}

bool side(const Value& value, Side& out) {
  return one_of<sides>(value, out);
}

struct PortDraft {
  Port port;
  bool has_side = false;
};

bool written_side(const Value& value, PortDraft& draft) {
  draft.has_side = true;
  Side wanted{};
  if (!side(value, wanted)) return false;
  for (const auto& choice : sides) {
    if (draft.port.name == choice.name && wanted != choice.value) {
      return value.problem("a port of the name " + std::string{choice.name} + " is on that side");
    }
  }
  draft.port.side = wanted;
  return true;
}

constexpr Key<PortDraft, Port> keys[] = {
    {"side", written_side, Change::restart, by<&Port::side>},
    key<&PortDraft::port, &Port::device, device>("device", Change::restart, required),
    key<&PortDraft::port, &Port::addresses, list_of<interface_address, 64>, Order::counts>(
        "addresses", Change::restart, required),
    key<&PortDraft::port, &Port::routed, list_of<prefix, 64>>("routed", Change::now),
    key<&PortDraft::port, &Port::mtu, count<std::uint16_t, 576, 9216>>(
        "mtu", Change::restart),  // RFC 791 to a jumbo frame
    key<&PortDraft::port, &Port::promiscuous, boolean>("promiscuous", Change::restart),
};

bool valid_name(std::string_view name) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= max_port_name && std::all_of(name.begin(), name.end(), allowed);
}

bool read_port(const std::string& name, const Value& value, Port& out) {
  if (!valid_name(name)) {
    return value.problem_at_key(
        "a port's name is 1 to 11 of a-z, 0-9 and \"-\": its interface is called rgw-NAME");
  }
  PortDraft draft;
  draft.port.name = name;
  const auto named_side = std::find_if(std::begin(sides), std::end(sides),
                                       [&](const Choice<Side>& choice) { return choice.name == name; });
  if (named_side != std::end(sides)) draft.port.side = named_side->value;
  const bool good = read_map(value, draft, keys);
  out = std::move(draft.port);
  if (named_side == std::end(sides) && !draft.has_side) {
    return value.problem_at_key(
        "a port that is not called inside or outside needs side: inside or side: outside");
  }
  return good;
}

bool read_ports(const Value& value, Realm& realm) {
  const auto named = value.named("a map of ports");
  if (!named) return false;
  if (named->size() > max_ports)
    return value.problem_at_key("more than " + std::to_string(max_ports) + " ports");
  bool good = true;
  for (const auto& [name, member] : *named) {
    // What could be read of a port that has a problem still serves the checks of the other sections.
    good = read_port(name, member, realm.ports.emplace_back()) && good;
  }
  return good;
}

// Its number is a port's place in the file. A port that comes or goes is told by its name.
Differing differing_order(const Realm& from, const Realm& to) {
  const auto names_of = [](const Realm& realm) {
    std::vector<std::string> names;
    for (const Port& port : realm.ports) names.push_back(port.name);
    return names;
  };
  const auto old = names_of(from), fresh = names_of(to);
  const bool moved = old != fresh && std::is_permutation(old.begin(), old.end(), fresh.begin(), fresh.end());
  return moved ? std::optional{"order changed"} : std::nullopt;
}

}  // namespace

const Section ports_section{
    {"ports", read_ports, Change::restart, differing_order, required},
    [](Tables& tables) { tables.members("ports", "<port>", Change::restart, keys, &Realm::ports); }};

}  // namespace rgw::config
