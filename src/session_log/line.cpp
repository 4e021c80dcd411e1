#include "realmgw/session_log/line.hpp"

#include <charconv>
#include <cstdio>

namespace rgw::session_log {
namespace {

using std::chrono::days;
using std::chrono::microseconds;
using std::chrono::seconds;

// Facility local0, severity informational (RFC 5424 section 6.2.1).
constexpr std::string_view priority = "<134>";
// No number is registered with IANA: RFC 5612 keeps this one for examples.
constexpr std::string_view data_id = "session@32473";

template <class Number>
std::optional<Number> number(std::string_view digits) {
  Number value{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

/// The word before `separator`, which is taken off together with it.
std::string_view take_word(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return word;
}

}  // namespace

std::string to_text(WallTime time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", int{date.year()},
                unsigned{date.month()}, unsigned{date.day()}, static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text;
}

std::optional<WallTime> parse_time(std::string_view text) {
  if (const auto since_1970 = number<std::uint32_t>(text)) return WallTime{seconds{*since_1970}};
  // 2026-11-30T14:38:55[.123456]Z
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
      text[13] != ':' || text[16] != ':' || (text.back() != 'Z' && text.back() != 'z'))
    return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t length) {
    return number<unsigned>(text.substr(at, length));
  };
  const auto year = part(0, 4), month = part(5, 2), day = part(8, 2), hour = part(11, 2),
             minute = part(14, 2), second = part(17, 2);
  if (!year || !month || !day || !hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{*month}, std::chrono::day{*day}};
  if (!date.ok()) return std::nullopt;
  std::string_view fraction = text.substr(19, text.size() - 20);
  std::int64_t micro = 0;
  if (!fraction.empty()) {
    std::string digits{fraction.substr(1)};
    if (fraction.front() != '.' || digits.empty() || digits.find_first_not_of("0123456789") != digits.npos)
      return std::nullopt;
    digits.resize(6, '0');
    micro = number<std::int64_t>(digits).value();
  }
  return WallTime{std::chrono::sys_days{date}} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         seconds{*second} + microseconds{micro};
}

void append_line(std::string& text, const Entry& entry) {
  text.append(format_version).append(" ").append(to_text(entry.time)).append(" ").append(entry.event);
  for (const auto& [name, value] : entry.fields) text.append(" ").append(name).append("=").append(value);
  text += '\n';
}

std::string syslog_message(const Entry& entry, std::string_view host, int process) {
  std::string text{priority};
  text.append("1 ").append(to_text(entry.time)).append(" ").append(host).append(" realmgwd ");
  text.append(std::to_string(process)).append(" ").append(entry.event).append(" [").append(data_id);
  text.append(" v=\"").append(format_version).append("\"");
  for (const auto& [name, value] : entry.fields) {
    text.append(" ").append(name).append("=\"");
    for (const char letter : value) {
      if (letter == ']') text += '\\';  // RFC 5424 section 6.3.3: that of an IPv6 endpoint
      text += letter;
    }
    text += '"';
  }
  return text + "]";
}

std::optional<Line> Line::parse(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (take_word(text, ' ') != format_version) return std::nullopt;
  const auto time = parse_time(take_word(text, ' '));
  if (!time) return std::nullopt;
  Line line;
  line.time_ = *time;
  line.event_ = take_word(text, ' ');
  line.fields_ = text;
  return line.event_.empty() ? std::nullopt : std::optional{line};
}

std::string_view Line::field(std::string_view name) const {
  for (std::string_view rest = fields_; !rest.empty();) {
    std::string_view word = take_word(rest, ' ');
    if (take_word(word, '=') == name) return word;
  }
  return {};
}

std::optional<BlockPorts> BlockPorts::parse(std::string_view text) {
  const auto first = number<std::uint16_t>(take_word(text, '-'));
  const auto last = number<std::uint16_t>(take_word(text, '/'));
  const auto every = number<std::uint16_t>(text);
  if (!first || !last || !every || *every == 0) return std::nullopt;
  return BlockPorts{*first, *last, *every};
}

std::string BlockPorts::to_string() const {
  return std::to_string(first) + "-" + std::to_string(last) + "/" + std::to_string(every);
}

}  // namespace rgw::session_log
