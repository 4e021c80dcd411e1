// dns.keys, dns.updates: who may change names by signed messages (DNS-6).
#pragma once

#include "realmgw/config/realm.hpp"

#include <string_view>
#include <vector>

#include "tables.hpp"
#include "value.hpp"

namespace rgw::config {

bool read_dns_keys(const Value& value, std::vector<DnsKey>& out);
bool read_update_rights(const Value& value, std::vector<UpdateRight>& out);
/// Shows the tables of keys below both.
void show_dns_keys(Tables& tables);

/// The secret in the text of a key's file: base64 alone, or the statement that `tsig-keygen` writes, whose
/// name and algorithm must be the key's. False where it is none; then `problem` says why.
bool read_secret(std::string_view text, DnsKey& key, std::string& problem);

}  // namespace rgw::config
