// What the workers see, merged by time (OPS-5).
#include "realmgw/capture/capture.hpp"

#include <vector>

#include "unit/capture/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::capture {
namespace {

using namespace std::chrono_literals;
using test::packet;
using test::udp_frame;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Mark received{.seen = Seen::received, .port = PortId{1}};

class CaptureTest : public testing::Test {
 protected:
  Capture capture(const char* filter = "", std::uint32_t keep = Capture::longest, unsigned workers = 2,
                  std::size_t lane = Capture::lane_bytes) {
    return {PacketFilter{filter}, keep, workers, clock, lane};
  }
  /// A worker sees a packet to this port now.
  void see(Capture& by, std::uint8_t worker, std::uint16_t port) {
    by.take(WorkerId{worker}, *packet(udp_frame(port)), received);
  }
  static std::uint16_t port_of(const Sighting& sighting) {
    return static_cast<std::uint16_t>(sighting.bytes[36] << 8 | sighting.bytes[37]);
  }
  std::vector<int> ports(Capture& of, Instant until) {
    std::vector<int> all;
    of.read(until, [&](const Sighting& sighting) {
      all.push_back(port_of(sighting));
      return true;
    });
    return all;
  }
  ManualClock clock;
};

TEST_F(CaptureTest, what_workers_saw_comes_out_by_time) {
  Capture all = capture();
  for (const auto& [worker, port] : {std::pair{0, 1}, {1, 2}, {1, 3}, {0, 4}}) {
    see(all, static_cast<std::uint8_t>(worker), static_cast<std::uint16_t>(port));
    clock.advance(1us);
  }
  EXPECT_THAT(ports(all, clock.now()), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(ports(all, clock.now()), IsEmpty());
}

TEST_F(CaptureTest, what_is_too_young_waits_for_what_another_worker_may_still_add) {
  Capture all = capture();
  see(all, 0, 1);
  const Instant then = clock.now();
  clock.advance(1ms);
  see(all, 0, 2);
  EXPECT_THAT(ports(all, then + 1us), ElementsAre(1));
  EXPECT_THAT(ports(all, clock.now() + 1us), ElementsAre(2));
}

TEST_F(CaptureTest, a_reader_that_has_enough_finds_the_rest_later) {
  Capture all = capture();
  see(all, 0, 1);
  see(all, 0, 2);
  int read = 0;
  all.read(clock.now() + 1us, [&](const Sighting&) { return ++read < 1; });
  EXPECT_EQ(read, 1);
  EXPECT_THAT(ports(all, clock.now() + 1us), ElementsAre(2));
}

TEST_F(CaptureTest, a_packet_keeps_its_length_its_front_and_what_is_known_of_it) {
  Capture fronts = capture("", 20);
  fronts.take(WorkerId{0}, *packet(udp_frame(53, 100)),
              {.seen = Seen::dropped, .port = {}, .why = Counter::unmatched});
  fronts.read(clock.now() + 1us, [&](const Sighting& sighting) {
    EXPECT_EQ(sighting.length, 142U);
    EXPECT_EQ(sighting.bytes.size(), 20U);
    EXPECT_EQ(sighting.at, clock.now());
    EXPECT_EQ(sighting.mark.seen, Seen::dropped);
    EXPECT_EQ(sighting.mark.why, Counter::unmatched);
    return true;
  });
}

TEST_F(CaptureTest, only_what_matches_is_taken) {
  Capture dns = capture("port 53");
  see(dns, 0, 53);
  see(dns, 0, 54);
  EXPECT_THAT(ports(dns, clock.now() + 1us), ElementsAre(53));
  EXPECT_EQ(dns.lost(), 0U);
}

TEST_F(CaptureTest, what_finds_no_room_is_lost_and_counted) {
  Capture little = capture("", Capture::longest, 2, 256);
  for (int i = 0; i < 10; ++i) see(little, 0, 1);
  see(little, 1, 2);
  const auto kept = ports(little, clock.now() + 1us);
  EXPECT_EQ(little.lost(), 11 - kept.size());
  EXPECT_GT(little.lost(), 0U);
  EXPECT_THAT(kept, testing::Contains(2)) << "each worker has a lane of its own";
  see(little, 0, 3);
  EXPECT_THAT(ports(little, clock.now() + 1us), ElementsAre(3));
}

}  // namespace
}  // namespace rgw::capture
