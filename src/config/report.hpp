// What is wrong with a realm file, and where each of its values stands.
#pragma once

#include "realmgw/config/loader.hpp"

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "document.hpp"

namespace rgw::config {

/// A value of the file: its place and its name for the operator.
struct Where {
  Position at;
  std::string key;
};

/// Collects problems and warnings, and remembers the place of every value read, so that a check that sees
/// only the finished Realm can still point at the line.
class Report {
 public:
  explicit Report(std::string file) : file_{std::move(file)} {}

  void problem(const Where& where, std::string message);
  /// The same in a file that the realm file names, at one of its lines.
  void problem_in(const std::string& file, int line, std::string key, std::string message);
  void warning(const Where& where, std::string message);

  /// The realm file's name.
  [[nodiscard]] const std::string& file() const { return file_; }
  /// Nothing is wrong so far.
  [[nodiscard]] bool sound() const { return problems_.empty(); }
  /// Nothing is wrong at or below `key`, and no misspelt key beside it: what was read there is all that the
  /// operator meant.
  [[nodiscard]] bool clean(std::string_view key) const { return clean_besides(key, {}); }
  /// The same, but problems of keys that end in one of `leaves` do not count.
  [[nodiscard]] bool clean_besides(std::string_view key,
                                   std::initializer_list<std::string_view> leaves) const;

  /// A key that is unknown was probably meant to be `key`: what is at or below that may not be all.
  void note_meant(std::string key) { meant_.insert(std::move(key)); }
  /// `key` stands at `at`. Of a duplicate the first place counts, as its value does.
  void note(const std::string& key, Position at) { places_.try_emplace(key, at); }
  /// The next element of the Realm's list `list` comes from `where` (an address range makes many of one
  /// item).
  void note_item(const std::string& list, Where where) { items_[list].push_back(std::move(where)); }
  /// All that `note_item` got for a list: its elements' places, in the order of the Realm.
  [[nodiscard]] std::vector<Where>& items(const std::string& list) { return items_[list]; }

  /// Did the operator write `key`?
  [[nodiscard]] bool written(std::string_view key) const { return places_.find(key) != places_.end(); }
  /// Where `key` stands; a default that nobody wrote stands where its nearest written parent does.
  [[nodiscard]] Where where(const std::string& key) const;
  /// Where element `index` of a list of the Realm comes from.
  [[nodiscard]] Where where(const std::string& list, std::size_t index) const;

  /// Moves what was collected into `result`, sorted by place, control characters as '?'.
  void finish(LoadResult& result);

 private:
  void add(Problem problem);
  [[nodiscard]] Problem make(const Where& where, std::string message) const;

  std::string file_;
  std::vector<Problem> problems_, warnings_;
  bool overflow_ = false;
  std::set<std::string, std::less<>> meant_;
  std::map<std::string, Position, std::less<>> places_;
  std::map<std::string, std::vector<Where>, std::less<>> items_;
};

}  // namespace rgw::config
