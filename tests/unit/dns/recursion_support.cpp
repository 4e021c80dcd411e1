#include "unit/dns/recursion_support.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <ldns/ldns.h>

namespace rgw::dns::test {
namespace {

void push(ldns_pkt* packet, ldns_pkt_section section, const Lines& lines) {
  for (const auto& line : lines) {
    ldns_rr* record = nullptr;
    const auto status = ldns_rr_new_frm_str(&record, line.c_str(), 0, nullptr, nullptr);
    ASSERT_EQ(status, LDNS_STATUS_OK) << line;
    ldns_pkt_push_rr(packet, section, record);
  }
}

std::string dotted(std::string_view name) {
  return name.ends_with('.') ? std::string{name} : std::string{name} + ".";
}

}  // namespace

Bytes reply(std::string_view name, RrType type, const Scripted& scripted) {
  ldns_pkt* packet = ldns_pkt_query_new(ldns_dname_new_frm_str(dotted(name).c_str()),
                                        static_cast<ldns_rr_type>(type), LDNS_RR_CLASS_IN, LDNS_RD | LDNS_RA);
  ldns_pkt_set_qr(packet, true);
  ldns_pkt_set_ra(packet, true);
  ldns_pkt_set_ad(packet, scripted.ad);
  ldns_pkt_set_rcode(packet, static_cast<std::uint8_t>(scripted.rcode));
  push(packet, LDNS_SECTION_ANSWER, scripted.answer);
  push(packet, LDNS_SECTION_AUTHORITY, scripted.authority);
  std::uint8_t* wire = nullptr;
  std::size_t size = 0;
  EXPECT_EQ(ldns_pkt2wire(&wire, packet, &size), LDNS_STATUS_OK);
  Bytes bytes(wire, wire + size);
  std::free(wire);
  ldns_pkt_free(packet);
  return bytes;
}

Name name_of(std::string_view text) {
  return Name::from_text(text).value();
}

void ScriptedUpstream::ask(FetchId id, std::span<const std::uint8_t> message) {
  const Query query = read_query(message);
  EXPECT_EQ(query.state, Query::State::good);
  EXPECT_TRUE(query.edns.present);
  asked.push_back(
      {id, query.question.name.to_string(), query.question.type, query.flags, query.edns.dnssec_ok});
  const Asked& last = asked.back();
  if (at_once && script_.contains({last.name, last.type})) answer(last.name, last.type);
}

std::optional<UpstreamReply> ScriptedUpstream::take() {
  if (replies_.empty()) return std::nullopt;
  UpstreamReply first = std::move(replies_.front());
  replies_.pop_front();
  return first;
}

void ScriptedUpstream::say(std::string_view name, RrType type, Scripted scripted) {
  script_[{dotted(name), type}] = std::move(scripted);
}

ScriptedUpstream::Asked& ScriptedUpstream::find(std::string_view name, RrType type) {
  const auto found = std::ranges::find_if(asked, [&](const Asked& one) {
    return one.name == dotted(name) && one.type == type && one.id != FetchId{};
  });
  EXPECT_NE(found, asked.end()) << name;
  return *found;
}

void ScriptedUpstream::answer(std::string_view name, RrType type) {
  Asked& one = find(name, type);
  replies_.push_back(
      {one.id, UpstreamReply::Status::answered, reply(name, type, script_.at({dotted(name), type}))});
  one.id = FetchId{};
}

void ScriptedUpstream::fail(std::string_view name, RrType type, UpstreamReply::Status status) {
  Asked& one = find(name, type);
  replies_.push_back({one.id, status, {}});
  one.id = FetchId{};
}

std::vector<std::string> ScriptedUpstream::questions() const {
  std::vector<std::string> texts;
  for (const auto& one : asked)
    texts.push_back(one.name + " " + std::to_string(static_cast<unsigned>(one.type)));
  return texts;
}

RecursorFixture::RecursorFixture(RecursorConfig config, bool dns46)
    : client{net::Endpoint::parse("10.0.0.42:5353").value(), Transport::udp, View::inside},
      cache{{64, 65536, config.serve_stale}, HashSalt{random}},
      proxies{net::Ipv4Address{100, 64, 0, 1}, 6, HashSalt{random}, *this},
      recursor{std::move(config), cache, upstream, dns46 ? &proxies : nullptr, counters} {}

RecursionOutcome RecursorFixture::send(const QueryBuilder& builder) {
  const Bytes message = builder.bytes();
  const Query query = read_query(message);
  EXPECT_EQ(query.state, Query::State::good);
  return recursor.ask(query, client, now, room);
}

Answer RecursorFixture::ask(const QueryBuilder& builder) {
  const auto outcome = send(builder);
  if (const auto* answered = std::get_if<Answered>(&outcome)) return decode(answered->bytes);
  const auto* deferred = std::get_if<Deferred>(&outcome);
  if (deferred == nullptr) {
    ADD_FAILURE() << "silent";
    return {};
  }
  step();
  const auto found = delivered.find(deferred->ticket.value());
  if (found == delivered.end()) {
    ADD_FAILURE() << "no answer came";
    return {};
  }
  return found->second;
}

Answer RecursorFixture::ask(std::string_view name, RrType type) {
  return ask(query(name).type(type).flags(flag::rd));
}

void RecursorFixture::step() {
  recursor.step(now, *this);
}

void RecursorFixture::deliver(RecursionTicket ticket, std::span<const std::uint8_t> answer) {
  EXPECT_TRUE(delivered.emplace(ticket.value(), decode(answer)).second) << "answered twice";
}

RecursorConfig with_dns64(const char* prefix) {
  RecursorConfig config;
  config.dns64.emplace(net::Prefix::parse(prefix).value());
  return config;
}

}  // namespace rgw::dns::test
