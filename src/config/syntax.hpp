// What an operator did to a text that YAML does not take.
#pragma once

#include <optional>
#include <string_view>

#include "document.hpp"

namespace rgw::config {

/// `failed` is where the parser gave up, and `reason` what it says of it. The answer stands at the place that
/// has to be changed, which is often above: a tab, an open quotation mark or bracket, a value that needs
/// quotes, an indentation that fits no line, a missing colon. Where none of these is found, at `failed` with
/// `reason`.
[[nodiscard]] SyntaxError explain_syntax(std::string_view text, Position failed, std::string_view reason);

/// A quotation mark that is open at the end of the text, which the parser takes for closed there.
[[nodiscard]] std::optional<SyntaxError> open_quotation(std::string_view text);

}  // namespace rgw::config
