// Addresses in all other text of a SIP message. An inside one stands nowhere in what the outside reads:
// header fields that nobody here knows, parameters, headers in URIs, bodies that describe dialogues (RFC
// 4235) or quote messages (RFC 3420). Where it is part of an identifier (a Call-ID, a tag, a branch), both
// sides keep their own form of that, and each reads it wherever it is named, escaped or not: RFC 3891, 3911
// and 4538, RFC 3261 sections 20.21 and 19.1.1.
#include "realmgw/alg/address_text.hpp"

#include <algorithm>
#include <array>

#include "sip_inspector.hpp"

namespace rgw::alg::sip {
namespace {

// What is in them is part of a digest (RFC 3261 section 22.4), which a change would make wrong.
constexpr std::array hashed_fields{std::string_view{"Authorization"}, std::string_view{"Proxy-Authorization"},
                                   std::string_view{"WWW-Authenticate"},
                                   std::string_view{"Proxy-Authenticate"},
                                   std::string_view{"Authentication-Info"}};

/// Text for people stays as they wrote it, and what is binary cannot be read.
bool is_readable(const HeaderValue& type) {
  HeaderReader reader{type.head};
  const std::string_view top = reader.word().text;
  if (same_word(top, "message")) return true;
  if (!same_word(top, "application") || !reader.take('/')) return false;
  const std::string_view subtype = reader.word().text;
  return same_word(subtype, "sdp") || same_word(subtype, "simple-message-summary") ||
         (subtype.size() > 4 && same_word(subtype.substr(subtype.size() - 4), "+xml"));
}

}  // namespace

IpAddress SipInspector::seen_outside(const IpAddress& address) {
  if (address == talk_.host.address) return talk_.host_outside.address;
  return book_.seen_outside(address).value_or(talk_.host_outside.address);
}

/// From inside, addresses of the inside. From outside any: an identifier has the form that the outside was
/// given, at whichever external address.
WantsAddress SipInspector::wanted(Side from) const {
  if (from == Side::outside) return [](const IpAddress&) { return true; };
  return [this](const IpAddress& address) { return book_.is_inside(address); };
}

std::string SipInspector::inside_call_id(Side from, const Field& field) const {
  const std::string id = address_token(field.piece(), wanted(from)).text;
  if (from == Side::inside) return id;
  const auto known = dialogues_.identifier(from, id, talk_.host.address);
  return known ? known->inside : id;
}

void SipInspector::call_id(Passage& passage, const Field& field) {
  const AddressToken token = address_token(field.piece(), wanted(passage.from));
  if (!token.places.empty()) identify(passage, token);
}

/// Writes a token as its reader knows it, and remembers it where it is new.
void SipInspector::identify(Passage& passage, const AddressToken& token) {
  auto known = dialogues_.identifier(passage.from, token.text, talk_.host.address);
  const bool keeps = token.text.size() <= longest_identifier;
  if (!known) {
    Identifier identifier{token.text, token.text, {}, talk_.host.address, token.parameter};
    if (passage.from == Side::outside) {
      const bool looks_inside = std::any_of(token.places.begin(), token.places.end(), [&](const auto& place) {
        return book_.is_inside(place.address);
      });
      if (looks_inside && keeps) passage.dialogue.keep(dialogues_.remember(std::move(identifier)));
      return;
    }
    std::ptrdiff_t moved = 0;
    for (const auto& place : token.places) {
      std::string instead = address_instead(token, place, seen_outside(place.address));
      const auto at = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(place.at) + moved);
      identifier.outside.replace(at, place.length, instead);
      moved += static_cast<std::ptrdiff_t>(instead.size()) - static_cast<std::ptrdiff_t>(place.length);
      identifier.changes.push_back(
          {place.at, at, token.text.substr(place.at, place.length), std::move(instead)});
    }
    known = keeps ? dialogues_.remember(std::move(identifier))
                  : std::make_shared<const Identifier>(std::move(identifier));
  }
  if (keeps) passage.dialogue.keep(known);
  for (const auto& change : known->changes) {
    const bool outward = passage.from == Side::inside;
    const auto [at, length] = token.raw_of(outward ? change.inside_at : change.outside_at,
                                           (outward ? change.inside : change.outside).size());
    passage.edits.push_back({at, length, outward ? change.outside : change.inside});
  }
}

/// In all places that nothing has changed yet.
void SipInspector::other_addresses(Passage& passage) {
  const Message& message = passage.message;
  Ranges changed;
  for (const Edit& edit : passage.edits) changed.emplace_back(edit.at, edit.at + edit.length);
  std::sort(changed.begin(), changed.end());

  const std::string_view text = message.text();
  std::size_t at = 0;
  for (const Field& field : message.fields()) {
    others(passage, {text.substr(at, field.at - at), at}, changed);  // the line before, or the field's name
    at = field.at + field.value.size();
    const bool hashed = std::any_of(hashed_fields.begin(), hashed_fields.end(),
                                    [&](std::string_view name) { return same_word(name, field.name); });
    if (hashed) {
      if (passage.from == Side::inside)
        tally_.shown += find_addresses(field.piece(), wanted(passage.from)).size();
    } else if (&field != message.find("Call-ID")) {  // a second one is none
      others(passage, field.piece(), changed);
    }
  }
  for (const BodyPart& part : passage.parts) {
    if (is_readable(part.type)) others(passage, part.text, changed);
  }
}

void SipInspector::others(Passage& passage, Piece piece, const Ranges& changed) {
  for (const Piece& part : between(piece, changed)) {
    for (const AddressToken& token : find_addresses(part, wanted(passage.from))) {
      if (!token.bare()) {
        identify(passage, token);
      } else if (passage.from == Side::inside) {
        const auto& place = token.places.front();
        const auto [at, length] = token.raw_of(place.at, place.length);
        passage.edits.push_back({at, length, address_instead(token, place, seen_outside(place.address))});
      }
    }
  }
}

}  // namespace rgw::alg::sip
