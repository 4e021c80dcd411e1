#include "realmgw/alg/sip.hpp"

#include "realmgw/alg/message.hpp"
#include "realmgw/alg/sdp.hpp"
#include "realmgw/alg/text.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "sip_dialogues.hpp"
#include "sip_media.hpp"

namespace rgw::alg {
namespace {

using namespace sip;
using net::Protocol;
constexpr auto npos = std::string_view::npos;
constexpr std::uint16_t default_port = 5060;  // RFC 3261 section 19.1.2

/// What stands in a header field: where others are to send to, or who somebody is.
enum class Use : std::uint8_t { via, target, identity };
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

/// A message on its way: who reads what.
struct Passage {
  Side from;
  Instant now;
  const Message& message;
  std::string_view method;  ///< of the request, or of the CSeq that a response answers
  std::optional<unsigned> status;
  Dialogue& dialogue;
  std::vector<Edit>& edits;
};

class SipInspector final : public Inspector {
 public:
  SipInspector(const Conversation& conversation, AddressBook& book, Dialogues& dialogues,
               const Options& options, Tally& tally)
      : talk_{conversation}, book_{book}, dialogues_{dialogues}, options_{options}, tally_{tally} {}

  Decision on_bytes(Side from, std::string_view window, Instant now) override {
    return talk_.protocol == Protocol::udp ? datagram(from, window, now) : stream(from, window, now);
  }
  void on_time(Instant) override {}
  bool needs_session(Instant now) override {
    while (!lasting_.empty()) {
      const Dialogue* dialogue = dialogues_.find(lasting_.begin()->first, lasting_.begin()->second);
      if (dialogue != nullptr && dialogue->lasts(now)) return true;
      lasting_.erase(lasting_.begin());
    }
    return false;
  }

 private:
  enum class Outcome : std::uint8_t { pass, refuse };

  static bool looks_like_sip(std::string_view text) {
    return text.substr(0, text.find('\n')).find("SIP/2.0") != npos;
  }

  Decision datagram(Side from, std::string_view window, Instant now) {
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

  Decision stream(Side from, std::string_view window, Instant now) {
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
      // A byte of a stream cannot be dropped: what is refused goes on as it was, and opens nothing.
      if (handle(from, message, now, edits) == Outcome::refuse) edits.clear();
      for (Edit& edit : edits) {
        edit.at += decision.decided;
        decision.edits.push_back(std::move(edit));
      }
      decision.decided += message.size();
    }
    return decision;
  }

  Outcome handle(Side from, const Message& message, Instant now, std::vector<Edit>& edits);
  void request_uri(Passage& passage);
  void via(Passage& passage, const Field& field);
  std::optional<std::string> received(Passage& passage, std::string_view value, const std::string& sent_by);
  void uris(Passage& passage, const Field& field, Use use);
  void translate(Passage& passage, const HostPort& place, Use use);
  std::optional<std::string> outward(Passage& passage, const HostPort& place, Use use);
  std::optional<std::string> inward(Passage& passage, const HostPort& place, Use use);
  std::optional<Endpoint> signalling(Passage& passage, const Endpoint& inside, Use use);
  /// Where the conversation decides it: what its own host is to be reached at.
  [[nodiscard]] std::optional<IpAddress> external_of(const Endpoint& inside) const {
    if (inside.address != talk_.host.address) return std::nullopt;
    return talk_.host_outside.address;
  }
  Outcome body(Passage& passage);
  void advance(Passage& passage);
  void registered(Passage& passage);

  [[nodiscard]] std::string inside_call_id(Side from, std::string_view written);

  const Conversation talk_;
  AddressBook& book_;
  Dialogues& dialogues_;
  const Options options_;
  Tally& tally_;
  std::array<std::size_t, 2> scanned_{};
  std::set<Dialogues::Key> lasting_;  ///< calls and registrations that were agreed on over this session
};

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

/// A Call-ID may carry the address of who made it. It is written with the external one outside, and turned
/// back only for a dialogue that is known.
std::string SipInspector::inside_call_id(Side from, std::string_view written) {
  std::string id{written};
  if (from == Side::inside) return id;
  std::string back = replaced(id, talk_.host_outside.address.to_string(), talk_.host.address.to_string());
  return dialogues_.find(back, talk_.host.address) != nullptr ? back : id;
}

SipInspector::Outcome SipInspector::handle(Side from, const Message& message, Instant now,
                                           std::vector<Edit>& edits) {
  ++tally_.messages;
  const Field* call_id = message.find("Call-ID");
  std::string_view sequence = message.value("CSeq");
  (void)take_until(sequence, ' ');
  const auto status = message.status();
  const std::string_view method = status ? trimmed(sequence) : message.method();
  if (call_id == nullptr || call_id->value.empty() || call_id->value.size() > 512 || method.empty()) {
    ++tally_.malformed;
    return Outcome::refuse;
  }
  const std::string inside_id = inside_call_id(from, call_id->value);
  Dialogue* dialogue = dialogues_.make(inside_id, talk_.host.address);
  if (dialogue == nullptr) {
    ++tally_.over_limit;
    return Outcome::refuse;
  }
  dialogue->at_least_until(now + transaction_time);

  Passage passage{from, now, message, method, status, *dialogue, edits};
  const std::string own = talk_.host.address.to_string();
  const std::string outside_id = replaced(inside_id, own, talk_.host_outside.address.to_string());
  const std::string& reader_id = from == Side::inside ? outside_id : inside_id;
  if (reader_id != call_id->value) edits.push_back({call_id->at, call_id->value.size(), reader_id});

  if (!status) request_uri(passage);
  for (const Field& field : message.fields()) {
    const auto row = std::find_if(header_rows.begin(), header_rows.end(),
                                  [&](const HeaderRow& r) { return same_word(r.name, field.name); });
    if (row == header_rows.end()) continue;
    if (row->use == Use::via) {
      via(passage, field);
    } else {
      uris(passage, field, row->use);
    }
  }
  if (body(passage) == Outcome::refuse || !finish_edits(message, edits)) {
    dialogue->offered.clear();
    ++tally_.refused;
    return Outcome::refuse;
  }
  advance(passage);
  if (status && *status / 100 == 2 && dialogue->lasts(now)) lasting_.emplace(inside_id, talk_.host.address);
  if (!edits.empty()) ++tally_.edited;
  return Outcome::pass;
}

void SipInspector::request_uri(Passage& passage) {
  const auto [at, uri] = passage.message.uri();
  // From inside, it names somebody outside, or the registrar.
  const Use use = passage.from == Side::inside ? Use::identity : Use::target;
  for (const HostPort& place : find_uris(uri, at, 1)) translate(passage, place, use);
}

void SipInspector::uris(Passage& passage, const Field& field, Use use) {
  for (const HostPort& place : find_uris(field.value, field.at)) translate(passage, place, use);
}

std::string echo_key(char kind, std::string_view text) {
  return kind + std::string{text};
}
std::string echo_key(Use use, std::string_view text) {
  return echo_key(use == Use::via ? 'v' : use == Use::target ? 'u' : 'i', text);
}

/// Whence the hop below has seen a request come (RFC 3261 section 18.2.1), by the sent-by as the outside
/// reads it. Nothing where it stays.
std::optional<std::string> SipInspector::received(Passage& passage, std::string_view value,
                                                  const std::string& sent_by) {
  const bool bracketed =
      value.size() > 2 && value.front() == '[' && value.back() == ']';  // RFC 5118 section 4.5
  const auto address = IpAddress::parse(bracketed ? value.substr(1, value.size() - 2) : value);
  if (!address) return std::nullopt;
  const std::string key = echo_key('r', sent_by);
  if (passage.from == Side::outside) {
    if (const auto echo = passage.dialogue.echoes.find(key); echo != passage.dialogue.echoes.end())
      return echo->second;
    return *address == talk_.host_outside.address ? std::optional{talk_.host.address.to_string()}
                                                  : std::nullopt;
  }
  const auto seen = book_.seen_outside(*address);
  if (!seen || *seen == *address) return std::nullopt;
  // What stands there of an agent behind a proxy inside, the proxy needs as it wrote it.
  if (*address != talk_.remote_inside.address && passage.dialogue.echoes.size() < most_echoes)
    passage.dialogue.echoes[key] = value;
  return seen->to_string();
}

/// RFC 3261 section 20.42, several in one field or one; RFC 3581 for received and rport.
void SipInspector::via(Passage& passage, const Field& field) {
  for (std::size_t begin = 0; begin < field.value.size();) {
    const std::size_t end = std::min(field.value.find(',', begin), field.value.size());
    const std::string_view one = field.value.substr(begin, end - begin);
    const std::size_t version = find_word(one, "sip/2.0/");
    const std::size_t space = version == npos ? npos : one.find_first_of(" \t", version);
    const std::size_t host = space == npos ? npos : one.find_first_not_of(" \t\r\n", space);
    std::string sent_by;  // as the outside reads it
    if (host != npos) {
      if (const auto place = parse_host_port(one.substr(host), field.at + begin + host)) {
        const std::size_t before = passage.edits.size();
        translate(passage, *place, Use::via);
        const bool edited_outward = passage.from == Side::inside && passage.edits.size() > before;
        sent_by = edited_outward ? passage.edits.back().text : host_port_text(place->host, place->port);
      }
    }
    const auto parameter = [&](std::string_view name, auto&& instead) {
      const std::size_t at = find_word(one, name);
      if (at == npos) return;
      const std::string_view value =
          one.substr(at + name.size(), one.substr(at + name.size()).find_first_of("; \t\r\n"));
      const std::optional<std::string> text = instead(value);
      if (text && *text != value)
        passage.edits.push_back({field.at + begin + at + name.size(), value.size(), *text});
    };
    parameter(";received=", [&](std::string_view value) { return received(passage, value, sent_by); });
    parameter(";rport=", [&](std::string_view value) {
      const bool own = passage.from == Side::outside && value == std::to_string(talk_.host_outside.port);
      return own ? std::optional{std::to_string(talk_.host.port)} : std::nullopt;
    });
    begin = end + 1;
  }
}

void SipInspector::translate(Passage& passage, const HostPort& place, Use use) {
  const auto text = passage.from == Side::inside ? outward(passage, place, use) : inward(passage, place, use);
  if (!text) return;
  const std::size_t length = use == Use::identity ? place.host_length : place.length;
  passage.edits.push_back({place.at, length, *text});
}

/// What the outside reads for a host of the inside's text; nothing where it stays.
std::optional<std::string> SipInspector::outward(Passage& passage, const HostPort& place, Use use) {
  const auto address = IpAddress::parse(place.host);
  if (!address) return std::nullopt;
  if (!book_.is_inside(*address)) {
    const auto seen = book_.seen_outside(*address);
    if (!seen || *seen == *address) return std::nullopt;
    return host_port_text(seen->to_string(), use == Use::identity ? std::nullopt : place.port);
  }
  const auto name = options_.address_form == AddressForm::fqdn ? book_.name_of(*address) : std::nullopt;
  std::string text;
  if (use == Use::identity) {
    const auto seen = *address == talk_.host.address ? std::optional{talk_.host_outside.address}
                                                     : book_.seen_outside(*address);
    if (!name && !seen) return std::nullopt;
    text = name ? *name : host_port_text(seen->to_string(), std::nullopt);
    auto& echoes = passage.dialogue.echoes;
    if (echoes.size() < most_echoes &&
        (*address == talk_.host.address || !echoes.contains(echo_key(use, text))))
      echoes[echo_key(use, text)] = host_port_text(place.host, std::nullopt);
    return text;
  }
  if (name) {
    text = host_port_text(*name, place.port);
  } else {
    const auto seen = signalling(passage, {*address, place.port.value_or(default_port)}, use);
    if (!seen) {
      ++tally_.refused;
      text = host_port_text(talk_.host_outside.address.to_string(), talk_.host_outside.port);
    } else {
      text = host_port_text(seen->address.to_string(), seen->port);
    }
  }
  if (passage.dialogue.echoes.size() < most_echoes)
    passage.dialogue.echoes[echo_key(use, text)] = host_port_text(place.host, place.port);
  return text;
}

/// What the inside reads for a host of the outside's text; nothing where it stays.
std::optional<std::string> SipInspector::inward(Passage& passage, const HostPort& place, Use use) {
  const auto address = IpAddress::parse(place.host);
  if (use == Use::identity) {
    // As the inside party has called itself, where it has. What a caller outside calls it is for the two of
    // them: an agent shows it again, in its RTCP too.
    const auto echo = passage.dialogue.echoes.find(echo_key(use, host_port_text(place.host, std::nullopt)));
    if (echo != passage.dialogue.echoes.end()) return echo->second;
    if (address == talk_.host_outside.address) return std::nullopt;
  } else {
    const auto echo = passage.dialogue.echoes.find(echo_key(use, host_port_text(place.host, place.port)));
    if (echo != passage.dialogue.echoes.end()) return echo->second;
    if (!address) {
      if (options_.address_form != AddressForm::fqdn ||
          book_.name_of(talk_.host.address) != std::string{place.host})
        return std::nullopt;
      return host_port_text(talk_.host.address.to_string(), place.port);
    }
    const Endpoint external{*address, place.port.value_or(default_port)};
    if (const auto inside = book_.inside_of(external, talk_.protocol))
      return host_port_text(inside->address.to_string(), inside->port);
    if (*address == talk_.host_outside.address && (!place.port || *place.port == talk_.host_outside.port))
      return host_port_text(talk_.host.address.to_string(), talk_.host.port);
  }
  if (!address || address->family() == talk_.host.address.family()) return std::nullopt;
  const auto seen = book_.seen_inside(*address);
  if (!seen || *seen == *address) return std::nullopt;
  return host_port_text(seen->to_string(), use == Use::identity ? std::nullopt : place.port);
}

/// The external endpoint at which others reach an inside one.
std::optional<Endpoint> SipInspector::signalling(Passage& passage, const Endpoint& inside, Use use) {
  // Answers come back along the session itself (RFC 3261 section 18.2.2), but for a sent-by of another port
  // on UDP.
  if (use == Use::via && inside.address == talk_.host.address &&
      (talk_.protocol != Protocol::udp || inside.port == talk_.host.port))
    return talk_.host_outside;
  if (inside.port == 0) return std::nullopt;
  SignalKey key{talk_.protocol, inside, std::nullopt, external_of(inside)};
  // Who is registered is called through the registrar.
  if (passage.method == "REGISTER") key.from = talk_.remote.address;
  auto& signals = passage.dialogue.signals;
  if (const auto known = signals.find(key); known != signals.end()) return known->second->hole.external();
  if (signals.size() >= most_signals) return std::nullopt;
  PinholeRequest request;
  request.protocol = talk_.protocol;
  request.target = inside;
  request.from = key.from;
  request.single_use = false;
  request.signalling = true;
  request.deadline = passage.dialogue.deadline;
  request.external = key.external;
  if (inside.address == talk_.host.address) {
    request.preferred_port = inside.port == talk_.host.port ? talk_.host_outside.port : inside.port;
  }
  auto signal = dialogues_.signal(book_, key, request);
  if (!signal) return std::nullopt;
  signal->at_least_until(passage.dialogue.deadline);
  const Endpoint external = signal->hole.external();
  signals.emplace(key, std::move(signal));
  return external;
}

SipInspector::Outcome SipInspector::body(Passage& passage) {
  const Message& message = passage.message;
  if (message.body().empty() || message.find("Content-Encoding") != nullptr) return Outcome::pass;
  std::vector<BodyPart> parts;
  if (!find_sdp(message.value("Content-Type"), message.body(), message.body_at(), parts)) {
    ++tally_.over_limit;
    return Outcome::refuse;
  }
  for (const BodyPart& part : parts) {
    const Endpoint& reader = passage.from == Side::inside ? talk_.remote : talk_.host;
    MediaView view{book_, passage.dialogue, passage.from, reader.address.family(), passage.now};
    switch (translate_sdp(part.text, part.at, view, passage.edits)) {
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

/// Where the dialogue stands after this message (RFC 3261 sections 12 to 15; RFC 3311 for UPDATE).
void SipInspector::advance(Passage& passage) {
  Dialogue& dialogue = passage.dialogue;
  const Instant now = passage.now;
  const bool invite = passage.method == "INVITE";
  if (!passage.status) {
    if (invite) dialogue.over = false;
    if (invite && !dialogue.confirmed) dialogue.until(now + ringing_time);
    if (passage.method == "BYE") {
      dialogue.end_media();
      dialogue.over = true;
      dialogue.until(now + transaction_time);
    }
    // Unless a 2xx comes all the same, the call is over soon (RFC 3261 section 9).
    if (passage.method == "CANCEL" && !dialogue.confirmed) dialogue.until(now + transaction_time);
    return;
  }
  const unsigned status = *passage.status;
  if (passage.method == "REGISTER" && status / 100 == 2 && passage.from == Side::outside) registered(passage);
  if (dialogue.over || (!invite && passage.method != "UPDATE")) return;
  if (status / 100 == 2) {
    dialogue.commit();
    dialogue.confirmed = dialogue.confirmed || invite;
    Duration lasts = call_time;
    std::string_view session = passage.message.value("Session-Expires");
    if (const auto seconds = to_number<std::uint32_t>(trimmed(take_until(session, ';'))))
      lasts = std::clamp<Duration>(std::chrono::seconds{*seconds} + transaction_time, ringing_time,
                                   longest_registration);
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
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::string_view one = take_until(rest, ',');
      const std::size_t at = find_word(one, ";expires=");
      auto expires = common;
      if (at != npos) expires = to_number<std::uint32_t>(one.substr(at + 9, digits(one.substr(at + 9))));
      const Duration lasts =
          std::min<Duration>(std::chrono::seconds{expires.value_or(3600)}, longest_registration);
      for (const HostPort& place : find_uris(one, 0, 1)) {
        const auto echo = dialogue.echoes.find(echo_key(Use::target, host_port_text(place.host, place.port)));
        if (echo == dialogue.echoes.end() || lasts == Duration{}) continue;
        const auto original = parse_host_port(echo->second, 0);
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
