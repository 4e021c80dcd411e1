#include "dns_keys.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include "file_text.hpp"
#include <yaml-cpp/binary.h>

namespace rgw::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_keys = 64, max_rights = 256, max_zones = 64, max_prefixes = 1'024;
constexpr std::size_t max_key_file = 4'096;
constexpr std::size_t least_secret = 16;  // bytes: 128 bits

// ---- the file ----

/// A key statement's words: `{`, `}` and `;` are words of their own, quotes are taken off, and comments end
/// at the line.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '#' || text.substr(i, 2) == "//") {
      if (c == '#' || word.empty()) {  // base64 may hold two slashes
        end_word();
        i = std::min(text.find('\n', i), text.size());
        continue;
      }
    }
    if (std::isspace(static_cast<unsigned char>(c)) != 0 || c == '"') {
      end_word();
    } else if (c == '{' || c == '}' || c == ';') {
      end_word();
      words.emplace_back(1, c);
    } else {
      word += c;
    }
  }
  end_word();
  return words;
}

/// What follows a word of a key statement.
std::optional<std::string> after(const std::vector<std::string>& words, std::string_view word) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end() || found + 1 == words.end()) return std::nullopt;
  return *(found + 1);
}

bool decode(std::string base64, DnsKey& key, std::string& problem) {
  key.secret = YAML::DecodeBase64(base64);
  // The library passes over what it does not understand at the end.
  if (key.secret.empty() || YAML::EncodeBase64(key.secret.data(), key.secret.size()) != base64) {
    problem = "holds no secret in base64";
    return false;
  }
  if (key.secret.size() < least_secret) {
    problem = "holds a secret of less than " + std::to_string(8 * least_secret) + " bits";
    return false;
  }
  return true;
}

/// What is wrong with who may read the file, or nothing.
std::string rights_problem(const fs::path& path) {
  std::error_code error;
  const auto mode = fs::status(path, error).permissions();
  if (error) return "cannot be opened: " + error.message();
  const auto too_much = mode & ~(fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  if (too_much == fs::perms::none) return {};
  std::string octal;
  for (int shift = 9; shift >= 0; shift -= 3)
    octal += static_cast<char>('0' + (static_cast<unsigned>(mode) >> shift & 7));
  return "has mode " + octal + ", and a secret is nobody else's: chmod 0640 " + path.string();
}

/// `where` its name stands.
bool read_key_file(const Where& where, Report& report, DnsKey& key) {
  const fs::path path = fs::path{report.file()}.parent_path() / key.file;
  const auto fail = [&](const std::string& message) {
    report.problem(where, path.string() + " " + message);
    return false;
  };
  if (std::error_code error; fs::exists(path, error) && !fs::is_regular_file(path, error))
    return fail("is no regular file");
  const FileText file = file_text(path);
  if (!file.problem.empty()) return fail(file.problem);
  if (const auto problem = rights_problem(path); !problem.empty()) return fail(problem);
  if (file.text.size() > max_key_file) return fail("is longer than a key's file is");
  std::string problem;
  return read_secret(file.text, key, problem) || fail(problem);
}

// ---- keys ----

bool file_name(const Value& value, std::string& out) {
  const std::string* text = value.scalar("the name of a file");
  if (text == nullptr) return false;
  if (text->empty()) return value.problem("expected the name of a file");
  out = *text;
  return true;
}

constexpr Choice<net::TsigAlgorithm> algorithms[] = {
    {net::tsig_algorithms[0].name, net::tsig_algorithms[0].algorithm},
    {net::tsig_algorithms[1].name, net::tsig_algorithms[1].algorithm},
    {net::tsig_algorithms[2].name, net::tsig_algorithms[2].algorithm},
    {net::tsig_algorithms[3].name, net::tsig_algorithms[3].algorithm},
};

/// By what it holds, too. What differs is nobody's business who reads a log.
Differing secrets_differ(const DnsKey& from, const DnsKey& to) {
  return from.file == to.file && from.secret == to.secret ? std::nullopt : Differing{""};
}

constexpr Key<DnsKey> key_keys[] = {
    key<&DnsKey::algorithm, one_of<algorithms>>("algorithm", Change::now),
    {"file", into<&DnsKey::file, file_name>, Change::now, secrets_differ, required},
};

bool read_key(const std::string& text, const Value& value, DnsKey& key) {
  const auto name = parse_record_name(text);
  if (!name || name->front() == '*')
    return value.problem_at_key(quote(text) + " is not the name of a key, a domain name");
  key.name = *name;
  if (!read_map(value, key, key_keys) || key.file.empty()) return false;
  return read_key_file(value.report().where(value.path() + ".file"), value.report(), key);
}

// ---- rights ----

bool name(const Value& value, std::string& out) {
  return parsed(value, out, "the name of a key of dns.keys", parse_record_name);
}
bool zone(const Value& value, std::string& out) {
  return parsed(value, out, "a domain name", parse_host_name);
}

constexpr ItemKey<UpdateRight> right_keys[] = {
    {"key", into<&UpdateRight::key, name>, required},
    {"zones", into<&UpdateRight::zones, list_of<zone, max_zones>>},
    {"prefixes", into<&UpdateRight::prefixes, list_of<prefix, max_prefixes>>, required},
};

bool right(const Value& value, UpdateRight& out) {
  return read_map(value, out, right_keys) && value.report().clean(value.path());
}

}  // namespace

bool read_secret(std::string_view text, DnsKey& key, std::string& problem) {
  const auto words = words_of(text);
  if (words.size() == 1) return decode(words.front(), key, problem);
  if (words.empty() || words.front() != "key" || words.size() < 2) {
    problem = "holds neither a secret in base64 nor the statement that tsig-keygen writes";
    return false;
  }
  const auto written = parse_record_name(words[1]);
  if (!written || *written != key.name) {
    problem = "holds the key " + quote(words[1]) + ", not " + quote(key.name);
    return false;
  }
  const auto algorithm = after(words, "algorithm"), secret = after(words, "secret");
  if (algorithm && *algorithm != net::info_of(key.algorithm).name) {
    problem =
        "holds a key for " + quote(*algorithm) + ", not for " + std::string{net::info_of(key.algorithm).name};
    return false;
  }
  return decode(secret.value_or(""), key, problem);
}

bool read_dns_keys(const Value& value, std::vector<DnsKey>& out) {
  const auto named = value.named("a map of keys, like dhcp: { file: dhcp.key }");
  if (!named) return false;
  if (named->size() > max_keys)
    return value.problem_at_key("more than " + std::to_string(max_keys) + " keys");
  bool good = true;
  for (const auto& [text, member] : *named) {
    DnsKey key;
    if (!read_key(text, member, key)) {
      good = false;
      continue;
    }
    if (std::ranges::find(out, key.name, &DnsKey::name) != out.end()) {
      good = member.problem_at_key("is there twice: letters' case makes no other name");
      continue;
    }
    out.push_back(std::move(key));
    value.report().note_item(value.path(), member.key());
  }
  return good;
}

bool read_update_rights(const Value& value, std::vector<UpdateRight>& out) {
  return list_of<right, max_rights>(value, out);
}

void show_dns_keys(Tables& tables) {
  tables.members("dns.keys", "<key>", Change::now, key_keys,
                 [](const Realm& realm) -> const std::vector<DnsKey>& { return realm.dns.keys; });
  tables.items("dns.updates", right_keys);
}

}  // namespace rgw::config
