// pool: the Circular Pool (POOL-1, POOL-4, POOL-8, POOL-9).
#include "sections.hpp"

namespace rgw::config {
namespace {

using Exhaustion = Pool::Exhaustion;

constexpr Choice<Exhaustion> exhaustions[] = {
    {"silence", Exhaustion::silence}, {"servfail", Exhaustion::servfail}, {"refuse", Exhaustion::refuse}};

constexpr Key<Pool> keys[] = {
    {"addresses", into<&Pool::addresses, address_ranges<65'536>>},
    {"hold", into<&Pool::hold, duration<10, 60'000>>},
    {"rest", into<&Pool::rest, duration<0, 60'000>>},
    {"wait", into<&Pool::wait, duration<0, 10'000>>},
    {"wait_queue", into<&Pool::wait_queue, count<std::uint32_t, 0, 65'536>>},
    {"on_exhaustion", into<&Pool::on_exhaustion, one_of<exhaustions>>},
    {"share", into<&Pool::share, boolean>},
};

bool read_pool(const Value& value, Realm& realm) {
  return read_map(value, realm.pool, keys);
}

}  // namespace

const Section pool_section{"pool", false, read_pool,
                           [](std::vector<std::string>& names) { name_keys(names, "pool.", keys); }};

}  // namespace rgw::config
