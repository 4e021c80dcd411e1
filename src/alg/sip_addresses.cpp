// What each side reads for the other's addresses in a SIP message.
#include "sip_inspector.hpp"

namespace rgw::alg::sip {
namespace {

using net::Protocol;

std::string echo_key(char kind, std::string_view text) {
  return kind + std::string{text};
}

}  // namespace

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
  for (const HeaderValue& one : parse_values(field.piece())) {
    HeaderReader head{one.head};  // the protocol's name, its version and the transport, before the sent-by
    (void)head.word();
    if (!head.take('/')) continue;
    (void)head.word();
    if (!head.take('/')) continue;
    (void)head.word();
    std::string sent_by;  // as the outside reads it
    if (const auto place = parse_sent_by(head.rest())) {
      const std::size_t before = passage.edits.size();
      translate(passage, *place, Use::via);
      const bool edited_outward = passage.from == Side::inside && passage.edits.size() > before;
      sent_by = edited_outward ? passage.edits.back().text : host_port_text(place->host, place->port);
    }
    const auto instead = [&](const std::optional<Piece>& value, const std::optional<std::string>& text) {
      if (value && text && *text != value->text)
        passage.edits.push_back({value->at, value->text.size(), *text});
    };
    if (const auto value = one.find("received"); value && !value->empty())
      instead(value, received(passage, value->text, sent_by));
    if (const auto value = one.find("rport"); value && !value->empty()) {
      const Endpoint& written = passage.from == Side::outside ? talk_.host_outside : talk_.remote_inside;
      const Endpoint& read = passage.from == Side::outside ? talk_.host : talk_.remote;
      const bool own = value->text == std::to_string(written.port);
      instead(value, own ? std::optional{std::to_string(read.port)} : std::nullopt);
    }
  }
}

void SipInspector::translate(Passage& passage, const HostPort& place, Use use) {
  auto text = use == Use::via ? renamed(passage, place) : std::nullopt;
  if (!text) text = passage.from == Side::inside ? outward(passage, place, use) : inward(passage, place, use);
  if (!text) return;
  const std::size_t length = use == Use::identity ? place.host_length : place.length;
  passage.edits.push_back({place.at, length, *text});
}

/// A remote whose port is another towards the host (POOL-14): what the hop that a Via names sends and gets
/// passes along the session, so each side reads there the port that it sees. Nothing where it stays.
std::optional<std::string> SipInspector::renamed(Passage& passage, const HostPort& place) const {
  if (talk_.remote.port == talk_.remote_inside.port) return std::nullopt;
  const auto address = IpAddress::parse(place.host);
  if (!address) return std::nullopt;
  const bool inward = passage.from == Side::outside;
  const Endpoint& written = inward ? talk_.remote : talk_.remote_inside;
  const Endpoint& read = inward ? talk_.remote_inside : talk_.remote;
  if (Endpoint{*address, place.port.value_or(default_port)} != written) return std::nullopt;
  const std::string text = host_port_text(read.address.to_string(), read.port);
  auto& echoes = passage.dialogue.echoes;
  if (inward) {
    if (echoes.size() < most_echoes) echoes[echo_key('s', text)] = host_port_text(place.host, place.port);
    return text;
  }
  const auto echo = echoes.find(echo_key('s', host_port_text(place.host, place.port)));
  return echo != echoes.end() ? echo->second : text;
}

/// What the outside reads for a host of the inside's text; nothing where it stays.
std::optional<std::string> SipInspector::outward(Passage& passage, const HostPort& place, Use use) {
  const auto address = IpAddress::parse(place.host);
  if (!address) return std::nullopt;
  // Another network's address that looks like one of ours is said back to whoever wrote it: in the Via of an
  // answer always, elsewhere unless it is the agent's own.
  const bool echoed = use == Use::via && passage.status;
  if ((echoed || *address != talk_.host.address) &&
      passage.dialogue.heard.contains(host_port_text(place.host, place.port)))
    return std::nullopt;
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
  if (address && book_.is_inside(*address) && passage.dialogue.heard.size() < most_echoes)
    passage.dialogue.heard.insert(host_port_text(place.host, place.port));
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

}  // namespace rgw::alg::sip
