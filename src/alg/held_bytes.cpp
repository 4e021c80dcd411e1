#include "realmgw/alg/held_bytes.hpp"

#include <algorithm>

namespace rgw::alg {

void HeldBytes::accept(std::uint64_t offset, std::string_view bytes) {
  if (bytes.empty() || offset + bytes.size() <= end_) return;
  if (fin_ && offset + bytes.size() > *fin_) return;  // nothing follows a FIN
  if (offset > end_) {
    if (offset - end_ > window_ || early_.size() >= early_pieces_) return;
    if (early_bytes_ + bytes.size() > window_) return;
    if (early_.try_emplace(offset, bytes).second) early_bytes_ += bytes.size();
    return;
  }
  append(bytes.substr(end_ - offset));
  take_early();
}

void HeldBytes::accept_fin(std::uint64_t end) {
  if (!fin_ && end >= end_ && end - end_ <= window_) fin_ = end;
}

void HeldBytes::append(std::string_view bytes) {
  const std::string_view taken = bytes.substr(0, window_ - std::min(window_, bytes_.size()));
  bytes_.append(taken);
  end_ += taken.size();
}

void HeldBytes::take_early() {
  while (!early_.empty() && early_.begin()->first <= end_) {
    const auto piece = early_.extract(early_.begin());
    early_bytes_ -= piece.mapped().size();
    const std::string_view bytes = piece.mapped();
    if (piece.key() + bytes.size() > end_) append(bytes.substr(end_ - piece.key()));
  }
}

bool HeldBytes::take_fin() {
  if (fin_gone_ || !is_complete() || !empty()) return false;
  fin_gone_ = true;
  end_ = *fin_ + 1;
  return true;
}

}  // namespace rgw::alg
