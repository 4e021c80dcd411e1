// zones: what the gateway is the name server of (DNS-1).
#include <algorithm>

#include "records.hpp"
#include "sections.hpp"

namespace rgw::config {
namespace {

constexpr std::size_t max_zones = 256;
constexpr std::size_t max_records = 65'536;

bool written_ttl(const Value& value, std::optional<std::uint32_t>& out) {
  return ttl(value, out.emplace());
}

// RFC 1035 section 8: in an RNAME, a dot of the mailbox's local part is written "\.".
bool contact(const Value& value, std::string& out) {
  constexpr auto what = "a mail address or the domain name that stands for one";
  return parsed(value, out, what, [](std::string_view text) -> std::optional<std::string> {
    const auto at = text.find('@');
    if (at == std::string_view::npos) return parse_host_name(text);
    const auto domain = parse_host_name(text.substr(at + 1));
    if (!domain) return std::nullopt;
    std::string name;
    for (const char c : text.substr(0, at)) {
      if (!parse_record_name(std::string_view{&c, 1}) && c != '.' && c != '-' && c != '+')
        return std::nullopt;
      name += c == '.' ? "\\." : std::string{c};
    }
    if (name.empty() || name.size() > 63) return std::nullopt;
    return name + "." + *domain;
  });
}

struct RecordDraft {
  Record record;
  std::optional<std::uint32_t> ttl;  // absent: the zone's, which may stand below the records
  std::vector<std::string> data;
};

// A final dot would say that the name is absolute, which `name` is not.
bool owner_name(const Value& value, std::string& out) {
  return parsed(value, out, "a name within the zone, or @ for the zone itself", [](std::string_view text) {
    if (text == "@") return std::optional<std::string>{"@"};
    return text.ends_with('.') ? std::nullopt : parse_record_name(text);
  });
}

bool type(const Value& value, std::string& out) {
  if (!parsed(value, out, "a record type like A, MX or TXT", parse_record_type)) return false;
  return out != "SOA" ||
         value.problem("the SOA record is made from the zone's contact, ttl and negative_ttl");
}

// Its form is checked when the type is known, which may stand after it.
bool data(const Value& value, std::string& out) {
  const std::string* text = value.scalar("the record's data in presentation form");
  if (text == nullptr) return false;
  constexpr std::size_t longest = 4096;
  if (text->size() > longest) return value.problem("longer than " + std::to_string(longest) + " characters");
  if (text->find_first_of("\r\n") != std::string::npos) return value.problem("a record's data is one line");
  out = *text;
  return true;
}

constexpr ItemKey<RecordDraft> record_keys[] = {
    {"name", into<&RecordDraft::record, &Record::name, owner_name>, required},
    {"type", into<&RecordDraft::record, &Record::type, type>, required},
    {"ttl", into<&RecordDraft::ttl, written_ttl>},
    {"data", into<&RecordDraft::data, list_of<data>>, required},
};

struct ZoneDraft {
  Zone zone;
  std::vector<RecordDraft> records;
};

bool record(const Value& value, RecordDraft& draft) {
  if (!read_map(value, draft, record_keys) || !value.report().clean(value.path())) return false;
  if (draft.record.type == "NS" && draft.record.name == "@") {
    return value.problem("the zone's own name servers stand under nameservers");
  }
  bool good = true;
  for (std::size_t i = 0; i < draft.data.size(); ++i) {
    if (const auto expected = expected_record_data(draft.record.type, draft.data[i])) {
      const std::string path = value.path() + ".data";
      value.report().problem(value.report().where(path, i), quote(draft.data[i]) + " is not " + *expected);
      good = false;
    }
  }
  return good;
}

constexpr Key<ZoneDraft, Zone> zone_keys[] = {
    key<&ZoneDraft::zone, &Zone::nameservers, list_of<host_name, 16>, Order::counts>("nameservers",
                                                                                     Change::now),
    key<&ZoneDraft::zone, &Zone::contact, contact>("contact", Change::now),
    key<&ZoneDraft::zone, &Zone::ttl, ttl>("ttl", Change::now),
    key<&ZoneDraft::zone, &Zone::negative_ttl, ttl>("negative_ttl", Change::now),
    {"records", into<&ZoneDraft::records, list_of<record>>, Change::now, by<&Zone::records>},
};

// One Record for each datum; `zones.<zone>` as a list of the report says where each comes from.
bool finish(const Value& value, ZoneDraft& draft, Zone& out) {
  out = std::move(draft.zone);
  for (std::size_t i = 0; i < draft.records.size(); ++i) {
    RecordDraft& written = draft.records[i];
    written.record.ttl = written.ttl.value_or(out.ttl);
    for (std::string& datum : written.data) {
      if (out.records.size() == max_records) {
        return value.problem_at_key("more than " + std::to_string(max_records) + " records");
      }
      Record record = written.record;
      record.data = std::move(datum);
      out.records.push_back(std::move(record));
      value.report().note_item(value.path(), value.report().where(value.path() + ".records", i));
    }
  }
  return true;
}

bool read_zones(const Value& value, Realm& realm) {
  const auto named = value.named("a map of zones, like foo.example: { ttl: 1h }");
  if (!named) return false;
  if (named->size() > max_zones)
    return value.problem_at_key("more than " + std::to_string(max_zones) + " zones");
  bool good = true;
  for (const auto& [text, member] : *named) {
    const auto name = parse_record_name(text);
    ZoneDraft draft;
    Zone zone;
    const bool read = read_map(member, draft, zone_keys);
    if (!name || name->front() == '*') {
      good = member.problem_at_key(quote(text) + " is not a domain name");
    } else if (!read || !finish(member, draft, zone)) {
      good = false;
    } else {
      zone.name = *name;
      realm.zones.push_back(std::move(zone));
      value.report().note_item(value.path(), member.key());
    }
  }
  return good;
}

}  // namespace

const Section zones_section{{"zones", read_zones, Change::now, nullptr}, [](Tables& tables) {
                              tables.members("zones", "<zone>", Change::now, zone_keys, &Realm::zones);
                              tables.items("zones.<zone>.records", record_keys);
                            }};

}  // namespace rgw::config
