// www: what serves the web names of hosts (WEB-1).
#include "sections.hpp"

namespace rgw::config {
namespace {

constexpr Choice<Www::Proxy> proxies[] = {{"none", Www::Proxy::none}, {"nginx", Www::Proxy::nginx}};

bool directory(const Value& value, std::string& out) {
  return parsed(value, out, "an absolute path", [](const std::string& text) {
    const bool good = text.starts_with('/') && text.size() < 4096 && text.find('\0') == std::string::npos;
    return good ? std::optional{text} : std::nullopt;
  });
}

constexpr Key<Www> keys[] = {
    key<&Www::proxy, one_of<proxies>>("proxy", Change::now),
    key<&Www::directory, directory>("directory", Change::now),
};

bool read_www(const Value& value, Realm& realm) {
  return read_map(value, realm.www, keys);
}

}  // namespace

const Section www_section{map_key("www", read_www),
                          [](Tables& tables) { tables.keys("www.", keys, &Realm::www); }};

}  // namespace rgw::config
