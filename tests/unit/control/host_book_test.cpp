// Hosts that are added at run time (OPS-9): their file, the words that ask for them, and what a realm file
// that does not suit them does.
#include "realmgw/config/host_file.hpp"
#include "realmgw/control/host_commands.hpp"
#include "realmgw/control/realm_names.hpp"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "unit/control/support.hpp"
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

config::Host host(const std::string& name, const char* address) {
  return {.name = name, .addresses = {net::IpAddress::parse(address).value()}, .services = {}};
}

class HostBookTest : public testing::Test {
 protected:
  HostBookTest() { std::filesystem::create_directories(directory); }
  ~HostBookTest() override { std::filesystem::remove_all(directory); }

  /// What the words ask for; "" where that is good.
  std::string mistake(std::vector<std::string_view> words) {
    const auto after = std::span{words}.subspan(1);
    change = words.front() == "add" ? host_to_add(after, realm, book, dynamic)
                                    : host_to_remove(after, realm, book, dynamic);
    const auto* wrong = std::get_if<std::string>(&change);
    return wrong == nullptr ? "" : *wrong;
  }

  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("host_book_test." + std::to_string(getpid()));
  std::filesystem::path file = directory / "hosts.yaml";
  config::Realm realm = test::realm();
  HostBook book{file, {}};
  pool::HostNames names = make_host_names(realm);
  DynamicHosts dynamic{names, nullptr, {}};
  AskedHostChange change;
};

TEST_F(HostBookTest, the_file_is_replaced_whole_and_only_owner_and_group_read_it) {
  HostBook::write(file, {host("one", "10.0.0.77")});
  HostBook::write(file, {host("two", "10.0.0.78")});
  EXPECT_EQ(config::load_hosts(file).hosts, HostBook::Hosts{host("two", "10.0.0.78")});
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U & ~umask(0), 0640U & ~umask(0));
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{directory}) ++files;
  EXPECT_EQ(files, 1U) << "nothing is left beside it";
}

TEST_F(HostBookTest, what_cannot_be_written_is_told_and_leaves_the_former_file) {
  HostBook::write(file, {host("one", "10.0.0.77")});
  std::filesystem::create_directory(file.string() + ".next");
  EXPECT_THROW(HostBook::write(file, {}), std::system_error);
  EXPECT_EQ(config::load_hosts(file).hosts.size(), 1U);
  EXPECT_THROW(HostBook::write(directory / "missing" / "hosts.yaml", {}), std::system_error);
}

TEST_F(HostBookTest, words_add_a_host_and_remove_it) {
  EXPECT_EQ(mistake({"add", "hostx", "10.0.0.77", "services", "tcp22,udp5060", "no-alg"}), "");
  const auto added = std::get<RealmReload::HostChange>(change);
  EXPECT_EQ(added.name, "hostx");
  ASSERT_EQ(added.hosts.size(), 1U);
  EXPECT_EQ(added.hosts[0].services->size(), 2U);
  EXPECT_FALSE(added.hosts[0].alg);
  EXPECT_FALSE(added.hosts[0].www);
  book.replace(added.hosts);
  realm.hosts.push_back(added.hosts[0]);
  EXPECT_EQ(mistake({"add", "hostx", "10.0.0.78"}), "hostx is there already: remove it first");
  EXPECT_EQ(mistake({"remove", "hostx"}), "");
  EXPECT_TRUE(std::get<RealmReload::HostChange>(change).hosts.empty());
}

TEST_F(HostBookTest, words_that_cannot_be_done_are_answered) {
  const std::string in_file = realm.hosts.front().name;
  EXPECT_EQ(mistake({"remove", in_file}), in_file + " is a host of the realm file: remove it there");
  EXPECT_EQ(mistake({"add", in_file, "10.0.0.77"}), in_file + " is a host of the realm file");
  EXPECT_EQ(mistake({"remove", "nobody"}), "nobody is no host of the realm");
  EXPECT_EQ(mistake({"add", "hostx"}), "host add takes a name and an address or two");
  EXPECT_EQ(mistake({"remove"}), "host remove takes a name");
  EXPECT_EQ(mistake({"add", "hostx", "10.0.0.77", "proxy-protocol"}),
            "proxy-protocol is for a host with a web name (www)");
  EXPECT_EQ(mistake({"add", "hostx", "10.0.0.77", "www", "proxy-protocol"}), "");
  EXPECT_TRUE(std::get<RealmReload::HostChange>(change).hosts.at(0).proxy_protocol);
  EXPECT_NE(mistake({"add", "hostx", "10.0.0"}).find("hosts.hostx.addresses"), std::string::npos);
  book = HostBook{{}, {}};
  EXPECT_EQ(mistake({"add", "hostx", "10.0.0.77"}), "this gateway has no state directory to keep hosts in");
}

TEST_F(HostBookTest, hosts_that_do_not_suit_a_changed_file_are_left_out_with_a_warning) {
  const LoadRealm load = [&](const HostBook::Hosts& added) {
    config::LoadResult result;
    if (added.empty()) {
      result.realm = realm;
    } else {
      result.problems.push_back({"campus.yaml", 0, 0, "hosts.hostx", "is outside"});
    }
    return result;
  };
  const auto lenient = load_with_added(load, {host("hostx", "10.0.0.77")});
  ASSERT_TRUE(lenient.realm);
  ASSERT_EQ(lenient.warnings.size(), 1U);
  EXPECT_EQ(lenient.warnings[0].to_string(),
            "campus.yaml: hosts.hostx: is outside; the hosts that were added are left out");
  const LoadRealm wrong = [](const HostBook::Hosts&) {
    config::LoadResult result;
    result.problems.push_back({"campus.yaml", 1, 1, "realm", "is missing"});
    return result;
  };
  EXPECT_EQ(load_with_added(wrong, {host("hostx", "10.0.0.77")}).problems.size(), 1U);
}

}  // namespace
}  // namespace rgw::control
