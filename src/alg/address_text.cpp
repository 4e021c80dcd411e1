#include "realmgw/alg/address_text.hpp"

#include "realmgw/alg/text.hpp"

#include <algorithm>
#include <array>

namespace rgw::alg {
namespace {

using Place = AddressToken::Place;
constexpr auto npos = std::string_view::npos;
// The longest form of RFC 4291 section 2.2 has 45 characters; a port may stand behind.
constexpr std::size_t longest_run = 64;
constexpr unsigned most_tries = 5;

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char letter = lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/// The text with its escapes undone, and where each byte was.
struct Unescaped {
  std::string text;
  std::vector<std::size_t> raw;
};
Unescaped unescape(Piece piece) {
  Unescaped out;
  out.text.reserve(piece.text.size());
  out.raw.reserve(piece.text.size() + 1);
  for (std::size_t i = 0; i < piece.text.size();) {
    out.raw.push_back(piece.at + i);
    const bool escaped = piece.text[i] == '%' && i + 2 < piece.text.size() &&
                         hex_value(piece.text[i + 1]) >= 0 && hex_value(piece.text[i + 2]) >= 0;
    if (escaped) {
      out.text += static_cast<char>(hex_value(piece.text[i + 1]) << 4 | hex_value(piece.text[i + 2]));
      i += 3;
    } else {
      out.text += piece.text[i++];
    }
  }
  out.raw.push_back(piece.at + piece.text.size());
  return out;
}

bool of_address(char c) {
  return hex_value(c) >= 0 || c == ':' || c == '.';
}
/// What identifiers are made of: `word` of RFC 3261 section 25.1 without what quotes or encloses.
bool of_identifier(char c) {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
         std::string_view{"-.!%*_+`'~@:/[]"}.find(c) != npos;
}

/// Four numbers with dots, neither more nor fewer.
void find_v4(std::string_view run, std::size_t at, const WantsAddress& wanted, std::vector<Place>& found) {
  for (std::size_t i = 0; i < run.size();) {
    if (!is_digit(run[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < run.size() && (is_digit(run[end]) || run[end] == '.')) ++end;
    std::size_t length = end - i;
    while (run[i + length - 1] == '.') --length;
    const auto address = net::Ipv4Address::parse(run.substr(i, length));
    if (address && wanted(*address)) found.push_back({at + i, length, *address});
    i = end;
  }
}

/// From each boundary of the run the longest wanted address. What follows one may look like more of it, a
/// port for instance.
void find_v6(std::string_view run, std::size_t at, const WantsAddress& wanted, std::vector<Place>& found) {
  const bool short_form = run.find("::") != npos;
  if (!short_form && std::count(run.begin(), run.end(), ':') < 6) return;
  for (std::size_t begin = 0; begin + 2 < run.size(); ++begin) {
    const bool boundary =
        begin == 0 || (run[begin - 1] == ':' && run[begin] != ':') || run.substr(begin).starts_with("::");
    if (!boundary) continue;
    std::size_t end = run.size();
    for (unsigned tries = 0; tries < most_tries && end > begin + 1; ++tries) {
      const auto address = net::Ipv6Address::parse(run.substr(begin, end - begin));
      if (address && wanted(*address)) {
        found.push_back({at + begin, end - begin, *address});
        begin = end - 1;
        break;
      }
      end = run.find_last_of(":.", end - 1);
      if (end == npos) break;
    }
  }
}

std::vector<Place> find_places(std::string_view text, const WantsAddress& wanted) {
  std::vector<Place> found;
  for (std::size_t i = 0; i < text.size();) {
    if (!of_address(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && of_address(text[end])) ++end;
    const std::string_view run = text.substr(i, end - i);
    const std::size_t before = found.size();
    // A longer one is a fingerprint, or filler; addresses may be in it all the same.
    for (std::size_t part = 0; part < run.size(); part += longest_run / 2) {
      const std::string_view some = run.substr(part, longest_run);
      find_v6(some, i + part, wanted, found);
      find_v4(some, i + part, wanted, found);
      if (some.size() < longest_run || found.size() > before + 64) break;
    }
    i = end;
  }
  // Parts overlap.
  std::sort(found.begin(), found.end(),
            [](const Place& a, const Place& b) { return a.at != b.at ? a.at < b.at : a.length > b.length; });
  std::size_t until = 0;
  std::erase_if(found, [&](const Place& place) {
    if (place.at < until) return true;
    until = place.at + place.length;
    return false;
  });
  for (Place& place : found) {
    if (place.at == 0 || text[place.at - 1] != '[' || !text.substr(place.at + place.length).starts_with(']'))
      continue;
    --place.at;
    place.length += 2;
  }
  return found;
}

AddressToken token_of(const Unescaped& text, std::size_t begin, std::size_t end) {
  AddressToken token;
  token.text = text.text.substr(begin, end - begin);
  token.raw.assign(text.raw.begin() + static_cast<std::ptrdiff_t>(begin),
                   text.raw.begin() + static_cast<std::ptrdiff_t>(end) + 1);
  return token;
}

}  // namespace

std::vector<AddressToken> find_addresses(Piece piece, const WantsAddress& wanted) {
  std::vector<AddressToken> tokens;
  const auto count = [&](char c) { return std::count(piece.text.begin(), piece.text.end(), c); };
  const bool escapes = piece.text.find('%') != npos;
  if (!escapes && count('.') < 3 && count(':') < 2) return tokens;  // most of what is read
  const Unescaped text = unescape(piece);
  std::size_t end = 0;
  std::size_t token_begin = 0;
  for (Place place : find_places(text.text, wanted)) {
    if (tokens.empty() || place.at >= end) {
      std::size_t begin = place.at;
      end = place.at + place.length;
      while (begin > 0 && of_identifier(text.text[begin - 1])) --begin;
      while (end < text.text.size() && of_identifier(text.text[end])) ++end;
      const bool parameter =
          begin == place.at && end == place.at + place.length && begin > 0 && text.text[begin - 1] == '=';
      if (parameter) {
        --begin;
        while (begin > 0 && of_identifier(text.text[begin - 1])) --begin;
      }
      tokens.push_back(token_of(text, begin, end));
      tokens.back().parameter = parameter;
      token_begin = begin;
    }
    place.at -= token_begin;
    tokens.back().places.push_back(place);
  }
  return tokens;
}

AddressToken address_token(Piece piece, const WantsAddress& wanted) {
  const Unescaped text = unescape(piece);
  AddressToken token = token_of(text, 0, text.text.size());
  token.places = find_places(text.text, wanted);
  return token;
}

std::vector<Piece> between(Piece piece, const Ranges& ranges) {
  std::vector<Piece> pieces;
  const std::size_t end = piece.at + piece.text.size();
  auto range = std::lower_bound(ranges.begin(), ranges.end(), piece.at,
                                [](const auto& one, std::size_t at) { return one.second <= at; });
  for (; range != ranges.end() && range->first < end; ++range) {
    if (range->first > piece.at) pieces.push_back(piece.sub(0, range->first - piece.at));
    piece = piece.sub(std::min(range->second, end) - piece.at);
  }
  if (!piece.empty()) pieces.push_back(piece);
  return pieces;
}

std::string address_instead(const AddressToken& token, const AddressToken::Place& place,
                            const net::IpAddress& address) {
  const bool bracketed = token.text[place.at] == '[';
  const bool of_uri = place.at != 0 && (token.text[place.at - 1] == '/' || token.text[place.at - 1] == '@');
  return address.is_v6() && (bracketed || of_uri) ? "[" + address.to_string() + "]" : address.to_string();
}

}  // namespace rgw::alg
