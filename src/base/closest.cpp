#include "realmgw/base/closest.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace rgw {

std::string_view closest(std::string_view text, std::span<const std::string_view> known) {
  // Optimal string alignment: one insertion, deletion, replacement or swap of neighbours costs 1.
  const auto distance = [text](std::string_view other) {
    const std::size_t width = other.size() + 1;
    std::vector<std::size_t> before(width), above(width), row(width);
    for (std::size_t j = 0; j < width; ++j) above[j] = j;
    for (std::size_t i = 1; i <= text.size(); ++i) {
      row[0] = i;
      for (std::size_t j = 1; j < width; ++j) {
        row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (text[i - 1] != other[j - 1])});
        if (i > 1 && j > 1 && text[i - 1] == other[j - 2] && text[i - 2] == other[j - 1]) {
          row[j] = std::min(row[j], before[j - 2] + 1);
        }
      }
      before.swap(above);
      above.swap(row);
    }
    return above.back();
  };
  constexpr std::size_t longest = 40;  // no key is longer: do not spend time on what cannot match
  if (text.size() > longest) return {};
  std::string_view best;
  std::size_t least = std::max<std::size_t>(1, text.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    if (const auto cost = distance(candidate); cost < least) {
      least = cost;
      best = candidate;
    }
  }
  return best;
}

}  // namespace rgw
