#include "realmgw/alg/sip.hpp"

#include "realmgw/alg/sdp.hpp"

#include <algorithm>
#include <array>

#include "sip_inspector.hpp"
#include "sip_media.hpp"

namespace rgw::alg {
namespace sip {
namespace {

using net::Protocol;
constexpr auto npos = std::string_view::npos;

struct HeaderRow {
  std::string_view name;
  Use use;
};
// RFC 3261 section 20; RFC 3327 Path, RFC 3608 Service-Route, RFC 3515 Refer-To, RFC 3325 P-*-Identity.
constexpr std::array header_rows{
    HeaderRow{"Via", Use::via},
    HeaderRow{"Contact", Use::target},
    HeaderRow{"Record-Route", Use::target},
    HeaderRow{"Route", Use::target},
    HeaderRow{"Path", Use::target},
    HeaderRow{"Service-Route", Use::target},
    HeaderRow{"From", Use::identity},
    HeaderRow{"To", Use::identity},
    HeaderRow{"Reply-To", Use::identity},
    HeaderRow{"Refer-To", Use::identity},
    HeaderRow{"Referred-By", Use::identity},
    HeaderRow{"P-Asserted-Identity", Use::identity},
    HeaderRow{"P-Preferred-Identity", Use::identity},
    HeaderRow{"Remote-Party-ID", Use::identity},
    HeaderRow{"History-Info", Use::identity},
    HeaderRow{"Diversion", Use::identity},
};

bool looks_like_sip(std::string_view text) {
  return find_word(text.substr(0, text.find('\n')), "sip/2.0") != npos;
}

}  // namespace

Decision SipInspector::datagram(Side from, std::string_view window, Instant now) {
  Decision decision;
  decision.decided = window.size();
  if (!looks_like_sip(window)) return decision;  // a keep-alive (RFC 5626 section 3.5), or STUN
  Message message;
  std::size_t scanned = 0;
  const auto state = message.read(window, true, scanned);
  if (state != Message::State::complete) {
    ++(state == Message::State::over_limit ? tally_.over_limit : tally_.malformed);
    decision.drop = true;
  } else if (handle(from, message, now, decision.edits) == Outcome::refuse) {
    decision.drop = true;
  }
  if (decision.drop) decision.edits.clear();
  return decision;
}

Decision SipInspector::stream(Side from, std::string_view window, Instant now) {
  Decision decision;
  std::size_t& scanned = scanned_[static_cast<std::size_t>(from)];
  while (decision.decided < window.size()) {
    const std::string_view rest = window.substr(decision.decided);
    if (rest.front() == '\r' || rest.front() == '\n') {  // RFC 3261 section 7.5
      ++decision.decided;
      scanned = 0;
      continue;
    }
    const bool line_complete = rest.find('\n') != npos;
    Message message;
    const auto state = message.read(rest, false, scanned);
    if (state == Message::State::incomplete && (!line_complete || looks_like_sip(rest))) break;
    if (state != Message::State::complete || !looks_like_sip(rest)) {
      // A stream that is not understood once cannot be framed again: it passes as it is.
      ++(state == Message::State::over_limit ? tally_.over_limit : tally_.malformed);
      decision.finished = true;
      break;
    }
    scanned = 0;
    std::vector<Edit> edits;
    // A byte of a stream cannot be dropped: what is refused goes on, and opens nothing.
    (void)handle(from, message, now, edits);
    for (Edit& edit : edits) {
      edit.at += decision.decided;
      decision.edits.push_back(std::move(edit));
    }
    decision.decided += message.size();
  }
  return decision;
}

SipInspector::Outcome SipInspector::handle(Side from, const Message& message, Instant now,
                                           std::vector<Edit>& edits) {
  ++tally_.messages;
  const Field* call_id = message.find("Call-ID");
  HeaderReader sequence{{message.value("CSeq")}};  // a number and a method
  (void)sequence.word();
  const auto status = message.status();
  const std::string_view method = status ? sequence.word().text : message.method();
  if (call_id == nullptr || call_id->value.empty() || call_id->value.size() > longest_identifier ||
      method.empty()) {
    ++tally_.malformed;
    return Outcome::refuse;
  }
  const std::string inside_id = inside_call_id(from, *call_id);
  Dialogue* dialogue = dialogues_.make(inside_id, talk_.host.address);
  if (dialogue == nullptr) {
    ++tally_.over_limit;
    return Outcome::refuse;
  }
  // What nobody has acknowledged, repetitions do not prolong: the agent hangs up 64*T1 after its first 2xx.
  if (!dialogue->unacknowledged) dialogue->at_least_until(now + transaction_time);

  Passage passage{from, now, message, method, status, *dialogue, edits};
  this->call_id(passage, *call_id);
  fields(passage);
  const bool refused = body(passage) == Outcome::refuse;
  if (refused) {
    // On TCP the message goes on, and opens nothing; no inside address shall be in it all the same.
    edits.clear();
    this->call_id(passage, *call_id);
  }
  other_addresses(passage);
  if (!finish_edits(message, edits)) {
    edits.clear();
    ++tally_.malformed;
    return Outcome::refuse;
  }
  if (refused) {
    dialogue->offered.clear();
    ++tally_.refused;
    return Outcome::refuse;
  }
  if (from == Side::outside && !status) {
    const auto tag = to_tag(passage);
    if (tag || method == "ACK") dialogues_.acknowledge(inside_id, tag.value_or(""), now);
  }
  advance(passage);
  if (status && *status / 100 == 2 && dialogue->lasts(now)) lasting_.emplace(inside_id, talk_.host.address);
  if (!edits.empty()) ++tally_.edited;
  return Outcome::pass;
}

void SipInspector::fields(Passage& passage) {
  const Message& message = passage.message;
  if (!passage.status) {
    // From inside, it names somebody outside, or the registrar.
    const Use use = passage.from == Side::inside ? Use::identity : Use::target;
    for (const HostPort& place : find_uris(message.uri(), 1)) translate(passage, place, use);
  }
  for (const Field& field : message.fields()) {
    const auto row = std::find_if(header_rows.begin(), header_rows.end(),
                                  [&](const HeaderRow& r) { return same_word(r.name, field.name); });
    if (row == header_rows.end()) continue;
    if (row->use == Use::via) {
      via(passage, field);
    } else {
      uris(passage, field.piece(), row->use);
    }
  }
}

void SipInspector::uris(Passage& passage, Piece piece, Use use) {
  for (const HostPort& place : find_uris(piece)) translate(passage, place, use);
}

SipInspector::Outcome SipInspector::body(Passage& passage) {
  const Message& message = passage.message;
  if (message.body().empty() || message.find("Content-Encoding") != nullptr) return Outcome::pass;
  const Field* type = message.find("Content-Type");
  if (!find_parts(type == nullptr ? Piece{} : type->piece(), {message.body(), message.body_at()},
                  passage.parts)) {
    ++tally_.over_limit;
    return Outcome::refuse;
  }
  for (const BodyPart& part : passage.parts) {
    if (!is_media_type(part.type, "application", "sdp")) continue;
    const Endpoint& reader = passage.from == Side::inside ? talk_.remote : talk_.host;
    MediaView view{book_, passage.dialogue, passage.from, reader.address.family(), passage.now};
    switch (translate_sdp(part.text.text, part.text.at, view, passage.edits)) {
      case SdpResult::good:
        break;
      case SdpResult::malformed:
        ++tally_.malformed;
        return Outcome::refuse;
      case SdpResult::over_limit:
        ++tally_.over_limit;
        return Outcome::refuse;
      case SdpResult::refused:
        return Outcome::refuse;
    }
  }
  return Outcome::pass;
}

/// The tag of the party that was called, as the outside reads it. Nothing where there is none, as in a
/// request that begins a dialogue (RFC 3261 section 8.1.1.2).
std::optional<std::string> SipInspector::to_tag(const Passage& passage) {
  const Field* to = passage.message.find("To");
  const auto tag = to == nullptr ? std::nullopt : parse_value(to->piece()).find("tag");
  if (!tag) return std::nullopt;
  if (passage.from == Side::outside) return std::string{tag->text};
  Decision within;
  within.decided = tag->text.size();
  for (const Edit& edit : passage.edits) {
    if (edit.at >= tag->at && edit.at + edit.length <= tag->at + tag->text.size())
      within.edits.push_back({edit.at - tag->at, edit.length, edit.text});
  }
  return edited(within, tag->text);
}

/// Where the dialogue stands after this message (RFC 3261 sections 12 to 15; RFC 3311 for UPDATE).
void SipInspector::advance(Passage& passage) {
  Dialogue& dialogue = passage.dialogue;
  const Instant now = passage.now;
  const bool invite = passage.method == "INVITE";
  if (!passage.status) {
    if (invite) {
      dialogue.inviter = passage.from;
      dialogue.over = dialogue.cancelled = false;
    }
    if (passage.method == "BYE") {
      dialogue.end_media();
      dialogue.over = true;
      dialogue.until(now + transaction_time);
    }
    // Unless a 2xx comes all the same, the call is over soon (RFC 3261 section 9).
    if (passage.method == "CANCEL" && !dialogue.confirmed) {
      dialogue.cancelled = true;
      dialogue.until(now + transaction_time);
    }
    return;
  }
  const unsigned status = *passage.status;
  if (passage.method == "REGISTER" && status / 100 == 2 && passage.from == Side::outside) registered(passage);
  if (dialogue.over || (!invite && passage.method != "UPDATE")) return;
  // Without an INVITE of the other side it answers nothing, and anybody may have sent it.
  if (invite && !dialogue.confirmed && dialogue.inviter != net::other(passage.from)) return;
  if (status / 100 == 1) {
    if (invite && !dialogue.confirmed && !dialogue.cancelled) dialogue.at_least_until(now + ringing_time);
  } else if (status / 100 == 2) {
    dialogue.commit();
    Duration lasts = call_time;
    const auto session = parse_value({passage.message.value("Session-Expires")});
    if (const auto seconds = to_number<std::uint32_t>(session.head.text))
      lasts = std::clamp<Duration>(std::chrono::seconds{*seconds} + transaction_time, ringing_time,
                                   longest_registration);
    if (passage.from == Side::outside) {
      dialogue.unacknowledged.reset();
    } else if (dialogue.unacknowledged) {  // repeated, or that of another fork
      if (invite) dialogue.unacknowledged = Acceptance{to_tag(passage).value_or(""), lasts};
      dialogue.until(dialogue.deadline);
      return;
    } else if (invite && !dialogue.confirmed) {
      dialogue.unacknowledged = Acceptance{to_tag(passage).value_or(""), lasts};
      lasts = transaction_time;
    }
    dialogue.confirmed = dialogue.confirmed || invite;
    if (dialogue.confirmed) dialogue.until(now + lasts);
  } else if (status >= 300) {
    dialogue.offered.clear();
    if (!dialogue.confirmed && invite) {
      dialogue.end_media();
      dialogue.until(now + transaction_time);
    }
  }
}

/// A registrar's 200 lists what is registered, and for how long (RFC 3261 section 10.3).
void SipInspector::registered(Passage& passage) {
  Dialogue& dialogue = passage.dialogue;
  const auto common = to_number<std::uint32_t>(passage.message.value("Expires"));
  Duration longest{};
  std::vector<SignalKey> listed;
  for (const Field& field : passage.message.fields()) {
    if (!same_word(field.name, "Contact")) continue;
    for (const HeaderValue& one : parse_values(field.piece())) {
      const auto own = one.find("expires");
      const auto expires = own ? to_number<std::uint32_t>(own->text) : common;
      const Duration lasts =
          std::min<Duration>(std::chrono::seconds{expires.value_or(3600)}, longest_registration);
      for (const HostPort& place : find_uris(one.head, 1)) {
        const auto echo = dialogue.echoes.find(echo_key(Use::target, host_port_text(place.host, place.port)));
        if (echo == dialogue.echoes.end() || lasts == Duration{}) continue;
        const auto original = parse_host_port({echo->second});
        const auto address = original ? IpAddress::parse(original->host) : std::nullopt;
        if (!address) continue;
        const Endpoint agent{*address, original->port.value_or(default_port)};
        listed.push_back({talk_.protocol, agent, talk_.remote.address, external_of(agent)});
        longest = std::max(longest, lasts);
      }
    }
  }
  std::erase_if(dialogue.signals, [&](const auto& entry) {
    return std::find(listed.begin(), listed.end(), entry.first) == listed.end();
  });
  dialogue.registered = longest != Duration{};
  dialogue.until(passage.now + longest + transaction_time);
}

}  // namespace sip

namespace {

using namespace sip;

class Sip final : public Alg {
 public:
  explicit Sip(const Options& options) : options_{options} {}
  std::unique_ptr<Inspector> inspect(const Conversation& conversation, AddressBook& book) override {
    return std::make_unique<SipInspector>(conversation, book, dialogues_, options_, tally_);
  }
  void on_time(Instant now) override { dialogues_.expire(now); }

 private:
  Options options_;
  Dialogues dialogues_;
};

}  // namespace

std::unique_ptr<Alg> make_sip(const Options& options) {
  return std::make_unique<Sip>(options);
}

}  // namespace rgw::alg
