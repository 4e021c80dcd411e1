// What the tables of the packet path cost: hash, session index, timer wheel. In cycles of the time stamp
// counter.
//   ninja -C build/release table-bench && build/release/bench/table-bench
#include "realmgw/base/hash.hpp"
#include "realmgw/base/huge_array.hpp"
#include "realmgw/base/random.hpp"
#include "realmgw/nat/flow_index.hpp"
#include "realmgw/nat/timer_wheel.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <vector>
#include <x86intrin.h>

namespace {

using namespace rgw;
using nat::FlowIndex;
using nat::TimerWheel;

using Key = std::array<std::uint64_t, 2>;

/// As big as a session, its keys and links on the first line.
struct alignas(64) Record {
  Key keys[2];
  TimerWheel::Links links;
  std::array<std::uint8_t, 88> rest;
};
static_assert(sizeof(Record) == 128);

/// A tuple that is a function of its number, spread thinly over the bits as addresses and ports are. Bit 0 of
/// its second word is the side, as a real key has it.
Key key_of(std::uint32_t session, std::uint32_t side) {
  return {0x0a00'0000'c633'6400 + (std::uint64_t{session >> 10} << 32),
          0x1106'01bb'0000'0000 + (std::uint64_t{session & 1023} << 16) + side};
}

template <class Run>
double cycles(std::uint64_t times, Run&& run) {
  const auto begin = __rdtsc();
  run();
  return static_cast<double>(__rdtsc() - begin) / static_cast<double>(times);
}

template <std::size_t Words>
void bench_hash(const HashSalt& salt) {
  std::array<std::array<std::uint64_t, Words>, 32> keys{};
  constexpr std::uint64_t rounds = 1'000'000;
  std::uint64_t sum = 0;
  const double apart = cycles(rounds * 32, [&] {
    for (std::uint64_t i = 0; i < rounds; ++i) {
      keys[i % 32][0] = i;
      for (const auto& key : keys) sum += hash_of(key, salt);
    }
  });
  const double chained = cycles(rounds * 32, [&] {
    for (std::uint64_t i = 0; i < rounds * 32; ++i) {
      keys[0][0] = sum;
      sum += hash_of(keys[0], salt);
    }
  });
  std::printf("hash of %zu bytes: %.1f cycles in a burst, %.1f one after the other (%x)\n", Words * 8, apart,
              chained, static_cast<unsigned>(sum & 1));
}

void bench_sessions(std::uint32_t sessions, const HashSalt& salt) {
  const auto start = std::chrono::steady_clock::now();
  FlowIndex index{std::size_t{2} * sessions};
  HugeArray<Record> records{sessions};
  TimerWheel wheel{65536, 0};
  index.prefault();
  records.prefault();
  const std::chrono::duration<double> ready = std::chrono::steady_clock::now() - start;
  const auto links_of = [&](std::uint32_t slot) -> TimerWheel::Links& { return records[slot].links; };

  std::uint32_t refused = 0;
  const double setup = cycles(sessions, [&] {
    for (std::uint32_t slot = 0; slot < sessions; ++slot) {
      for (std::uint32_t side = 0; side < 2; ++side) {
        records[slot].keys[side] = key_of(slot, side);
        index.prefetch(hash_of(records[slot].keys[side], salt));
      }
      for (const Key& key : records[slot].keys) refused += !index.insert(hash_of(key, salt), slot);
      wheel.insert(links_of, slot, 5000);
    }
  });

  // Packets of random sessions and sides, in bursts of 32: hash, prefetch, match, verify, and a look into the
  // record.
  constexpr std::size_t burst = FlowIndex::max_bulk;
  const std::size_t bursts = std::clamp<std::size_t>(4 * sessions / burst, 20'000, 400'000);
  Random random{1};
  std::vector<std::array<Key, burst>> packets(bursts);
  const auto pass = [&](bool hit) {
    for (auto& keys : packets) {
      for (auto& key : keys)
        key = key_of(random.below(sessions), hit ? random.below(2) : 2 + random.below(200));
    }
    std::uint64_t sum = 0;
    const double cost = cycles(bursts * burst, [&] {
      for (const auto& keys : packets) {
        std::array<std::uint64_t, burst> hashes;
        std::array<FlowIndex::Ref, burst> refs;
        for (std::size_t i = 0; i < burst; ++i) {
          hashes[i] = hash_of(keys[i], salt);
          index.prefetch(hashes[i]);
        }
        std::uint32_t found = index.find_bulk(
            hashes, refs.data(), [&](FlowIndex::Ref slot) { __builtin_prefetch(&records[slot]); },
            [&](std::size_t i, FlowIndex::Ref slot) {
              return keys[i] == records[slot].keys[keys[i][1] & 1];
            });
        for (; found != 0; found &= found - 1)
          sum += records[refs[static_cast<unsigned>(std::countr_zero(found))]].keys[0][0] | 1;
      }
    });
    if ((sum != 0) != hit) std::printf("wrong answers\n");
    return cost;
  };
  pass(true);
  const double hit = pass(true), miss = pass(false);
  const double displaced = 100.0 * static_cast<double>(index.displaced()) / static_cast<double>(index.size());
  const double load = static_cast<double>(index.size()) / static_cast<double>(index.slots());

  // All of them end at one moment.
  constexpr std::uint32_t budget = 64;
  wheel.advance(links_of, 4999, 5000, [](std::uint32_t) { return std::optional<TimerWheel::Tick>{}; });
  std::vector<std::uint64_t> calls;
  calls.reserve(sessions / budget + 1);
  const double end = cycles(sessions, [&] {
    while (wheel.size() != 0) {
      const auto begin = __rdtsc();
      wheel.advance(links_of, 5000, budget, [&](std::uint32_t slot) -> std::optional<TimerWheel::Tick> {
        for (const Key& key : records[slot].keys) index.prefetch(hash_of(key, salt));
        for (const Key& key : records[slot].keys) index.erase(hash_of(key, salt), slot);
        return std::nullopt;
      });
      calls.push_back(__rdtsc() - begin);
    }
  });
  std::sort(calls.begin(), calls.end());
  std::printf(
      "%8u sessions: hit %5.1f, miss %5.1f, setup %4.0f, end %4.0f cycles (%u endings at once: 99 in 100 "
      "below %lu)\n",
      sessions, hit, miss, setup, end, budget, calls[calls.size() * 99 / 100]);
  std::printf(
      "    load %.2f, %.1f %% displaced, %u refused; %.1f bytes a session beside its record; ready in %.2f "
      "s\n",
      load, displaced, refused, static_cast<double>(index.bytes() + wheel.bytes()) / sessions, ready.count());
}

void bench_load() {
  FlowIndex index{900'000};
  Random random{3};
  std::uint32_t ref = 0;
  while (index.insert(random.next(), ref)) ++ref;
  std::printf("index of %zu entries: first refusal at a load of %.4f\n", index.slots(),
              static_cast<double>(ref) / static_cast<double>(index.slots()));
}

}  // namespace

int main() {
  Random random{Random::kernel_seed()};
  const HashSalt salt{random};
  bench_hash<2>(salt);
  bench_hash<5>(salt);
  bench_load();
  for (const std::uint32_t sessions : {4u << 10, 64u << 10, 1u << 20, 10u << 20})
    bench_sessions(sessions, salt);
}
