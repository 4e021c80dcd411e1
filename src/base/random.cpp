#include "realmgw/base/random.hpp"

#include <stdexcept>
#include <sys/random.h>

namespace rgw {

std::uint64_t Random::kernel_seed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != static_cast<ssize_t>(sizeof seed)) {
    throw std::runtime_error{"getrandom failed: the kernel gave no seed"};
  }
  return seed;
}

}  // namespace rgw
