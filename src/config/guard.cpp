// guard: what whoever asks from outside must show, and may have (GUARD-1, GUARD-2, GUARD-4, GUARD-6,
// GUARD-7).
#include <array>
#include <charconv>

#include "sections.hpp"

namespace rgw::config {
namespace {

constexpr Choice<Challenge> challenges[] = {
    {"load", Challenge::load}, {"always", Challenge::always}, {"never", Challenge::never}};

// As BIND, Knot and Unbound write it.
bool cookie_secret(const Value& value, SipKey& out) {
  return parsed(value, out, "a cookie secret of 32 hexadecimal digits",
                [](std::string_view text) -> std::optional<SipKey> {
                  if (text.starts_with("0x")) text.remove_prefix(2);
                  SipKey key{};
                  if (text.size() != 2 * key.size()) return std::nullopt;
                  for (std::size_t i = 0; i < key.size(); ++i) {
                    const char* const digits = text.data() + 2 * i;
                    if (std::from_chars(digits, digits + 2, key[i], 16).ptr != digits + 2)
                      return std::nullopt;
                  }
                  return key;
                });
}

// What differs is nobody's business who reads a log.
Differing secrets_differ(const Guard& from, const Guard& to) {
  return from.cookie_secrets == to.cookie_secrets ? std::nullopt : Differing{""};
}

// Where everybody were trusted, everybody could bind a claim to a prefix of his choice.
bool resolver(const Value& value, net::Prefix& out) {
  if (!prefix(value, out)) return false;
  return out.length() > 0 || value.problem("everybody would be a trusted resolver");
}

constexpr Key<Guard> keys[] = {
    key<&Guard::challenge, one_of<challenges>>("challenge", Change::now),
    key<&Guard::proven_pending, count<std::uint32_t, 1, 65'535>>("proven_pending", Change::now),
    key<&Guard::unproven_pending, count<std::uint32_t, 1, 65'535>>("unproven_pending", Change::now),
    key<&Guard::host_pending, count<std::uint32_t, 1, 65'535>>("host_pending", Change::now),
    key<&Guard::balance, boolean>("balance", Change::now),
    key<&Guard::alias, boolean>("alias", Change::now),
    key<&Guard::query_rate, count<std::uint32_t, 0, 10'000'000>>("query_rate", Change::now),
    key<&Guard::flow_rate, count<std::uint32_t, 0, 10'000'000>>("flow_rate", Change::now),
    key<&Guard::host_flow_rate, count<std::uint32_t, 0, 10'000'000>>("host_flow_rate", Change::now),
    key<&Guard::trusted, list_of<resolver, 64>>("trusted", Change::now),
    {"cookie_secrets", into<&Guard::cookie_secrets, list_of<cookie_secret, 2>>, Change::now, secrets_differ},
};

bool read_guard(const Value& value, Realm& realm) {
  return read_map(value, realm.guard, keys);
}

}  // namespace

const Section guard_section{map_key("guard", read_guard),
                            [](Tables& tables) { tables.keys("guard.", keys, &Realm::guard); }};

}  // namespace rgw::config
