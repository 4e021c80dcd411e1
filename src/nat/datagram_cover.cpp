#include "realmgw/nat/datagram_cover.hpp"

#include <algorithm>

namespace rgw::nat {

template <class Words, class Visit>
bool DatagramCover::for_words(Words& words, std::uint32_t begin, std::uint32_t end, Visit&& visit) {
  while (begin < end) {
    const std::uint32_t next = std::min((begin / 64 + 1) * 64, end);
    const std::uint64_t mask = (~std::uint64_t{0} >> (64 - (next - begin))) << (begin % 64);
    if (!visit(words[begin / 64], mask)) return false;
    begin = next;
  }
  return true;
}

DatagramCover::Fit DatagramCover::judge(std::uint32_t offset, std::uint32_t length, bool more) const {
  const std::uint32_t end = offset + length;
  if (end_known_ && (end > end_ || (!more && end != end_))) return Fit::contradicts;
  if (!more && end < end_) return Fit::contradicts;

  const std::uint32_t first = offset / 8, past = (end + 7) / 8;
  if (for_words(words_, first, past,
                [](const Word& w, std::uint64_t mask) { return (w.seen & mask) == 0; })) {
    return Fit::fits;
  }
  const bool all_seen = for_words(words_, first, past,
                                  [](const Word& w, std::uint64_t mask) { return (w.seen & mask) == mask; });
  const bool one_piece = bit(words_[first / 64].begins, first) &&
                         for_words(words_, first + 1, past,
                                   [](const Word& w, std::uint64_t mask) { return (w.begins & mask) == 0; });
  const bool ends_alike =
      past == 8192 || !bit(words_[past / 64].seen, past) || bit(words_[past / 64].begins, past);
  const bool last_alike = more != (end_known_ && end == end_);
  return all_seen && one_piece && ends_alike && last_alike ? Fit::duplicate : Fit::overlaps;
}

DatagramCover::Fit DatagramCover::add(std::uint32_t offset, std::uint32_t length, bool more) {
  const Fit fit = judge(offset, length, more);
  if (fit != Fit::fits) return fit;
  const std::uint32_t first = offset / 8, past = (offset + length + 7) / 8;
  for_words(words_, first, past, [](Word& w, std::uint64_t mask) {
    w.seen |= mask;
    return true;
  });
  words_[first / 64].begins |= std::uint64_t{1} << (first % 64);
  units_seen_ += past - first;
  end_ = std::max(end_, offset + length);
  end_known_ = end_known_ || !more;
  return fit;
}

void DatagramCover::clear() {
  std::fill_n(words_.begin(), ((end_ + 7) / 8 + 63) / 64, Word{});
  end_ = 0;
  end_known_ = false;
  units_seen_ = 0;
}

}  // namespace rgw::nat
