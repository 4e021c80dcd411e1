#include "realmgw/alg/alg.hpp"

namespace rgw::alg {

bool well_formed(const Decision& decision, std::size_t window) {
  if (decision.decided > window) return false;
  std::size_t at = 0;
  for (const Edit& edit : decision.edits) {
    if (edit.at < at || edit.length == 0 || edit.at > decision.decided) return false;
    if (edit.length > decision.decided - edit.at) return false;
    at = edit.at + edit.length;
  }
  return true;
}

std::string edited(const Decision& decision, std::string_view window) {
  std::string out;
  std::size_t at = 0;
  for (const Edit& edit : decision.edits) {
    out.append(window.substr(at, edit.at - at)).append(edit.text);
    at = edit.at + edit.length;
  }
  return out.append(window.substr(at, decision.decided - at));
}

}  // namespace rgw::alg
