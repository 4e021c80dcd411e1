// From a realm file to a Realm, or to every mistake in it at once (OPS-1).
#pragma once

#include "realmgw/config/realm.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::config {

/// One mistake, or one warning, and where it stands.
struct Problem {
  std::string file;
  int line = 0;         ///< from 1; 0: the file as a whole
  int column = 0;       ///< from 1; 0 with line 0
  std::string key;      ///< "pool.addresses[1]"; empty: no key in particular
  std::string message;  ///< what is wrong, and what was expected

  /// `campus.yaml:14:12: pool.addresses[1]: "198.51.100.300" is not an IPv4 or IPv6 address, prefix or range`
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Problem&, const Problem&) = default;
};

struct LoadResult {
  std::optional<Realm> realm;  ///< complete, every default filled in; absent where there is a problem
  std::vector<Problem>
      problems;  ///< all of them, by line; at most `max_problems` and a last one that says so
  std::vector<Problem> warnings;  ///< what works but is against an RFC or probably not meant; by line

  /// One line for each warning and problem, in the order of the file, as `realmgwd --check` prints them.
  [[nodiscard]] std::string to_string() const;
};

/// Bounds on what a text may cost. A text beyond one of them is refused with a Problem.
inline constexpr std::size_t max_file_bytes = std::size_t{4} << 20;
inline constexpr std::size_t max_nodes = 500'000;
inline constexpr std::size_t max_depth = 16;
inline constexpr std::size_t max_problems = 200;

/// Takes what a check says that stands elsewhere, and knows the line of it.
class Objections {
 public:
  virtual ~Objections() = default;
  /// Nothing is wrong at or below any of these keys.
  [[nodiscard]] virtual bool sound(std::initializer_list<std::string_view> keys) const = 0;
  /// Nothing is wrong anywhere.
  [[nodiscard]] virtual bool sound() const = 0;
  /// Something is wrong with a zone of the realm, by its index; with one of its records, by its index there.
  virtual void zone(std::size_t zone, std::optional<std::size_t> record, std::string message) = 0;
  /// Something is wrong with the realm, and no key can be named.
  virtual void realm(std::string message) = 0;
};

/// A check by what will serve the realm, which this room does not know. It gets what could be read of a file,
/// the checks of this room behind it.
using Judge = std::function<void(const Realm&, Objections&)>;

/// What the loader cannot know by itself.
struct Surroundings {
  Judge judge;                              ///< empty: none
  std::uint32_t default_sessions = 65'536;  ///< `outbound.max_sessions`, unless written
  std::vector<Host> more_hosts{};           ///< that were added while the gateway ran (OPS-9)
};

/// Reads and checks a realm file. Bad input of any kind, an unreadable file among it, ends in `problems`;
/// only a lack of memory throws.
[[nodiscard]] LoadResult load_file(const std::filesystem::path& path, const Surroundings& surroundings = {});

/// The same for a text in memory; `name` stands for the file in the problems.
[[nodiscard]] LoadResult load_text(std::string_view text, std::string name,
                                   const Surroundings& surroundings = {});

}  // namespace rgw::config
