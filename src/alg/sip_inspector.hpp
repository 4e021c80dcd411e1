// Reads one conversation's SIP messages (RFC 3261): which dialogue each belongs to and how far that has come
// (sip.cpp), what the other side reads for the addresses where others send to or who somebody is
// (sip_addresses.cpp), and in every other place (sip_identifiers.cpp).
#pragma once

#include "realmgw/alg/address_text.hpp"
#include "realmgw/alg/alg.hpp"
#include "realmgw/alg/message.hpp"
#include "realmgw/alg/text.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sip_dialogues.hpp"

namespace rgw::alg::sip {

inline constexpr std::uint16_t default_port = 5060;  ///< RFC 3261 section 19.1.2

/// What stands in a header field: where others are to send to, or who somebody is.
enum class Use : std::uint8_t { via, target, identity };
/// How the inside has written what the outside was shown as `text`: a key of Dialogue::echoes.
[[nodiscard]] std::string echo_key(Use use, std::string_view text);

/// A message on its way: who reads what.
struct Passage {
  Side from;
  Instant now;
  const Message& message;
  std::string_view method;  ///< of the request, or of the CSeq that a response answers
  std::optional<unsigned> status;
  Dialogue& dialogue;
  std::vector<Edit>& edits;
  std::vector<BodyPart> parts{};  ///< of the body, where it can be read
};

class SipInspector final : public Inspector {
 public:
  SipInspector(const Conversation& conversation, AddressBook& book, Dialogues& dialogues,
               const Options& options, Tally& tally)
      : talk_{conversation}, book_{book}, dialogues_{dialogues}, options_{options}, tally_{tally} {}

  Decision on_bytes(Side from, std::string_view window, Instant now) override {
    return talk_.protocol == net::Protocol::udp ? datagram(from, window, now) : stream(from, window, now);
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

  Decision datagram(Side from, std::string_view window, Instant now);
  Decision stream(Side from, std::string_view window, Instant now);
  Outcome handle(Side from, const Message& message, Instant now, std::vector<Edit>& edits);
  void fields(Passage& passage);
  void via(Passage& passage, const Field& field);
  std::optional<std::string> received(Passage& passage, std::string_view value, const std::string& sent_by);
  void uris(Passage& passage, Piece piece, Use use);
  void translate(Passage& passage, const HostPort& place, Use use);
  [[nodiscard]] std::optional<std::string> renamed(Passage& passage, const HostPort& place) const;
  std::optional<std::string> outward(Passage& passage, const HostPort& place, Use use);
  std::optional<std::string> inward(Passage& passage, const HostPort& place, Use use);
  std::optional<Endpoint> signalling(Passage& passage, const Endpoint& inside, Use use);
  /// Where the conversation decides it: what its own host is to be reached at.
  [[nodiscard]] std::optional<IpAddress> external_of(const Endpoint& inside) const {
    if (inside.address != talk_.host.address) return std::nullopt;
    return talk_.host_outside.address;
  }
  Outcome body(Passage& passage);
  [[nodiscard]] static std::optional<std::string> to_tag(const Passage& passage);
  void advance(Passage& passage);
  void registered(Passage& passage);

  [[nodiscard]] std::string inside_call_id(Side from, const Field& field) const;
  void call_id(Passage& passage, const Field& field);
  void other_addresses(Passage& passage);
  void others(Passage& passage, Piece piece, const Ranges& changed);
  void identify(Passage& passage, const AddressToken& token);
  [[nodiscard]] IpAddress seen_outside(const IpAddress& address);
  [[nodiscard]] WantsAddress wanted(Side from) const;

  const Conversation talk_;
  AddressBook& book_;
  Dialogues& dialogues_;
  const Options options_;
  Tally& tally_;
  std::array<std::size_t, 2> scanned_{};
  std::set<Dialogues::Key> lasting_;  ///< calls and registrations that were agreed on over this session
};

}  // namespace rgw::alg::sip
