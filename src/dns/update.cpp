#include "realmgw/dns/update.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "wire_reader.hpp"

namespace rgw::dns {
namespace {

constexpr std::uint32_t max_ttl = 7 * 24 * 3600;
constexpr std::size_t least_dhcid = 4;  // RFC 4701 section 3.1: two bytes, one, and a digest

bool holds_a_name(RrType type) {
  return type == RrType::ptr || type == RrType::cname;
}

/// What stands for records, not for questions or messages.
bool is_data(RrType type) {
  return !is_meta(type);
}

std::string text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<UpdateRecord> read_record(WireReader& reader) {
  UpdateRecord record;
  const auto name = reader.compressed_name();
  record.type = static_cast<RrType>(reader.u16());
  record.klass = reader.u16();
  record.ttl = reader.u32();
  const std::size_t size = reader.u16();
  if (!name || reader.failed() || size > reader.left()) return std::nullopt;
  record.name = name->lower();
  if (size == 0 || !holds_a_name(record.type)) {
    record.data = text_of(reader.take(size));
    return record;
  }
  const std::size_t end = reader.at() + size;
  const auto target = reader.compressed_name();
  if (!target || reader.at() != end) return std::nullopt;
  record.data = target->lower().key();
  return record;
}

bool read_records(WireReader& reader, std::size_t count, std::vector<UpdateRecord>& out) {
  for (std::size_t i = 0; i < count; ++i) {
    auto record = read_record(reader);
    if (!record) return false;
    out.push_back(std::move(*record));
  }
  return true;
}

bool has_type(std::span<const HeldRecord> records, RrType type) {
  return std::ranges::find(records, type, &HeldRecord::type) != records.end();
}

/// The data of an RRset, in an order that says nothing.
std::vector<std::string_view> data_of(std::span<const HeldRecord> records, RrType type) {
  std::vector<std::string_view> all;
  for (const auto& record : records)
    if (record.type == type) all.push_back(record.data);
  std::ranges::sort(all);
  return all;
}

/// One message against one state of the names.
class Work {
 public:
  Work(const UpdateMessage& message, const UpdateGround& ground)
      : message_{message}, ground_{ground}, zone_{message.zone.name.lower()} {}

  Updated run() {
    if (message_.zone_class != class_in || !ground_.is_zone(zone_)) return {Rcode::notauth};
    if (const Rcode rcode = prerequisites(); rcode != Rcode::noerror)
      return {rcode, {}, rcode != Rcode::formerr && rcode != Rcode::notzone};
    for (const Rcode rcode : {permission(), form()})
      if (rcode != Rcode::noerror) return {rcode};
    for (const auto& update : message_.updates) apply(update);
    return result();
  }

 private:
  /// RFC 2136 section 3.2.5.
  [[nodiscard]] Rcode prerequisites() const {
    using Set = std::pair<std::string_view, RrType>;
    std::map<Set, std::pair<const Name*, std::vector<std::string_view>>> wanted;
    for (const auto& record : message_.prerequisites) {
      if (record.ttl != 0) return Rcode::formerr;
      if (!record.name.is_within(zone_)) return Rcode::notzone;
      const bool any = record.type == RrType::any;
      if (record.klass == class_any || record.klass == class_none) {
        if (!record.data.empty() || (!any && !is_data(record.type))) return Rcode::formerr;
        const auto held = ground_.at(record.name);
        const bool there = any ? !held.empty() : has_type(held, record.type);
        if (record.klass == class_any && !there) return any ? Rcode::nxdomain : Rcode::nxrrset;
        if (record.klass == class_none && there) return any ? Rcode::yxdomain : Rcode::yxrrset;
      } else if (record.klass == message_.zone_class && is_data(record.type)) {
        auto& set = wanted[{record.name.key(), record.type}];
        set.first = &record.name;
        set.second.push_back(record.data);
      } else {
        return Rcode::formerr;
      }
    }
    for (auto& [key, set] : wanted) {
      auto& data = set.second;
      std::ranges::sort(data);
      data.erase(std::unique(data.begin(), data.end()), data.end());
      const auto held = ground_.at(*set.first);
      if (data_of(held, key.second) != data) return Rcode::nxrrset;
    }
    return Rcode::noerror;
  }

  /// Section 3.3.
  [[nodiscard]] Rcode permission() const {
    const bool may = std::ranges::all_of(message_.updates, [&](const UpdateRecord& update) {
      return !update.name.is_within(zone_) ||
             ground_.may_change(update.name);  // section 3.4.1 refuses the others
    });
    return may ? Rcode::noerror : Rcode::refused;
  }

  /// Section 3.4.1.
  [[nodiscard]] Rcode form() const {
    for (const auto& update : message_.updates) {
      if (!update.name.is_within(zone_)) return Rcode::notzone;
      const bool any = update.type == RrType::any;
      if (update.klass == message_.zone_class) {
        if (!is_data(update.type)) return Rcode::formerr;
      } else if (update.klass == class_any) {
        if (update.ttl != 0 || !update.data.empty() || (!any && !is_data(update.type))) return Rcode::formerr;
      } else if (update.klass != class_none || update.ttl != 0 || !is_data(update.type)) {
        return Rcode::formerr;
      }
    }
    for (const auto& update : message_.updates) {
      if (update.klass != message_.zone_class) continue;
      if (const Rcode rcode = form_of(update); rcode != Rcode::noerror) return rcode;
    }
    return Rcode::noerror;
  }

  [[nodiscard]] static Rcode form_of(const UpdateRecord& added) {
    switch (added.type) {
      case RrType::a:
        return added.data.size() == 4 ? Rcode::noerror : Rcode::formerr;
      case RrType::aaaa:
        return added.data.size() == 16 ? Rcode::noerror : Rcode::formerr;
      case RrType::ptr:
        return added.data.empty() ? Rcode::formerr : Rcode::noerror;
      case RrType::dhcid:
        return added.data.size() >= least_dhcid ? Rcode::noerror : Rcode::formerr;
      default:
        return Rcode::refused;
    }
  }

  /// Section 3.4.2.
  void apply(const UpdateRecord& update) {
    auto& records = state_of(update.name);
    if (update.klass == class_any) {
      std::erase_if(records, [&](const HeldRecord& held) {
        return update.type == RrType::any || held.type == update.type;
      });
      return;
    }
    std::erase_if(records, [&](const HeldRecord& held) {
      return held.type == update.type && held.data == update.data;
    });
    if (update.klass == class_none) return;
    const std::uint32_t ttl =
        update.ttl > INT32_MAX ? 0 : std::min(update.ttl, max_ttl);  // RFC 2181 section 8
    for (auto& held : records)
      if (held.type == update.type) held.ttl = ttl;
    records.push_back({update.type, ttl, update.data});
  }

  std::vector<HeldRecord>& state_of(const Name& name) {
    const auto known = std::ranges::find(states_, name, &State::name);
    if (known != states_.end()) return known->now;
    auto held = ground_.at(name);
    return states_.emplace_back(State{name, held, held}).now;
  }

  Updated result() {
    Updated updated{Rcode::noerror};
    for (auto& state : states_) {
      if (state.now == state.before) continue;
      if (!ground_.may_stand(state.name, state.now)) return {Rcode::refused};
      updated.changes.push_back({state.name, std::move(state.now)});
    }
    return updated;
  }

  struct State {
    Name name;
    std::vector<HeldRecord> before, now;
  };

  const UpdateMessage& message_;
  const UpdateGround& ground_;
  Name zone_;
  std::vector<State> states_;  // of the few names of one message
};

}  // namespace

bool is_update(std::span<const std::uint8_t> message) {
  if (message.size() < header_size) return false;
  const bool response = (message[2] & 0x80) != 0;
  return !response && static_cast<Opcode>(message[2] >> 3 & 0xf) == Opcode::update;
}

std::optional<UpdateMessage> read_update(std::span<const std::uint8_t> bytes) {
  WireReader reader{bytes};
  UpdateMessage message;
  message.id = reader.u16();
  reader.take(2);
  const std::size_t zones = reader.u16(), prerequisites = reader.u16(), updates = reader.u16();
  reader.take(2);
  if (reader.failed() || zones != 1) return std::nullopt;
  const auto name = reader.name();
  message.zone.type = static_cast<RrType>(reader.u16());
  message.zone_class = reader.u16();
  if (!name || reader.failed() || message.zone.type != RrType::soa) return std::nullopt;
  message.zone.name = *name;
  // A record takes 11 bytes at least, so the counts cannot make this longer than the message.
  if (!read_records(reader, prerequisites, message.prerequisites)) return std::nullopt;
  if (!read_records(reader, updates, message.updates)) return std::nullopt;
  return message;
}

Updated carry_out(const UpdateMessage& message, const UpdateGround& ground) {
  return Work{message, ground}.run();
}

}  // namespace rgw::dns
