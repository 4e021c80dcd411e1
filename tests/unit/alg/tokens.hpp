// An inspector of a made-up protocol: text in [brackets] is replaced, all else passes.
#pragma once

#include "realmgw/alg/alg.hpp"

#include <map>
#include <string>

namespace rgw::alg::test {

class Tokens final : public Inspector {
 public:
  /// "[word]" becomes `replacements[word]`; a word that is not there stays. "[!]" finishes.
  explicit Tokens(std::map<std::string, std::string> replacements) : replacements_{std::move(replacements)} {}

  Decision on_bytes(Side, std::string_view window, Instant) override {
    ++calls;
    Decision decision;
    while (decision.decided < window.size()) {
      const std::size_t open = window.find('[', decision.decided);
      decision.decided = open == std::string_view::npos ? window.size() : open;
      if (open == std::string_view::npos) break;
      const std::size_t close = window.find(']', open);
      if (close == std::string_view::npos) break;
      const std::string word{window.substr(open + 1, close - open - 1)};
      decision.decided = close + 1;
      if (word == "!") {
        decision.finished = true;
        break;
      }
      if (const auto found = replacements_.find(word); found != replacements_.end())
        decision.edits.push_back({open, close + 1 - open, found->second});
    }
    return decision;
  }
  void on_time(Instant) override {}

  std::string edited(std::string_view text) { return alg::edited(on_bytes(Side::inside, text, {}), text); }

  unsigned calls = 0;

 private:
  std::map<std::string, std::string> replacements_;
};

}  // namespace rgw::alg::test
