// What a machine lacks to serve a realm: `realmgwd --check --here`, and what refuses a start.
#pragma once

#include "realmgw/app/machine.hpp"
#include "realmgw/config/realm.hpp"

#include <span>
#include <string>
#include <vector>

namespace rgw::app {

struct Finding {
  enum class Weight : std::uint8_t {
    error,   ///< the gateway does not start, or passes no packet
    warning  ///< it runs, and slower, or not as the operator probably means it
  };
  Weight weight;
  std::string what;
  std::string cure;  ///< a command, or what to write where

  /// "WHAT; try: CURE"
  [[nodiscard]] std::string to_line() const;
};
using Findings = std::vector<Finding>;

/// All that can be found without opening a device.
[[nodiscard]] Findings check_here(const config::Realm& realm, const Machine& machine);

/// Those errors that must refuse a start, however often it is tried: what is missing, and a kernel that would
/// act beside the gateway. Cheap.
[[nodiscard]] Findings obstacles(const config::Realm& realm, const Machine& machine);

/// All of them for people, errors first.
[[nodiscard]] std::string to_string(std::span<const Finding> findings);

// ---- the parts; each adds what it finds

void find_cores(const config::Realm& realm, const Machine& machine, Findings& found);
void find_capabilities(const config::Realm& realm, const Machine& machine, Findings& found);
/// Packet buffers that the kernel or a card writes into.
void find_locked_memory(const config::Realm& realm, const Machine& machine, Findings& found);
void find_memory(const config::Realm& realm, const Machine& machine, Findings& found);
void find_forwarding(const config::Realm& realm, const Machine& machine, Findings& found);
/// Of the cards that are there: their driver, their IOMMU group.
void find_cards(const config::Realm& realm, const Machine& machine, Findings& found);
/// Cards, and interfaces of the kernel beneath ports, that are not there.
void find_missing_devices(const config::Realm& realm, const Machine& machine, Findings& found);
/// What keeps those that are there from carrying whole and right frames, and the kernel from keeping silent.
void find_interface_settings(const config::Realm& realm, const Machine& machine, Findings& found);
/// Devices and names that another process has.
void find_holders(const config::Realm& realm, const Machine& machine, Findings& found);
/// Sockets of others on the ports that the gateway serves: DNS, PCP.
void find_taken_ports(const config::Realm& realm, const Machine& machine, Findings& found);
/// The web server whose configuration the gateway writes.
void find_web_server(const config::Realm& realm, const Machine& machine, Findings& found);

}  // namespace rgw::app
