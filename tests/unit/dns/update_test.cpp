// Updates (DNS-6, RFC 2136):
//   - the form of a message; the zone; prerequisites of each kind; permission; the form of updates; in this
//   order
//   - adding, replacing and removing, all or nothing
//   - the messages of Kea and dhcpd
#include "realmgw/dns/update.hpp"

#include <map>

#include "update_support.hpp"
#include <gtest/gtest.h>

namespace rgw::dns {
namespace {

using test::a;
using test::update;
using test::UpdateBuilder;

const std::string address = a({10, 0, 0, 7}), other_address = a({10, 0, 0, 8});
const std::string dhcid = a({0, 2, 1, 1, 2, 3}), other_dhcid = a({0, 2, 1, 9, 9, 9});
constexpr auto hosta = "hosta.foo.";

class Names final : public UpdateGround {
 public:
  bool is_zone(const Name& name) const override { return name.to_string() == "foo."; }
  std::vector<HeldRecord> at(const Name& name) const override {
    const auto found = held.find(name.to_string());
    return found == held.end() ? std::vector<HeldRecord>{} : found->second;
  }
  bool may_change(const Name& name) const override { return name.to_string() != "fixed.foo."; }
  bool may_stand(const Name&, std::span<const HeldRecord> records) const override {
    return records.size() < 4;
  }

  std::map<std::string, std::vector<HeldRecord>> held;
};

class Update : public testing::Test {
 protected:
  Rcode run(const UpdateBuilder& message) {
    const auto read = read_update(message.bytes());
    if (!read) return Rcode::formerr;
    const auto updated = carry_out(*read, names);
    by_prerequisite = updated.prerequisite;
    EXPECT_TRUE(updated.rcode == Rcode::noerror || updated.changes.empty());
    for (const auto& [name, records] : updated.changes) {
      if (records.empty())
        names.held.erase(name.to_string());
      else
        names.held[name.to_string()] = records;
    }
    return updated.rcode;
  }
  std::vector<HeldRecord> at(const char* name = hosta) { return names.at(Name::from_text(name).value()); }

  Names names;
  bool by_prerequisite = false;
};

TEST_F(Update, a_message_names_one_zone_by_its_soa) {  // RFC 2136 section 3.1.1
  EXPECT_EQ(run(update("foo.").zones(0)), Rcode::formerr);
  EXPECT_EQ(run(update("foo.").zone_type(RrType::a)), Rcode::formerr);
  EXPECT_EQ(run(update("foo.")), Rcode::noerror);
  EXPECT_EQ(run(update("bar.")), Rcode::notauth);
  EXPECT_EQ(run(update("hosta.foo.")), Rcode::notauth);
  EXPECT_EQ(run(update("foo.").zone_class(3)), Rcode::notauth);
}

TEST_F(Update, a_cut_message_is_malformed_wherever_it_ends) {
  const auto whole = update("foo.")
                         .prerequisite(hosta, RrType::any, class_none)
                         .add(hosta, RrType::ptr, 1, test::wire("x.foo."))
                         .bytes();
  ASSERT_TRUE(read_update(whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(read_update(std::span{whole}.first(size))) << size;
}

TEST_F(Update, prerequisites_say_what_is_there_and_what_is_not) {  // RFC 2136 section 3.2
  const auto with = [](auto&&... arguments) { return update("foo.").prerequisite(arguments...); };
  EXPECT_EQ(run(with(hosta, RrType::any, class_none)), Rcode::noerror);
  EXPECT_EQ(run(with(hosta, RrType::any, class_any)), Rcode::nxdomain);
  EXPECT_EQ(run(with(hosta, RrType::a, class_any)), Rcode::nxrrset);
  EXPECT_TRUE(by_prerequisite);
  names.held[hosta] = {{RrType::a, 300, address}};
  EXPECT_EQ(run(with(hosta, RrType::any, class_none)), Rcode::yxdomain);
  EXPECT_EQ(run(with(hosta, RrType::any, class_any)), Rcode::noerror);
  EXPECT_EQ(run(with(hosta, RrType::a, class_none)), Rcode::yxrrset);
  EXPECT_EQ(run(with(hosta, RrType::aaaa, class_none)), Rcode::noerror);
  EXPECT_EQ(run(with(hosta, RrType::a, class_any)), Rcode::noerror);
  EXPECT_EQ(run(with("HOSTA.foo.", RrType::a, class_in, address)), Rcode::noerror);
  EXPECT_EQ(run(with(hosta, RrType::a, class_in, other_address)), Rcode::nxrrset);
}

TEST_F(Update, a_set_is_compared_whole) {  // RFC 2136 section 3.2.5
  names.held[hosta] = {{RrType::dhcid, 300, dhcid}, {RrType::dhcid, 300, other_dhcid}};
  EXPECT_EQ(run(update("foo.").prerequisite(hosta, RrType::dhcid, class_in, dhcid)), Rcode::nxrrset);
  EXPECT_EQ(run(update("foo.")
                    .prerequisite(hosta, RrType::dhcid, class_in, other_dhcid)
                    .prerequisite(hosta, RrType::dhcid, class_in, dhcid)),
            Rcode::noerror);
}

TEST_F(Update, a_malformed_prerequisite_is_no_prerequisite) {  // RFC 2136 section 3.2
  EXPECT_EQ(run(update("foo.").prerequisite(hosta, RrType::any, class_none, {}, 1)), Rcode::formerr);
  EXPECT_EQ(run(update("foo.").prerequisite(hosta, RrType::a, class_none, address)), Rcode::formerr);
  EXPECT_EQ(run(update("foo.").prerequisite(hosta, RrType::any, class_in)), Rcode::formerr);
  EXPECT_EQ(run(update("foo.").prerequisite(hosta, RrType::a, 3, address)), Rcode::formerr);
  EXPECT_EQ(run(update("foo.").prerequisite("hosta.bar.", RrType::any, class_none)), Rcode::notzone);
  EXPECT_FALSE(by_prerequisite);
}

TEST_F(Update, prerequisites_come_before_permission_and_that_before_form) {  // RFC 2136 sections 3.2 to 3.4.1
  EXPECT_EQ(
      run(update("foo.").prerequisite(hosta, RrType::a, class_any).add("fixed.foo.", RrType::a, 1, address)),
      Rcode::nxrrset);
  EXPECT_EQ(
      run(update("foo.").add("fixed.foo.", RrType::a, 1, address).update(hosta, RrType::a, class_any, 5)),
      Rcode::refused);
  EXPECT_EQ(run(update("foo.").add(hosta, RrType::a, 1, address).update(hosta, RrType::a, class_any, 5)),
            Rcode::formerr);
  EXPECT_TRUE(at().empty());
}

TEST_F(Update, malformed_updates_change_nothing) {  // RFC 2136 section 3.4.1
  EXPECT_EQ(run(update("foo.").add("hosta.bar.", RrType::a, 1, address)), Rcode::notzone);
  EXPECT_EQ(run(update("foo.").add(hosta, RrType::any, 1, {})), Rcode::formerr);
  EXPECT_EQ(run(update("foo.").add(hosta, RrType::axfr, 1, {})), Rcode::formerr);
  EXPECT_EQ(run(update("foo.").add(hosta, RrType::a, 1, "abc")), Rcode::formerr);
  EXPECT_EQ(run(update("foo.").add(hosta, RrType::aaaa, 1, address)), Rcode::formerr);
  EXPECT_EQ(run(update("foo.").add(hosta, RrType::ptr, 1, {})), Rcode::formerr);
  EXPECT_EQ(run(update("foo.").add(hosta, RrType::dhcid, 1, "abc")), Rcode::formerr);
  EXPECT_EQ(run(update("foo.").update(hosta, RrType::a, class_any, 0, address)), Rcode::formerr);
  EXPECT_EQ(run(update("foo.").update(hosta, RrType::any, class_none)), Rcode::formerr);
  EXPECT_EQ(run(update("foo.").update(hosta, RrType::a, 3)), Rcode::formerr);
}

TEST_F(Update, only_what_makes_a_host_is_taken) {  // DNS-6
  for (const RrType type : {RrType::txt, RrType::cname, RrType::ns, RrType::soa, RrType::mx, RrType::srv})
    EXPECT_EQ(run(update("foo.").add(hosta, RrType::a, 1, address).add(hosta, type, 1, test::wire("x."))),
              Rcode::refused);
  EXPECT_TRUE(at().empty());
}

TEST_F(Update, an_address_is_added_replaced_and_removed) {  // RFC 2136 section 3.4.2
  EXPECT_EQ(run(update("foo.").add(hosta, RrType::a, 300, address)), Rcode::noerror);
  EXPECT_EQ(at(), (std::vector<HeldRecord>{{RrType::a, 300, address}}));
  EXPECT_EQ(run(update("foo.").add(hosta, RrType::a, 60, address)),
            Rcode::noerror);  // the same, with another TTL
  EXPECT_EQ(at(), (std::vector<HeldRecord>{{RrType::a, 60, address}}));
  EXPECT_EQ(run(update("foo.").remove_set(hosta, RrType::a).add("HostA.foo.", RrType::a, 60, other_address)),
            Rcode::noerror);
  EXPECT_EQ(at(), (std::vector<HeldRecord>{{RrType::a, 60, other_address}}));
  EXPECT_EQ(run(update("foo.").remove(hosta, RrType::a, address)), Rcode::noerror);  // is not there
  EXPECT_EQ(at().size(), 1U);
  EXPECT_EQ(run(update("foo.").remove(hosta, RrType::a, other_address)), Rcode::noerror);
  EXPECT_TRUE(at().empty());
}

TEST_F(Update, all_or_nothing) {  // RFC 2136 section 3.7
  auto message = update("foo.");
  for (int i = 1; i < 6; ++i) message.add(hosta, RrType::dhcid, 1, a({0, 2, 1, i}));
  EXPECT_EQ(run(message.add("hostb.foo.", RrType::a, 1, address)), Rcode::refused);
  EXPECT_TRUE(names.held.empty());
}

TEST_F(Update, a_ttl_is_bounded) {  // RFC 2181 section 8
  EXPECT_EQ(run(update("foo.").add(hosta, RrType::a, 0x80000000U, address)), Rcode::noerror);
  EXPECT_EQ(at()[0].ttl, 0U);
  EXPECT_EQ(run(update("foo.").add(hosta, RrType::a, 0x7fffffffU, address)), Rcode::noerror);
  EXPECT_EQ(at()[0].ttl, 604'800U);
}

TEST_F(Update, a_lease_comes_moves_and_goes_as_kea_and_dhcpd_say_it) {  // DNS-6, RFC 4703 section 5.3
  const auto fresh = [&](const std::string& where, const std::string& whose) {
    return run(update("foo.")
                   .prerequisite(hosta, RrType::any, class_none)
                   .add(hosta, RrType::a, 300, where)
                   .add(hosta, RrType::dhcid, 300, whose));
  };
  const auto again = [&](const std::string& where, const std::string& whose) {
    return run(update("foo.")
                   .prerequisite(hosta, RrType::any, class_any)
                   .prerequisite(hosta, RrType::dhcid, class_in, whose)
                   .remove_set(hosta, RrType::a)
                   .add(hosta, RrType::a, 300, where));
  };
  EXPECT_EQ(fresh(address, dhcid), Rcode::noerror);
  EXPECT_EQ(fresh(other_address, dhcid), Rcode::yxdomain);
  EXPECT_EQ(again(other_address, dhcid), Rcode::noerror);
  EXPECT_EQ(again(address, other_dhcid), Rcode::nxrrset);  // somebody else's name
  EXPECT_EQ(at().size(), 2U);
  EXPECT_EQ(run(update("foo.")
                    .prerequisite(hosta, RrType::dhcid, class_in, dhcid)
                    .remove(hosta, RrType::a, other_address)),
            Rcode::noerror);
  EXPECT_EQ(at(), (std::vector<HeldRecord>{{RrType::dhcid, 300, dhcid}}));
  const auto rest = update("foo.")
                        .prerequisite(hosta, RrType::dhcid, class_in, dhcid)
                        .prerequisite(hosta, RrType::a, class_none)
                        .prerequisite(hosta, RrType::aaaa, class_none)
                        .update(hosta, RrType::any, class_any);
  EXPECT_EQ(run(rest), Rcode::noerror);
  EXPECT_TRUE(names.held.empty());
  EXPECT_EQ(run(rest), Rcode::nxrrset);
}

}  // namespace
}  // namespace rgw::dns
