#include "unit/dns/support.hpp"

#include <algorithm>
#include <memory>

#include <gtest/gtest.h>
#include <ldns/ldns.h>

namespace rgw::dns::test {
namespace {

void put16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put(Bytes& out, std::span<const std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

std::string text_of(const ldns_rr* record) {
  char* raw = ldns_rr2str(record);
  std::string text{raw};
  std::free(raw);
  // "name<TAB>ttl<TAB>IN<TAB>type<TAB>data\n"; a question has no TTL and no data.
  std::ranges::replace(text, '\t', ' ');
  if (const auto at = text.find(" IN "); at != std::string::npos) text.erase(at, 3);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::vector<std::string> texts_of(const ldns_rr_list* list) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(list); ++i) {
    texts.push_back(text_of(ldns_rr_list_rr(list, i)));
  }
  return texts;
}

std::map<unsigned, std::string> options_of(const ldns_rdf* edns_data) {
  std::map<unsigned, std::string> options;
  if (edns_data == nullptr) return options;
  const std::span bytes{ldns_rdf_data(edns_data), ldns_rdf_size(edns_data)};
  for (std::size_t at = 0; at + 4 <= bytes.size();) {
    const unsigned code = bytes[at] << 8 | bytes[at + 1];
    const std::size_t length = bytes[at + 2] << 8 | bytes[at + 3];
    options[code] = {reinterpret_cast<const char*>(bytes.data()) + at + 4, length};
    at += 4 + length;
  }
  return options;
}

std::string lower(std::string_view text) {
  std::string result{text};
  for (auto& c : result) c = static_cast<char>(to_lower(static_cast<std::uint8_t>(c)));
  return result;
}

}  // namespace

QueryBuilder& QueryBuilder::type(RrType type) {
  type_ = type;
  return *this;
}
QueryBuilder& QueryBuilder::klass(std::uint16_t klass) {
  klass_ = klass;
  return *this;
}
QueryBuilder& QueryBuilder::id(std::uint16_t id) {
  id_ = id;
  return *this;
}
QueryBuilder& QueryBuilder::flags(std::uint16_t flags) {
  flags_ = flags;
  return *this;
}
QueryBuilder& QueryBuilder::questions(std::uint16_t count) {
  questions_ = count;
  return *this;
}
QueryBuilder& QueryBuilder::edns(std::uint16_t size, std::uint8_t version, bool dnssec_ok) {
  opt_ = Bytes{0, 0, 41};
  put16(*opt_, size);
  opt_->push_back(0);
  opt_->push_back(version);
  put16(*opt_, dnssec_ok ? 0x8000 : 0);
  return *this;
}
QueryBuilder& QueryBuilder::option(std::uint16_t code, std::string_view data) {
  put16(options_, code);
  put16(options_, data.size());
  options_.insert(options_.end(), data.begin(), data.end());
  return *this;
}
QueryBuilder& QueryBuilder::tail(const Bytes& bytes) {
  put(tail_, bytes);
  return *this;
}
QueryBuilder& QueryBuilder::extra_additional(std::uint16_t count) {
  extra_ = count;
  return *this;
}

Bytes QueryBuilder::bytes() const {
  Bytes out;
  put16(out, id_);
  put16(out, flags_);
  put16(out, questions_);
  put16(out, 0);
  put16(out, 0);
  put16(out, (opt_ ? 1U : 0U) + extra_);
  if (questions_ > 0) {
    put(out, Name::from_text(name_).value().wire());
    put16(out, static_cast<std::uint16_t>(type_));
    put16(out, klass_);
  }
  if (opt_) {
    put(out, *opt_);
    put16(out, options_.size());
    put(out, options_);
  }
  put(out, tail_);
  return out;
}

Answer decode(std::span<const std::uint8_t> bytes) {
  Answer answer;
  ldns_pkt* raw = nullptr;
  const auto status = ldns_wire2pkt(&raw, bytes.data(), bytes.size());
  const std::unique_ptr<ldns_pkt, decltype(&ldns_pkt_free)> packet{raw, ldns_pkt_free};
  EXPECT_EQ(status, LDNS_STATUS_OK) << ldns_get_errorstr_by_id(status);
  if (!packet) return answer;
  answer.size = bytes.size();
  answer.id = ldns_pkt_id(raw);
  answer.opcode = ldns_pkt_get_opcode(raw);
  answer.qr = ldns_pkt_qr(raw);
  answer.aa = ldns_pkt_aa(raw);
  answer.tc = ldns_pkt_tc(raw);
  answer.rd = ldns_pkt_rd(raw);
  answer.ra = ldns_pkt_ra(raw);
  answer.ad = ldns_pkt_ad(raw);
  answer.cd = ldns_pkt_cd(raw);
  answer.question = texts_of(ldns_pkt_question(raw));
  answer.answer = texts_of(ldns_pkt_answer(raw));
  answer.authority = texts_of(ldns_pkt_authority(raw));
  answer.additional = texts_of(ldns_pkt_additional(raw));
  answer.has_opt = ldns_pkt_edns(raw);
  answer.dnssec_ok = ldns_pkt_edns_do(raw);
  answer.edns_version = ldns_pkt_edns_version(raw);
  answer.udp_size = ldns_pkt_edns_udp_size(raw);
  answer.rcode = ldns_pkt_get_rcode(raw) | static_cast<unsigned>(ldns_pkt_edns_extended_rcode(raw)) << 4;
  answer.options = options_of(ldns_pkt_edns_data(raw));
  return answer;
}

Found FakeHosts::find(std::span<const std::string_view> labels, RrType type, View view) {
  const std::string host = lower(labels.back());
  const std::string below = labels.size() == 2   ? lower(labels[0])
                            : labels.size() == 3 ? lower(labels[0]) + "." + lower(labels[1])
                                                 : "";
  if (host == "mirror") return {Found::Kind::srv, 60, {}, {1, 2, 3, labels}, {}, {}};
  const bool is_a = host == "hosta";
  if ((!is_a && host != "hostb") || labels.size() > 3) return {};
  if (labels.size() > 1 && below == "www" && is_a) {
    addresses_ = {*net::IpAddress::parse("198.51.100.1"), *net::IpAddress::parse("2001:db8:100::1")};
    return {Found::Kind::addresses, 300, addresses_, {}, {}, {}};
  }
  if (below == "_tcp") return {Found::Kind::empty_non_terminal, 0, {}, {}, {}, {}};
  if (below == "_ssh._tcp") {
    target_ = {"tcp22", is_a ? "hosta" : "hostb"};
    return {Found::Kind::srv, 60, {}, {0, 5, 22, target_}, {}, {}};
  }
  net::Service service;
  if (labels.size() == 2) {
    if (below == "tcp22") {
      service = {net::Protocol::tcp, 22};
    } else if (below == "udp53" && is_a) {
      service = {net::Protocol::udp, 53};
    } else {
      return {};
    }
  } else if (labels.size() == 3) {
    return {};
  }
  if (view == View::inside) {
    addresses_ = {*net::IpAddress::parse(is_a ? "10.0.0.42" : "10.0.0.43")};
    if (is_a) addresses_.push_back(*net::IpAddress::parse("fd00:10::42"));
    return {Found::Kind::addresses, 120, addresses_, {}, {}, {}};
  }
  if (!is_a && type == RrType::aaaa) return {Found::Kind::no_data, 0, {}, {}, {}, {}};
  return {Found::Kind::reserve, 0, {}, {}, is_a ? hosta : hostb, service};
}

Reservation FakeHosts::reserve(HostId host, const net::Service& service, net::Family family,
                               const Requester& requester, const Question& question, Instant now) {
  if (challenges && !requester.proven) return Challenged{};
  reserved.push_back({host, service, family, requester, question, now});
  if (reservation) return *reservation;
  return Granted{*net::IpAddress::parse(family == net::Family::v4 ? "198.51.100.10" : "2001:db8:100::10"),
                 false};
}

ZoneSpec foo_spec() {
  ZoneSpec spec;
  spec.name = "foo";
  spec.nameservers = {"ns1.foo"};
  spec.serial = 7;
  spec.dynamic = true;
  spec.records = {
      {"ns1", "A", "198.51.100.1", {}},   {"ns1", "AAAA", "2001:db8:100::1", {}},
      {"@", "MX", "10 mail", {}},         {"mail", "A", "198.51.100.2", {}},
      {"hosta", "TXT", "\"a host\"", {}}, {"alias", "CNAME", "hosta", {}},
      {"deep.down", "TXT", "x", {}},
  };
  return spec;
}

Fixture::Fixture(std::vector<ZoneSpec> specs, ResponderConfig config)
    : client{*net::Endpoint::parse("192.0.2.53:40000"), Transport::udp, View::outside},
      responder{std::move(config), ZoneSet{std::vector<Zone>(specs.begin(), specs.end())}, &hosts, counters} {
}

Outcome Fixture::send(const Bytes& message) {
  return responder.respond(message, client, now, room);
}

Answer Fixture::ask(const QueryBuilder& query) {
  const auto outcome = send(query.bytes());
  const auto* answered = std::get_if<Answered>(&outcome);
  EXPECT_NE(answered, nullptr) << "no answer";
  return answered == nullptr ? Answer{} : decode(answered->bytes);
}

Answer Fixture::ask(std::string_view name, RrType type) {
  return ask(query(name).type(type));
}

}  // namespace rgw::dns::test
