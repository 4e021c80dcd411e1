// An address book for tests: inside is 10.0.0.0/8 and fd00::/8; the external addresses are 198.51.100.1 and
// 2001:db8:e::1; external ports are handed out from 40000 on. It remembers every pinhole.
#pragma once

#include "realmgw/alg/alg.hpp"

#include <map>
#include <string>

namespace rgw::alg::test {

inline IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}
inline Endpoint endpoint(const char* text) {
  return Endpoint::parse(text).value();
}

class Book final : public AddressBook {
 public:
  struct Held {
    PinholeRequest request;
    Endpoint external;
    Instant deadline;
    std::map<unsigned, Endpoint> met{};  ///< by port
  };

  bool is_inside(const IpAddress& a) const override {
    return a.is_v4() ? a.data()[0] == 10 : a.data()[0] == 0xfd && a.data()[1] == 0;
  }
  std::optional<IpAddress> seen_outside(const IpAddress& a) override {
    if (is_inside(a))
      return outside_family == net::Family::v4 ? address("198.51.100.1") : address("2001:db8:e::1");
    for (const auto& [out, in] : synthesized) {
      if (in == a) return out;
    }
    return a.family() == outside_family ? std::optional{a} : std::nullopt;
  }
  std::optional<IpAddress> seen_inside(const IpAddress& a) override {
    if (const auto found = synthesized.find(a); found != synthesized.end()) return found->second;
    return a.family() == inside_family ? std::optional{a} : std::nullopt;
  }
  std::optional<Endpoint> inside_of(const Endpoint& external, net::Protocol) const override {
    for (const auto& [id, held] : pinholes) {
      const int place = external.port - held.external.port;
      if (held.external.address == external.address && place >= 0 && place < held.request.ports &&
          held.request.arrival == Side::outside)
        return Endpoint{held.request.target.address,
                        static_cast<std::uint16_t>(held.request.target.port + place)};
    }
    return std::nullopt;
  }
  std::optional<std::string> name_of(const IpAddress& host) const override {
    const auto found = names.find(host);
    return found == names.end() ? std::nullopt : std::optional{found->second};
  }
  std::optional<Opened> open(const PinholeRequest& request) override {
    if (pinholes.size() >= limit) return std::nullopt;
    ++opened;
    Endpoint external{
        request.external.value_or(seen_outside(request.target.address).value_or(request.target.address)),
        next_port};
    if (keep_ports && request.preferred_port != 0) {
      external.port = request.preferred_port;
    } else {
      next_port = static_cast<std::uint16_t>(next_port + 2);
    }
    pinholes[++last_id] = {request, external, request.deadline};
    return Opened{last_id, external};
  }
  void meet(PinholeId id, std::uint8_t nth, const Endpoint& remote) override {
    if (const auto found = pinholes.find(id); found != pinholes.end()) found->second.met[nth] = remote;
  }
  void extend(PinholeId id, Instant deadline) override {
    if (const auto found = pinholes.find(id); found != pinholes.end()) found->second.deadline = deadline;
  }
  void close(PinholeId id) override { pinholes.erase(id); }

  net::Family inside_family = net::Family::v4;
  net::Family outside_family = net::Family::v4;
  std::map<IpAddress, IpAddress> synthesized;  ///< outside address -> as the inside sees it
  std::map<IpAddress, std::string> names;
  std::map<PinholeId, Held> pinholes;
  std::size_t limit = 1000;
  std::size_t opened = 0;
  std::uint16_t next_port = 40000;
  bool keep_ports = false;
  PinholeId last_id = 0;
};

}  // namespace rgw::alg::test
