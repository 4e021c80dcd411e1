// A device belongs to one gateway at a time: who comes second is told who has it, and a crash gives it back.
#include "realmgw/app/device_locks.hpp"

#include <csignal>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace rgw::app {
namespace {

std::vector<config::Port> ports(std::vector<std::string> devices) {
  std::vector<config::Port> all;
  for (auto& device : devices) {
    auto& port = all.emplace_back();
    port.name = "port" + std::to_string(all.size());
    port.device = std::move(device);
  }
  return all;
}

std::string refusal(const std::vector<config::Port>& wanted) {
  try {
    const DeviceLocks locks{wanted};
    return "none";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

/// Another process that holds devices until it is killed.
class Holder {
 public:
  explicit Holder(const std::vector<config::Port>& wanted) {
    int ready[2];
    if (pipe(ready) != 0) throw std::runtime_error{"pipe"};
    pid = fork();
    if (pid == 0) {
      const DeviceLocks locks{wanted};
      static_cast<void>(!write(ready[1], "x", 1));
      for (;;) pause();
    }
    char byte;
    close(ready[1]);
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
  }
  ~Holder() { crash(); }
  void crash() {
    if (pid > 0) kill(pid, SIGKILL), waitpid(pid, nullptr, 0);
    pid = 0;
  }
  pid_t pid;
};

class DeviceLocksTest : public testing::Test {
 protected:
  /// A network of their own, where that is allowed: else another run on this machine would hold what they
  /// hold.
  static void SetUpTestSuite() { static_cast<void>(unshare(CLONE_NEWNET)); }
};

TEST_F(DeviceLocksTest, an_interface_is_held_whatever_driver_and_name_the_device_has) {
  Holder first{ports({"net_af_xdp_in,iface=lo"})};
  const std::string said = refusal(ports({"net_af_packet7,blocksz=65536,iface=lo,framecnt=4096"}));
  EXPECT_EQ(said,
            "port port1 (net_af_packet7,blocksz=65536,iface=lo,framecnt=4096): the interface lo is held by "
            "process " +
                std::to_string(first.pid) + " (unit_app)");
}

TEST_F(DeviceLocksTest, a_card_is_held_whatever_arguments_it_has) {
  Holder first{ports({"0000:3b:00.0,some=argument", "0000:3b:00.1"})};
  EXPECT_NE(refusal(ports({"0000:3b:00.0"})).find("the card 0000:3b:00.0 is held by process"),
            std::string::npos);
  EXPECT_EQ(refusal(ports({"0000:3b:00.2"})), "none");
}

TEST_F(DeviceLocksTest, a_crash_gives_the_devices_back) {
  Holder first{ports({"net_af_xdp0,iface=lo"})};
  EXPECT_NE(refusal(ports({"net_af_xdp0,iface=lo"})), "none");
  first.crash();
  EXPECT_EQ(refusal(ports({"net_af_xdp0,iface=lo"})), "none");
}

TEST_F(DeviceLocksTest, the_holder_is_named_however_often_somebody_asks) {
  Holder first{ports({"0000:3b:00.0"})};
  for (int i = 0; i < 5; ++i)
    EXPECT_NE(refusal(ports({"0000:3b:00.0"})).find("process " + std::to_string(first.pid)),
              std::string::npos)
        << i;
}

TEST_F(DeviceLocksTest, two_ports_of_one_realm_cannot_share_an_interface) {
  EXPECT_NE(refusal(ports({"net_af_xdp0,iface=lo", "net_af_xdp1,iface=lo"}))
                .find("held by another port of this realm"),
            std::string::npos);
}

TEST_F(DeviceLocksTest, devices_of_no_interface_are_not_locked) {
  const DeviceLocks first{ports({"net_null0", "net_ring0", "net_af_packet0,iface=nosuch"})};
  EXPECT_EQ(refusal(ports({"net_null0", "net_ring0", "net_af_packet0,iface=nosuch"})), "none");
}

}  // namespace
}  // namespace rgw::app
