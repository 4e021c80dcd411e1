// What a word that nobody knows was likely meant to be.
#pragma once

#include <span>
#include <string_view>

namespace rgw {

/// The one of `known` that `text` was likely meant to be, or an empty view.
[[nodiscard]] std::string_view closest(std::string_view text, std::span<const std::string_view> known);

}  // namespace rgw
