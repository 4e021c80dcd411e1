// How an operator writes values: durations, counts, services, names, devices. Pure functions over text.
#pragma once

#include "realmgw/net/address.hpp"
#include "realmgw/net/transport.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace rgw::config {

/// `text` for a message: in double quotes, cut to a line's length.
[[nodiscard]] std::string quote(std::string_view text);
/// The first `limit` bytes of `text` or fewer, so that no UTF-8 character is cut, and "..." for the rest.
[[nodiscard]] std::string shorten(std::string_view text, std::size_t limit);

/// Decimal digits alone.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);
/// A number that may end in k, M (powers of 1000) or Ki, Mi (powers of 1024).
[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view text);
/// A number with a unit, "400ms", "2s", "5m", "2h", "1d"; or "0".
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// The inverse of `parse_duration`, in the largest unit up to the hour that leaves a whole number.
[[nodiscard]] std::string to_string(std::chrono::milliseconds duration);
/// "7" or "2-5", at most 1023, both ends included.
[[nodiscard]] std::optional<std::pair<unsigned, unsigned>> parse_core_range(std::string_view text);

/// POOL-2: "tcp22", "udp5060", "sctp9", "icmp", and the bare "tcp", "udp", "sctp" for any port.
[[nodiscard]] std::optional<net::Service> parse_service(std::string_view text);
/// The inverse of `parse_service`; "any" for (any, 0).
[[nodiscard]] std::string to_string(net::Service service);

/// A domain name of letters, digits and hyphens (RFC 1123 section 2.1), in lower case, without the final dot.
[[nodiscard]] std::optional<std::string> parse_host_name(std::string_view text);
/// The same with underscores also allowed (RFC 8552), and "*" as a whole first label.
[[nodiscard]] std::optional<std::string> parse_record_name(std::string_view text);

/// A range with its ends exchanged: "12-10" as "10-12", "10.0.0.12-10" as "10.0.0.10-12". Empty where there
/// is no dash.
[[nodiscard]] std::string reversed_range(std::string_view text);
/// A duration with the unit that was meant: "60 s" as "60s", "2hours" as "2h". Empty where none was.
[[nodiscard]] std::string meant_duration(std::string_view text);

/// "0000:3b:00.0", from that or the short "3b:00.0".
[[nodiscard]] std::optional<std::string> parse_pci_address(std::string_view text);

/// Can it be the address of one host (net/special_addresses.hpp)? Not: unspecified, "this network", loopback,
/// multicast, class E, v4-mapped.
[[nodiscard]] bool is_unicast(const net::IpAddress& address);

}  // namespace rgw::config
