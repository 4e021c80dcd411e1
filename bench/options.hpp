// The command line of realmgw-bench.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::bench {

struct Options {
  std::vector<std::uint32_t> sessions{1, 4U << 10, 64U << 10, 1U << 20, 10U << 20};
  std::string filter;  ///< only rows whose name contains this
  bool json = false;
  bool quick = false;   ///< seconds instead of minutes: shows that it runs, not how fast
  bool stages = false;  ///< cycles of each stage, too
  bool no_huge = false;
  bool help = false;
  unsigned rounds = 5;
  std::optional<unsigned> cpu;

  [[nodiscard]] bool wants(std::string_view name) const {
    return name.find(filter) != std::string_view::npos;
  }
};

/// Throws std::invalid_argument with a text for the user.
[[nodiscard]] Options parse_options(int argc, const char* const* argv);

/// "64Ki", "10Mi", "1000"; throws std::invalid_argument.
[[nodiscard]] std::uint32_t parse_count(std::string_view text);

extern const char* const usage;

}  // namespace rgw::bench
