// pool: the Circular Pool (POOL-1, POOL-4, POOL-8, POOL-9).
#include "sections.hpp"

namespace rgw::config {
namespace {

using Exhaustion = Pool::Exhaustion;

constexpr Choice<Exhaustion> exhaustions[] = {
    {"silence", Exhaustion::silence}, {"servfail", Exhaustion::servfail}, {"refuse", Exhaustion::refuse}};

constexpr Key<Pool> keys[] = {
    key<&Pool::addresses, address_ranges<65'536>>("addresses", Change::ends_sessions),
    key<&Pool::hold, duration<10, 60'000>>("hold", Change::now),
    key<&Pool::rest, duration<0, 60'000>>("rest", Change::now),
    key<&Pool::wait, duration<0, 10'000>>("wait", Change::now),
    key<&Pool::wait_queue, count<std::uint32_t, 0, 65'536>>("wait_queue", Change::restart),
    key<&Pool::on_exhaustion, one_of<exhaustions>>("on_exhaustion", Change::now),
    key<&Pool::share, boolean>("share", Change::now),
};

bool read_pool(const Value& value, Realm& realm) {
  return read_map(value, realm.pool, keys);
}

}  // namespace

const Section pool_section{map_key("pool", read_pool),
                           [](Tables& tables) { tables.keys("pool.", keys, &Realm::pool); }};

}  // namespace rgw::config
