#include "realmgw/capture/trace.hpp"

#include <algorithm>
#include <cstring>

namespace rgw::capture {

void Trace::read(Instant until, const std::function<bool(const WalkHead&, std::span<const TraceStep>)>& use) {
  lanes_.read(until, [&](const WalkHead& head, std::span<const std::byte> bytes) {
    std::array<TraceStep, most_steps> steps{};
    const std::size_t count = std::min(bytes.size() / sizeof(TraceStep), most_steps);
    std::memcpy(steps.data(), bytes.data(), count * sizeof(TraceStep));
    return use(head, std::span<const TraceStep>{steps}.first(count));
  });
}

}  // namespace rgw::capture
