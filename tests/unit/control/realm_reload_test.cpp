// One reload after the other (OPS-2), with workers and a keeper that the test plays:
//   - a changed file: what is gone ends, each worker goes over, then control does, then sessions are swept
//   - a file with mistakes, one that needs a restart, the same one again, a dry run, what control objects to
//   - hosts that are added at run time (OPS-9): in their file before they are in force
//   - requests in a row, full rings, a loader or a worker's part that cannot be made
//   - it may end at any time, and nothing stays behind
#include "realmgw/control/realm_reload.hpp"

#include "realmgw/config/host_file.hpp"

#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <unistd.h>

#include "unit/control/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using Result = ReloadReport::Result;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// Knows how many of its kind are alive.
struct Part final : ring::WorkerRealm {
  explicit Part(std::atomic<int>& count) : alive{count} { ++alive; }
  ~Part() override { --alive; }
  std::atomic<int>& alive;
};

/// Writes down what it is asked to do.
struct Keeper final : RealmKeeper {
  explicit Keeper(RealmInForce& realm) : in_force{realm} {}
  std::optional<std::string> objection(const ring::Snapshot&) const override { return objects; }
  void retire(const ring::Snapshot&) override { done.emplace_back("retire"); }
  std::vector<std::string> adopt(std::shared_ptr<const ring::Snapshot> next, dns::ZoneSet) override {
    done.emplace_back("adopt");
    in_force.replace(std::move(next));
    return {};
  }
  RealmInForce& in_force;
  std::optional<std::string> objects;
  std::vector<std::string> done;
};

config::Realm with_hold(std::chrono::milliseconds hold) {
  config::Realm realm = test::realm();
  realm.pool.hold = hold;
  return realm;
}

class RealmReloadTest : public testing::Test {
 protected:
  ~RealmReloadTest() override {
    reload.reset();
    std::filesystem::remove_all(directory);
    EXPECT_EQ(parts, 0) << "parts of workers stayed behind";
  }

  std::vector<WorkerLink> links_of() {
    auto made = workers.links();
    for (auto& link : made) {
      link.next_realm = [this](std::shared_ptr<const ring::Snapshot> next) {
        if (parts_to_make-- == 0) throw std::bad_alloc{};
        built_for = std::move(next);
        return std::make_unique<Part>(parts);
      };
    }
    return made;
  }
  /// Steps until the file has been read.
  void read() {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    ASSERT_TRUE(reload->step()) << "it begins";
    while (!reload->step()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }
  /// What came of a file that says this.
  std::shared_ptr<const ReloadReport> of(config::Realm next, bool dry_run = false) {
    file = {std::move(next), {}, {}};
    auto report = reload->ask(dry_run);
    read();
    return report;
  }
  ring::WorkerRealm* told(std::size_t worker) {
    const auto events = workers.events_of<ring::RealmExchange>(worker);
    EXPECT_THAT(events, SizeIs(1));
    return events.empty() ? nullptr : events.front().next;
  }
  /// Both workers do their part.
  void carry_out() {
    while (reload->step()) {
    }
    for (const std::size_t worker : {0, 1}) reload->exchanged({told(worker)});
    for (int worker = 0; worker < 2; ++worker) reload->swept({0});
  }

  std::atomic<int> parts = 0;
  int parts_to_make = -1;  ///< and then there is no memory; negative: any number
  std::shared_ptr<const ring::Snapshot> built_for;
  config::LoadResult file;
  LoadRealm load = [this](const HostBook::Hosts& added) {
    config::LoadResult with = file;
    if (with.realm) with.realm->hosts.insert(with.realm->hosts.end(), added.begin(), added.end());
    return with;
  };
  int times_begun = 0;
  std::vector<Result> ended;
  Workers workers{2, 16};
  CounterBlock counters;
  WorkerLinks links{links_of(), counters};
  RealmInForce realm{snapshot()};
  Keeper keeper{realm};
  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("realm_reload_test." + std::to_string(getpid()));
  HostBook added{directory / "hosts.yaml", {}};
  std::optional<RealmReload> reload{std::in_place,
                                    [this](const HostBook::Hosts& hosts) { return load(hosts); },
                                    [this] { ++times_begun; },
                                    [this](const ReloadReport& report) { ended.push_back(report.result); },
                                    realm,
                                    links,
                                    keeper,
                                    added};
};

TEST_F(RealmReloadTest, a_changed_file_comes_into_force_worker_by_worker) {
  const auto report = of(with_hold(5s));
  EXPECT_THAT(keeper.done, ElementsAre("retire")) << "before any worker changes";
  EXPECT_EQ(parts, 2);
  EXPECT_THAT(workers.events(0), IsEmpty());
  EXPECT_TRUE(reload->step());
  ring::WorkerRealm *first = told(0), *second = told(1);
  EXPECT_NE(first, second);
  EXPECT_FALSE(reload->step()) << "it waits for the workers";
  reload->exchanged({second});
  EXPECT_EQ(parts, 1) << "what the worker went by until now is gone";
  reload->swept({3});
  EXPECT_THAT(keeper.done, ElementsAre("retire"));
  EXPECT_EQ(realm->realm.pool.hold, test::realm().pool.hold);
  reload->exchanged({first});
  EXPECT_THAT(keeper.done, ElementsAre("retire", "adopt"));
  EXPECT_EQ(realm.share(), built_for);
  EXPECT_EQ(realm->realm.pool.hold, 5s);
  EXPECT_EQ(report->result, Result::pending);
  reload->swept({4});
  EXPECT_EQ(report->result, Result::reloaded);
  EXPECT_EQ(report->sessions_ended, 7U);
  ASSERT_THAT(report->differences, SizeIs(1));
  EXPECT_EQ(report->differences[0].key, "pool.hold");
  EXPECT_THAT(ended, ElementsAre(Result::reloaded));
  EXPECT_FALSE(reload->step());
}

TEST_F(RealmReloadTest, the_next_realm_knows_the_places_of_the_former_ones_addresses) {
  config::Realm next = test::realm();
  next.outbound.addresses = {ip("198.51.100.7")};
  const auto first = of(next);
  carry_out();
  ASSERT_EQ(first->result, Result::reloaded);
  EXPECT_THAT(realm->policy.former_places, ElementsAre(ip("198.51.100.1")));
  next.outbound.addresses = {ip("198.51.100.8")};
  const auto second = of(next);
  carry_out();
  ASSERT_EQ(second->result, Result::reloaded);
  EXPECT_THAT(realm->policy.former_places, ElementsAre(ip("198.51.100.1"), ip("198.51.100.7")));
}

TEST_F(RealmReloadTest, the_same_file_changes_nothing) {
  const auto report = of(test::realm());
  EXPECT_EQ(report->result, Result::unchanged);
  EXPECT_THAT(ended, ElementsAre(Result::unchanged));
  EXPECT_THAT(keeper.done, IsEmpty());
  EXPECT_FALSE(reload->step());
}

TEST_F(RealmReloadTest, a_file_with_mistakes_changes_nothing_and_all_are_told) {
  file.problems = {{"f.yaml", 3, 1, "pool", "is wrong"}, {"f.yaml", 4, 1, "hosts", "are wrong"}};
  file.warnings = {{"f.yaml", 5, 1, "dns", "is odd"}};
  const auto report = reload->ask(false);
  read();
  EXPECT_EQ(report->result, Result::mistakes);
  EXPECT_THAT(report->problems, SizeIs(2));
  EXPECT_THAT(report->warnings, SizeIs(1));
  EXPECT_THAT(keeper.done, IsEmpty());
  EXPECT_THAT(ended, ElementsAre(Result::mistakes));
  EXPECT_EQ(times_begun, 1);
}

TEST_F(RealmReloadTest, what_only_a_restart_can_bring_changes_nothing_of_the_rest_either) {
  config::Realm next = with_hold(5s);
  next.outbound.max_sessions *= 2;
  const auto report = of(next);
  EXPECT_EQ(report->result, Result::restart);
  EXPECT_THAT(report->differences, SizeIs(2));
  EXPECT_THAT(keeper.done, IsEmpty());
  EXPECT_THAT(workers.events(0), IsEmpty());
  EXPECT_EQ(built_for, nullptr) << "no part was made";
  EXPECT_EQ(of(with_hold(5s))->result, Result::pending) << "and the next may come";
}

TEST_F(RealmReloadTest, a_dry_run_tells_what_would_be_and_is_not_told_to_others) {
  for (const int i : {0, 1}) {
    const auto report = of(with_hold(5s), true);
    EXPECT_EQ(report->result, Result::would_apply) << i;
    EXPECT_THAT(report->differences, SizeIs(1));
  }
  config::Realm next = test::realm();
  next.outbound.max_sessions *= 2;
  EXPECT_EQ(of(next, true)->result, Result::restart);
  EXPECT_EQ(of(test::realm(), true)->result, Result::unchanged);
  EXPECT_THAT(ended, IsEmpty());
  EXPECT_EQ(times_begun, 0);
  EXPECT_THAT(keeper.done, IsEmpty());
  EXPECT_EQ(built_for, nullptr);
}

TEST_F(RealmReloadTest, what_control_has_no_room_for_waits_for_a_restart) {
  keeper.objects = "too many addresses";
  for (const bool dry_run : {true, false}) {
    const auto report = of(with_hold(5s), dry_run);
    EXPECT_EQ(report->result, Result::restart);
    EXPECT_THAT(report->problems, ElementsAre("too many addresses"));
  }
  EXPECT_THAT(keeper.done, IsEmpty());
  EXPECT_EQ(parts, 0);
}

TEST_F(RealmReloadTest, requests_in_a_row_are_carried_out_in_turn) {
  std::vector<config::Realm> versions{with_hold(5s), with_hold(6s)};
  load = [&] {
    config::LoadResult result{versions.front(), {}, {}};
    if (versions.size() > 1) versions.erase(versions.begin());
    return result;
  };
  const auto first = reload->ask(false), second = reload->ask(false), third = reload->ask(false);
  read();
  EXPECT_EQ(versions.size(), 1U) << "the second one reads the file when its turn has come";
  carry_out();
  EXPECT_EQ(first->result, Result::reloaded);
  EXPECT_EQ(second->result, Result::pending);
  EXPECT_EQ(realm->realm.pool.hold, 5s);
  read();
  carry_out();
  EXPECT_EQ(second->result, Result::reloaded);
  EXPECT_EQ(realm->realm.pool.hold, 6s);
  read();
  EXPECT_EQ(third->result, Result::unchanged);
  EXPECT_THAT(ended, ElementsAre(Result::reloaded, Result::reloaded, Result::unchanged));
}

TEST_F(RealmReloadTest, a_full_ring_gets_its_word_later_and_behind_what_was_said_before) {
  while (links.try_send(WorkerId{1}, ring::LinkState{inside_port, true})) {
  }
  links.broadcast(ring::LinkState{outside_port, false});  // waits for the ring
  const auto report = of(with_hold(5s));
  static_cast<void>(reload->step());
  ring::WorkerRealm* const first = told(0);
  reload->exchanged({first});
  static_cast<void>(workers.events(1));
  static_cast<void>(reload->step());
  EXPECT_THAT(workers.events(1), IsEmpty()) << "the former word waits still";
  links.flush();
  static_cast<void>(reload->step());
  const auto events = workers.events(1);
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_TRUE(std::holds_alternative<ring::LinkState>(events[0]));
  reload->exchanged({std::get<ring::RealmExchange>(events[1]).next});
  reload->swept({0});
  reload->swept({0});
  EXPECT_EQ(report->result, Result::reloaded);
}

TEST_F(RealmReloadTest, a_loader_that_fails_is_a_mistake_and_the_next_reload_works) {
  load = []() -> config::LoadResult { throw std::runtime_error{"the file is gone"}; };
  const auto report = reload->ask(false);
  read();
  EXPECT_EQ(report->result, Result::mistakes);
  EXPECT_THAT(report->problems, ElementsAre("the file is gone"));
  load = [this] { return file; };
  const auto next = of(with_hold(5s));
  carry_out();
  EXPECT_EQ(next->result, Result::reloaded);
  EXPECT_TRUE(next->problems.empty());
}

TEST_F(RealmReloadTest, where_one_worker_s_part_cannot_be_made_no_worker_changes) {
  parts_to_make = 1;
  const auto report = of(with_hold(5s));
  EXPECT_EQ(report->result, Result::mistakes);
  EXPECT_EQ(parts, 0);
  EXPECT_THAT(keeper.done, IsEmpty());
  EXPECT_THAT(workers.events(0), IsEmpty());
}

TEST_F(RealmReloadTest, may_end_while_the_file_is_read) {
  std::promise<void> begun, go_on;
  load = [&] {
    begun.set_value();
    go_on.get_future().wait();
    return config::LoadResult{with_hold(5s), {}, {}};
  };
  const auto report = reload->ask(false);
  ASSERT_TRUE(reload->step());
  begun.get_future().wait();
  std::thread other{[&] { go_on.set_value(); }};
  reload.reset();
  other.join();
  EXPECT_EQ(parts, 0);
  EXPECT_EQ(report->result, Result::pending);
}

TEST_F(RealmReloadTest, may_end_when_the_file_was_read_and_before_it_was_looked_at) {
  std::promise<void> done;
  load = [&] {
    done.set_value();
    return config::LoadResult{with_hold(5s), {}, {}};
  };
  static_cast<void>(reload->ask(false));
  static_cast<void>(reload->ask(false));
  ASSERT_TRUE(reload->step());
  done.get_future().wait();
  reload.reset();
  EXPECT_EQ(parts, 0);
  EXPECT_THAT(keeper.done, IsEmpty());
}

TEST_F(RealmReloadTest, may_end_before_the_workers_have_answered) {
  const auto report = of(with_hold(5s));
  ASSERT_TRUE(reload->step());
  reload->exchanged({told(0)});
  EXPECT_EQ(parts, 1);
  reload.reset();
  EXPECT_EQ(parts, 0);
  EXPECT_EQ(report->result, Result::pending);
}

TEST(ReloadReportTest, says_what_the_operator_has_to_know) {
  ReloadReport report;
  report.result = Result::restart;
  report.problems = {"bytes that are no text: \xff"};
  report.differences = {{"pool.hold", config::Change::now, "was 2s"},
                        {"outbound.addresses", config::Change::ends_sessions, ""},
                        {"workers.count", config::Change::restart, "was 1"}};
  report.sessions_ended = 5;
  const auto json = nlohmann::json::parse(report.to_json());
  EXPECT_EQ(json["result"], "restart needed");
  EXPECT_EQ(json["now"][0]["key"], "pool.hold");
  EXPECT_EQ(json["now"][0]["what"], "was 2s");
  EXPECT_EQ(json["ends_sessions"][0]["key"], "outbound.addresses");
  EXPECT_EQ(json["restart"][0]["key"], "workers.count");
  EXPECT_EQ(json["sessions_ended"], 5);
  EXPECT_EQ(json["problems"].size(), 1U);
  EXPECT_TRUE(json["warnings"].empty());
}

const config::Host hostx{
    .name = "hostx", .addresses = {net::IpAddress::parse("10.0.0.77").value()}, .services = {}};

TEST_F(RealmReloadTest, an_added_host_is_in_its_file_before_it_is_in_force) {  // OPS-9
  std::filesystem::create_directories(directory);
  file = {test::realm(), {}, {}};
  const auto report = reload->ask({"hostx", {hostx}});
  read();
  EXPECT_EQ(config::load_hosts(added.file()).hosts, HostBook::Hosts{hostx});
  EXPECT_FALSE(added.has("hostx"));
  carry_out();
  EXPECT_EQ(report->result, Result::reloaded);
  EXPECT_TRUE(added.has("hostx"));
  EXPECT_EQ(realm->realm.hosts.back(), hostx);
  EXPECT_EQ(of(test::realm())->result, Result::unchanged) << "a reload keeps it";

  const auto removal = reload->ask({"hostx", {}});
  read();
  for (const std::size_t worker : {0, 1}) workers.events(worker).clear();
  carry_out();
  EXPECT_EQ(removal->result, Result::reloaded);
  EXPECT_TRUE(config::load_hosts(added.file()).hosts.empty());
}

TEST_F(RealmReloadTest, adding_a_host_does_not_take_a_changed_realm_file_into_force) {  // OPS-9
  std::filesystem::create_directories(directory);
  file = {with_hold(5s), {}, {}};
  const auto report = reload->ask({"hostx", {hostx}});
  read();
  EXPECT_EQ(report->result, Result::mistakes);
  EXPECT_THAT(report->problems, SizeIs(1));
  EXPECT_FALSE(std::filesystem::exists(added.file()));
  EXPECT_FALSE(added.has("hostx"));
}

TEST_F(RealmReloadTest, a_host_that_cannot_be_kept_is_not_added) {  // OPS-9
  file = {test::realm(), {}, {}};
  const auto report = reload->ask({"hostx", {hostx}});  // there is no such directory
  read();
  EXPECT_EQ(report->result, Result::mistakes);
  EXPECT_THAT(report->problems, SizeIs(1));
  EXPECT_FALSE(added.has("hostx"));
  EXPECT_EQ(realm->realm.hosts, test::realm().hosts);
}

}  // namespace
}  // namespace rgw::control
