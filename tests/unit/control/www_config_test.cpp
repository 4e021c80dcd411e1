// nginx's configuration of the realm in force (WEB-1): which hosts it names and where they are reached, when
// it is written, and what tells nginx's unit.
#include "realmgw/control/www_config.hpp"

#include "realmgw/config/host_file.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <unistd.h>

#include "unit/control/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using testing::HasSubstr;
using testing::Not;

class WwwConfig : public testing::Test {
 protected:
  WwwConfig() {
    std::filesystem::create_directories(directory);
    realm.www = {config::Www::Proxy::nginx, directory.string()};
    realm.dns.proxy = {test::ip("198.51.100.1")};
    realm.hosts.at(0).www = true;
  }
  ~WwwConfig() override { std::filesystem::remove_all(directory); }

  [[nodiscard]] std::string written() const {
    std::ifstream stream{directory / "www.conf"};
    return {std::istreambuf_iterator<char>{stream}, {}};
  }
  /// Has the unit been told since it was asked last?
  [[nodiscard]] bool told() const { return std::filesystem::remove(directory / "www.changed"); }

  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("www_config_test." + std::to_string(getpid()));
  config::Realm realm = test::realm();
};

TEST_F(WwwConfig, names_the_hosts_that_have_a_web_name) {
  EXPECT_THAT(www_config(realm), HasSubstr("    www.hosta.foo 10.0.0.42:80;\n"));
  EXPECT_THAT(www_config(realm), Not(HasSubstr("hostb")));
}

TEST_F(WwwConfig, serves_every_name_that_a_realm_file_takes) {
  const std::string label(63, 'x');
  for (const auto& name : {std::string{"HostA"}, std::string{"a-b.c0.d"}, std::string{"0"},
                           label + "." + label, std::string{"xn--bcher-kva"}, std::string{"a--b"}}) {
    const auto read = config::host_of({.name = name, .addresses = {"10.0.0.77"}, .www = true});
    ASSERT_TRUE(read.problems.empty()) << name;
    realm.hosts = read.hosts;
    EXPECT_THAT(www_config(realm), HasSubstr("www." + read.hosts[0].name + ".foo 10.0.0.77:80;"));
  }
}

TEST_F(WwwConfig, reaches_a_host_by_a_family_that_an_inside_port_has) {
  realm.hosts[0].addresses = {test::ip("fd00:10::42"), test::ip("10.0.0.42")};
  EXPECT_THAT(www_config(realm), HasSubstr("www.hosta.foo [fd00:10::42]:443;"));
  for (auto& port : realm.ports)
    std::erase_if(port.addresses, [](const auto& own) { return own.address.is_v6(); });
  EXPECT_THAT(www_config(realm), HasSubstr("www.hosta.foo 10.0.0.42:443;"));
}

TEST_F(WwwConfig, is_written_and_told_when_it_changes_alone) {
  write_www_config(realm);
  EXPECT_EQ(written(), www_config(realm));
  EXPECT_TRUE(told());
  realm.hosts.at(1).addresses = {test::ip("10.0.0.99")};  // it has no web name
  write_www_config(realm);
  EXPECT_FALSE(told());
  realm.hosts.at(1).www = true;
  write_www_config(realm);
  EXPECT_THAT(written(), HasSubstr("www.hostb.foo 10.0.0.99:80;"));
  EXPECT_TRUE(told());
}

TEST_F(WwwConfig, serves_nothing_once_the_realm_has_no_proxy_and_is_not_made_for_one_without) {
  realm.www.proxy = config::Www::Proxy::none;
  write_www_config(realm);
  EXPECT_FALSE(std::filesystem::exists(directory / "www.conf"));
  realm.www.proxy = config::Www::Proxy::nginx;
  write_www_config(realm);
  realm.www.proxy = config::Www::Proxy::none;
  write_www_config(realm);
  EXPECT_THAT(written(), Not(HasSubstr("listen")));
  EXPECT_TRUE(told());
}

TEST_F(WwwConfig, says_what_cannot_be_written_and_is_whole_after_another_attempt) {
  realm.www.directory = (directory / "missing").string();
  EXPECT_THROW(write_www_config(realm), std::system_error);
  realm.www.directory = directory.string();
  std::filesystem::create_directory(directory / "www.changed.next");
  EXPECT_THROW(write_www_config(realm), std::system_error);
  std::filesystem::remove(directory / "www.changed.next");
  write_www_config(realm);
  EXPECT_TRUE(told()) << "or nobody would ever take the file";
}

}  // namespace
}  // namespace rgw::control
