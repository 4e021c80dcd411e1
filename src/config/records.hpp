// The data of resource records in presentation form, as far as a realm file has to know it (DNS-1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rgw::config {

/// Is `data` in the form that `type` has? Returns what was expected instead, or nothing where it is right.
/// Types that the realm file does not know by name are left to the DNS library.
[[nodiscard]] std::optional<std::string> expected_record_data(std::string_view type, std::string_view data);

/// An RR type's mnemonic, in upper case: "MX", "TYPE65".
[[nodiscard]] std::optional<std::string> parse_record_type(std::string_view text);

}  // namespace rgw::config
