#include "realmgw/alg/ftp.hpp"
#include "realmgw/alg/text.hpp"

#include <algorithm>
#include <array>

namespace rgw::alg::ftp {
namespace {

constexpr auto npos = std::string_view::npos;

/// The commands of a specification, in alphabetical order, with a space between.
struct Commands {
  std::string_view where;
  std::string_view words;
};
// The registry of RFC 5797, and what clients and servers in use say besides.
constexpr std::array known_commands{
    Commands{
        "RFC 959 section 4.1",
        "ABOR ACCT ALLO APPE CDUP CWD DELE HELP LIST MKD MODE NLST NOOP PASS PASV PORT PWD QUIT REIN REST "
        "RETR RMD RNFR RNTO SITE SMNT STAT STOR STOU STRU SYST TYPE USER"},
    Commands{"RFC 1639", "LPRT LPSV"},
    Commands{"RFC 2228 section 3", "ADAT AUTH CCC CONF ENC MIC PBSZ PROT"},
    Commands{"RFC 2389", "FEAT OPTS"},
    Commands{"RFC 2428", "EPRT EPSV"},
    Commands{"RFC 2640", "LANG"},
    Commands{"RFC 3659", "MDTM MLSD MLST SIZE"},
    Commands{"RFC 6384 section 11", "ALGS"},
    Commands{"RFC 7151", "HOST"},
    Commands{
        "drafts, and servers in use",
        "AVBL CLNT COMB CPSV CSID DSIZ ESTA ESTP HASH MACB MD5 MFCT MFF MFMT MMD5 PRET RANG RMDA SPSV SSCN "
        "THMB"},
};

constexpr std::size_t longest_experiment = 12;  // XSHA512 has seven letters

// Telnet (RFC 854): after IAC a command, which DO, DONT, WILL and WONT follow with an option.
constexpr char telnet_iac = '\xff';
constexpr unsigned telnet_will = 251, telnet_dont = 254;

}  // namespace

std::string_view without_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  while (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view without_telnet(std::string_view line) {
  while (line.size() >= 2 && line.front() == telnet_iac) {
    const unsigned command = static_cast<std::uint8_t>(line[1]);
    const bool option = command >= telnet_will && command <= telnet_dont;
    line.remove_prefix(std::min<std::size_t>(option ? 3 : 2, line.size()));
  }
  return line;
}

std::string_view first_word(std::string_view line) {
  return line.substr(0, line.find(' '));
}

bool is_command(std::string_view word) {
  if (word.size() > 1 && lower(word.front()) == 'x')
    return word.size() <= longest_experiment && std::all_of(word.begin(), word.end(), [](char c) {
             return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
           });
  return std::any_of(known_commands.begin(), known_commands.end(), [&](const Commands& known) {
    for (std::string_view words = known.words; !words.empty();) {
      if (same_word(take_until(words, ' '), word)) return true;
    }
    return false;
  });
}

std::optional<ReplyLine> parse_reply_line(std::string_view line) {
  line = line.substr(0, line.find_first_of("\r\n"));
  if (digits(line) != 3) return std::nullopt;
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return std::nullopt;
  return ReplyLine{line.substr(0, 3), line.size() == 3 || line[3] == ' '};
}

std::size_t reply_size(std::string_view text) {
  const auto first = parse_reply_line(text);
  std::size_t at = 0;
  while (first && at < text.size()) {
    const std::size_t end = text.find('\n', at);
    const auto line = parse_reply_line(text.substr(at, end == npos ? npos : end - at));
    const std::size_t next = end == npos ? text.size() : end + 1;
    if (line && line->last && line->code == first->code) return next;
    at = next;
  }
  return npos;
}

std::optional<net::Endpoint> parse_port(std::string_view text) {
  std::array<std::uint8_t, 6> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i != 0) {
      if (text.empty() || text.front() != ',') return std::nullopt;
      text.remove_prefix(1);
    }
    const std::size_t length = digits(text);
    const auto number = to_number<std::uint8_t>(text.substr(0, length));
    if (!number) return std::nullopt;
    numbers[i] = *number;
    text.remove_prefix(length);
  }
  return net::Endpoint{net::Ipv4Address{numbers[0], numbers[1], numbers[2], numbers[3]},
                       static_cast<std::uint16_t>(numbers[4] << 8 | numbers[5])};
}

std::vector<Numbers> find_numbers(std::string_view reply) {
  std::vector<Numbers> found;
  for (std::size_t at = 0; at < reply.size(); ++at) {
    if (!is_digit(reply[at]) || (at != 0 && is_digit(reply[at - 1]))) continue;
    const auto endpoint = parse_port(reply.substr(at));
    if (!endpoint) continue;
    const std::size_t end = std::min(reply.find_first_not_of("0123456789,", at), reply.size());
    std::size_t length = end - at;
    while (reply[at + length - 1] == ',') --length;
    found.push_back({at, length, *endpoint});
    at = end - 1;
  }
  return found;
}

std::optional<net::Endpoint> parse_eprt(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const char delimiter = text.front();
  text.remove_prefix(1);
  const auto family = take_until(text, delimiter);
  const auto address = net::IpAddress::parse(take_until(text, delimiter));
  if (text.find(delimiter) == std::string_view::npos) return std::nullopt;
  const auto port = to_number<std::uint16_t>(take_until(text, delimiter));
  if (!address || !port || family != (address->is_v4() ? "1" : "2")) return std::nullopt;
  return net::Endpoint{*address, *port};
}

std::optional<std::uint16_t> parse_epsv_reply(std::string_view text) {
  for (std::size_t open = text.find('('); open != npos; open = text.find('(', open + 1)) {
    std::string_view inner = text.substr(open + 1);
    if (inner.size() < 4 || inner[1] != inner[0] || inner[2] != inner[0]) continue;
    const char delimiter = inner.front();
    inner.remove_prefix(3);
    if (inner.find(delimiter) == npos) continue;
    if (const auto port = to_number<std::uint16_t>(take_until(inner, delimiter))) return port;
  }
  return std::nullopt;
}

std::string port_text(const net::Endpoint& endpoint) {
  std::string text;
  for (std::size_t i = 0; i < 4; ++i) text += std::to_string(endpoint.address.data()[i]) + ",";
  return text + std::to_string(endpoint.port >> 8) + "," + std::to_string(endpoint.port & 0xff);
}

std::string eprt_text(const net::Endpoint& endpoint) {
  return (endpoint.address.is_v4() ? "|1|" : "|2|") + endpoint.address.to_string() + "|" +
         std::to_string(endpoint.port) + "|";
}

}  // namespace rgw::alg::ftp
