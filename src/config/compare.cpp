#include "compare.hpp"

namespace rgw::config {

void Listing::add(std::string_view name, std::string_view what) {
  constexpr std::size_t longest = 64;
  if (++count_ > most) return;
  if (count_ > 1) text_ += ", ";
  text_ += shorten(name, longest).append(what);
}

std::string Listing::text() const {
  return count_ <= most ? text_ : text_ + ", and " + std::to_string(count_ - most) + " more";
}

}  // namespace rgw::config
