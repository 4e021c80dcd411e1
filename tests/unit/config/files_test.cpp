// Files of the project that have to agree with the loader.
//  - config/*.yaml: every example loads
//  - docs/realm-file.md: every key stands in it with what a change does, it names no other, its examples load
//  - broken/*.yaml: the whole output for a file full of mistakes, as broken/*.txt has it
//  - operator/*.yaml: slips of operators, one a file, with what each is told in operator/*.txt; where that is
//    empty or warnings alone, the file is taken
#include "realmgw/config/changes.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "support.hpp"

namespace rgw::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::filesystem::path root{REALMGW_SOURCE_DIR};

std::string contents(const std::filesystem::path& path) {
  std::ifstream file{path};
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> yaml_files(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{directory}) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Examples, every_one_loads) {
  const auto files = yaml_files(root / "config");
  EXPECT_GE(files.size(), 10u);
  for (const auto& file : files) {
    const auto result = load_file(file);
    EXPECT_TRUE(result.realm) << result.to_string();
  }
}

TEST(Examples, the_lab_is_what_its_scripts_expect) {
  const auto lab = load_file(root / "config/lab.yaml").realm.value();
  EXPECT_EQ(lab.name, "foo");
  EXPECT_EQ(lab.ports[0].addresses[0].to_string(), "10.0.0.1/24");
  EXPECT_EQ(lab.ports[1].addresses[1].to_string(), "2001:db8:100::1/64");
  EXPECT_THAT(lab.pool.addresses, ElementsAre(ip("198.51.100.10"), ip("198.51.100.11"), ip("198.51.100.12")));
  EXPECT_EQ(lab.hosts[0].name, "hosta");
  EXPECT_EQ(lab.static_mappings[0].outside.to_string(), "198.51.100.1:2222");
  const auto one = load_file(root / "config/lab-one-address.yaml").realm.value();
  EXPECT_THAT(one.pool.addresses, ElementsAre(ip("198.51.100.1")));
  const auto pairs = load_file(root / "config/lab-families.yaml").realm.value();
  EXPECT_EQ(pairs.nat64.prefix.value().to_string(), "fd64::/96");
  EXPECT_EQ(pairs.nat46.proxies.value().to_string(), "100.64.0.0/16");
  EXPECT_TRUE(pairs.dns.dns64);
}

TEST(Examples, each_stands_in_the_reference) {
  const std::string reference = contents(root / "docs/realm-file.md");
  for (const auto& file : yaml_files(root / "config"))
    EXPECT_THAT(reference, testing::HasSubstr("`" + file.filename().string() + "`"));
}

// Each text between `begin` and the `end` that follows it.
std::vector<std::string> between(const std::string& text, const std::string& begin, const std::string& end) {
  std::vector<std::string> found;
  for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
    at += begin.size();
    found.push_back(text.substr(at, text.find(end, at) - at));
  }
  return found;
}

// The cells of the rows of its tables of keys, by the heading of the column.
std::vector<std::map<std::string, std::string>> key_rows() {
  std::vector<std::map<std::string, std::string>> rows;
  std::vector<std::string> headings;
  std::istringstream lines{contents(root / "docs/realm-file.md")};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| ")) continue;
    // "| a | | b |": a space ends each cell, and begins each that is not empty.
    std::vector<std::string> cells = between(line, "|", " |");
    for (std::string& cell : cells) cell.erase(0, cell.starts_with(' ') ? 1 : 0);
    if (cells.front() == "Key" || cells.front() == "What") headings = cells;
    if (!cells.front().starts_with('`') || headings.front() != "Key") continue;
    std::map<std::string, std::string>& row = rows.emplace_back();
    EXPECT_EQ(cells.size(), headings.size()) << line;
    for (std::size_t i = 0; i < std::min(cells.size(), headings.size()); ++i) row[headings[i]] = cells[i];
  }
  return rows;
}

TEST(Reference, has_every_key_of_the_loader_once_with_its_change_and_no_other) {
  std::vector<std::string> documented, known;
  for (const auto& row : key_rows()) documented.push_back(row.at("Key") + " " + row.at("Change"));
  for (const KnownKey& key : known_keys())
    known.push_back("`" + key.name + "` " + std::string{key.change ? name(*key.change) : ""});
  EXPECT_THAT(documented, testing::UnorderedElementsAreArray(known));
}

TEST(Reference, examples_in_it_load) {
  const auto blocks = between(contents(root / "docs/realm-file.md"), "```yaml\n", "```");
  EXPECT_GE(blocks.size(), 3u);
  for (const std::string& text : blocks) {
    // A block without a realm of its own is a part, to be read within a sound file.
    EXPECT_THAT(problems(text.starts_with("realm:") ? text : sound + text), IsEmpty()) << text;
  }
}

TEST(BrokenFiles, are_reported_as_the_texts_beside_them_say) {
  const auto files = yaml_files(root / "tests/unit/config/broken");
  EXPECT_GE(files.size(), 2u);
  for (const auto& file : files) {
    const auto result = load_text(contents(file), file.filename().string());
    EXPECT_FALSE(result.realm);
    EXPECT_EQ(result.to_string(), contents(std::filesystem::path{file}.replace_extension(".txt")));
  }
}

// OPS-1: each message names the cause, as an operator would look for it.
TEST(OperatorsFiles, get_the_message_beside_them) {
  const auto files = yaml_files(root / "tests/unit/config/operator");
  EXPECT_GE(files.size(), 36u);
  for (const auto& file : files) {
    const auto result = load_text(contents(file), file.filename().string());
    const std::string expected = contents(std::filesystem::path{file}.replace_extension(".txt"));
    EXPECT_EQ(result.to_string(), expected);
    std::size_t lines = 0, warnings = 0;
    for (std::size_t at = 0; at < expected.size(); at = expected.find('\n', at) + 1) ++lines;
    for (auto at = expected.find(": warning: "); at != expected.npos;
         at = expected.find(": warning: ", at + 1))
      ++warnings;
    EXPECT_EQ(result.realm.has_value(), lines == warnings) << file;
  }
}

}  // namespace
}  // namespace rgw::config
