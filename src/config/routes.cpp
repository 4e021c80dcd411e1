// routes: where packets go that are on no link.
#include "sections.hpp"

namespace rgw::config {
namespace {

// A destination before its family is known: `default` is 0.0.0.0/0 or ::/0 by the family of `via`.
struct Destination {
  std::optional<net::Prefix> prefix;
};

bool destination(const Value& value, Destination& out) {
  if (value.kind() == Node::Kind::scalar && *value.scalar("a prefix") == "default") return true;
  net::Prefix to;
  if (!prefix(value, to)) return false;
  out.prefix = to;
  return true;
}

struct RouteDraft {
  std::vector<Destination> to;
  net::IpAddress via;
};

constexpr ItemKey<RouteDraft> keys[] = {
    {"to", into<&RouteDraft::to, list_of<destination>>, required},
    {"via", into<&RouteDraft::via, address>, required},
};

bool read_routes(const Value& value, Realm& realm) {
  constexpr std::size_t max_routes = 1024;
  bool good = true;
  for (const Value& item : value.items()) {
    RouteDraft draft;
    if (!read_map(item, draft, keys) || !item.report().clean(item.path())) {
      good = false;
      continue;
    }
    for (std::size_t i = 0; i < draft.to.size(); ++i) {
      const auto to = draft.to[i].prefix.value_or(net::Prefix::all(draft.via.family()));
      if (to.family() != draft.via.family()) {
        item.report().problem(
            item.report().where(item.path() + ".to", i),
            to.to_string() + " and the next hop " + draft.via.to_string() + " differ in family");
        good = false;
      } else if (realm.routes.size() == max_routes) {
        return item.problem("more than " + std::to_string(max_routes) + " routes");
      } else {
        realm.routes.push_back({to, draft.via});
        item.report().note_item(value.path(), item.where());
      }
    }
  }
  return good;
}

}  // namespace

const Section routes_section{{"routes", read_routes, Change::now, by<&Realm::routes>},
                             [](Tables& tables) { tables.items("routes", keys); }};

}  // namespace rgw::config
