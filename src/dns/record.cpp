#include "record.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "compressible.hpp"
#include <ldns/ldns.h>

namespace rgw::dns {
namespace {

struct Free {
  void operator()(ldns_rr* record) const { ldns_rr_free(record); }
  void operator()(ldns_rdf* data) const { ldns_rdf_deep_free(data); }
};
using RrPtr = std::unique_ptr<ldns_rr, Free>;
using RdfPtr = std::unique_ptr<ldns_rdf, Free>;

RdfPtr to_ldns(const Name& name) {
  return RdfPtr{ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, name.size(), name.wire().data())};
}

/// The number in a field of fixed size; nothing in fields of other kinds.
std::optional<std::uint32_t> number_in(const ldns_rdf* field) {
  switch (ldns_rdf_get_type(field)) {
    case LDNS_RDF_TYPE_INT8:
      return ldns_rdf2native_int8(field);
    case LDNS_RDF_TYPE_INT16:
      return ldns_rdf2native_int16(field);
    default:
      return std::nullopt;
  }
}

/// ldns takes 70000 for a port and keeps the lower 16 bits. So the leading numbers must read back as they
/// were written.
void check_numbers(const ldns_rr* record, std::string_view data) {
  if (data.starts_with("\\#")) return;  // RFC 3597: bytes, not fields
  for (std::size_t i = 0; i < ldns_rr_rd_count(record); ++i) {
    const auto value = number_in(ldns_rr_rdf(record, i));
    if (!value) return;
    data.remove_prefix(std::min(data.find_first_not_of(" \t("), data.size()));
    const auto token = data.substr(0, data.find_first_of(" \t()"));
    data.remove_prefix(token.size());
    const auto zeros = std::min(token.find_first_not_of('0'), token.size() - 1);
    if (token.empty() || token.substr(zeros) != std::to_string(*value)) {
      throw std::invalid_argument("\"" + std::string{token} + "\" is out of range");
    }
  }
}

void put32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void put_name(Rdata& rdata, const Name& name) {
  rdata.names.add(rdata.bytes.size());
  rdata.bytes.insert(rdata.bytes.end(), name.wire().begin(), name.wire().end());
}

Rdata wire_form(const ldns_rr* record, RrType type) {
  Rdata rdata;
  for (std::size_t i = 0; i < ldns_rr_rd_count(record); ++i) {
    const ldns_rdf* field = ldns_rr_rdf(record, i);
    const std::span bytes{ldns_rdf_data(field), ldns_rdf_size(field)};
    if (ldns_rdf_get_type(field) == LDNS_RDF_TYPE_DNAME && compressible(type)) {
      rdata.names.add(rdata.bytes.size());
    }
    rdata.bytes.insert(rdata.bytes.end(), bytes.begin(), bytes.end());
  }
  return rdata;
}

}  // namespace

WireRecord parse_record(const Name& owner, std::uint32_t ttl, const std::string& type,
                        const std::string& data, const Name& origin) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; };
  if (std::ranges::any_of(type, is_control) || std::ranges::any_of(data, is_control)) {
    throw std::invalid_argument("a line break or control character");
  }
  if (std::ranges::count(data, '"') % 2 != 0 && data.find("\\\"") == std::string::npos) {
    throw std::invalid_argument("a quotation mark without its pair");
  }
  const ldns_rr_type number = ldns_get_rr_type_by_name(type.c_str());
  if (number == 0) throw std::invalid_argument("unknown type \"" + type + "\"");

  const std::string line = owner.to_string() + " " + std::to_string(ttl) + " IN " + type + " " + data;
  const RdfPtr ldns_origin = to_ldns(origin);
  ldns_rr* raw = nullptr;
  const ldns_status status = ldns_rr_new_frm_str(&raw, line.c_str(), ttl, ldns_origin.get(), nullptr);
  const RrPtr record{raw};
  if (status != LDNS_STATUS_OK) throw std::invalid_argument(ldns_get_errorstr_by_id(status));
  check_numbers(record.get(), data);

  WireRecord result{owner, static_cast<RrType>(number), ttl, {}};
  result.rdata = wire_form(record.get(), result.type);
  if (result.rdata.bytes.size() > UINT16_MAX) throw std::invalid_argument("more than 65535 bytes of data");
  return result;
}

Rdata soa_rdata(const Name& primary, const Name& contact, std::uint32_t serial, std::uint32_t minimum,
                std::uint32_t refresh) {
  Rdata rdata;
  put_name(rdata, primary);
  put_name(rdata, contact);
  for (const std::uint32_t value : {serial, refresh, std::min(7200U, refresh / 3), 3600000U, minimum})
    put32(rdata.bytes, value);
  return rdata;
}

Rdata name_rdata(const Name& name) {
  Rdata rdata;
  put_name(rdata, name);
  return rdata;
}

Name target_of(RrType type, const Rdata& rdata) {
  std::size_t at = type == RrType::srv ? 6 : type == RrType::mx ? 2 : 0;
  return Name::from_wire(rdata.bytes, at).value_or(Name{});
}

}  // namespace rgw::dns
