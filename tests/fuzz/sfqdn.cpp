// Names that strangers ask for: the grammar and the directory of hosts hold for any bytes.
#include "realmgw/pool/sfqdn.hpp"

#include "realmgw/pool/host_names.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace {

using rgw::HostId;
using rgw::net::Protocol;
using rgw::net::Service;
using rgw::pool::HostNames;
using rgw::pool::NameMatch;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

const HostNames& hosts() {
  static const HostNames names = [] {
    HostNames made;
    require(made.add({HostId{1}, "hosta", {}, std::nullopt, true}));
    require(made.add({HostId{2}, "b", {}, std::vector<Service>{{Protocol::tcp, 22}}, false}));
    require(made.add({HostId{3}, "printer.lab", {}, std::nullopt, false}));
    return made;
  }();
  return names;
}

void check(const NameMatch& match) {
  using Kind = NameMatch::Kind;
  const bool has_host = match.kind != Kind::none && match.kind != Kind::empty_non_terminal;
  require(has_host == (match.host != nullptr));
  if (match.kind == Kind::service || match.kind == Kind::srv) require(match.host->accepts(match.service));
  if (match.kind == Kind::srv) require(match.service.port != 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};

  // A label that means a service is, but for case, the label of that service.
  if (const auto service = rgw::pool::parse_service_label(text)) {
    const auto label = rgw::pool::service_label(*service);
    require(label.size() == text.size() && rgw::pool::parse_service_label(label) == service);
  }

  check(hosts().find(text));

  // The same bytes as wire labels: a length, then so many bytes.
  std::vector<std::string_view> labels;
  for (std::size_t at = 0; at < size;) {
    const std::size_t length = data[at++];
    labels.push_back(text.substr(at, length));
    at += length;
  }
  check(hosts().find(labels));
  if (labels.size() >= 2) {
    if (const auto service = rgw::pool::parse_srv_labels(labels[0], labels[1])) require(service->port != 0);
  }
  return 0;
}
