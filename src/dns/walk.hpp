// From a question to the records that answer it: RFC 1034 section 4.3.2, and names that reserve (POOL-1).
#pragma once

#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/dns/message_writer.hpp"
#include "realmgw/dns/zone.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace rgw::dns {

/// An address that was reserved while the query waited.
struct Settled {
  HostId host;
  net::Service service;
  net::IpAddress address;
};

/// How a walk ended, beside what it wrote.
struct Walked {
  enum class End : std::uint8_t {
    answered,    ///< `rcode` and the records are the answer
    outside,     ///< in none of the zones
    waiting,     ///< `ticket` stands for an address to come; what was written is void
    exhausted,   ///< no address was to be had; void likewise
    challenged,  ///< the requester must prove his address first; void likewise
    withdrawn,   ///< the settled address is for another name than stands there now; void likewise
  };

  End end = End::answered;
  Rcode rcode = Rcode::noerror;
  bool authoritative = false;
  bool overflow = false;  ///< something that must be in the answer did not fit
  bool retransmitted = false;
  bool aliased = false;  ///< the answer is another name, which the requester is to ask for
  bool proven = false;   ///< the name was proof of the requester's address
  bool bound = false;    ///< the address is for the clients alone that the requester told
  Ticket ticket;
  HostId host;  ///< what was to be reserved
  net::Service service;
};

/// One question's way. Writes records behind the question in `writer`.
class Walk {
 public:
  /// A CNAME chain ends after this many, or where it leads back; the resolver may go on from there.
  static constexpr unsigned max_aliases = 8;

  /// `settled` replaces the reservation where the wait for it is over; null else. `names` may be null.
  Walk(const ZoneSet& zones, DynamicNames* names, View view, const Requester& requester,
       const Question& question, Instant now, const Settled* settled, MessageWriter& writer)
      : zones_{zones},
        names_{names},
        view_{view},
        requester_{requester},
        question_{question},
        now_{now},
        settled_{settled},
        writer_{writer} {}

  [[nodiscard]] Walked run();

 private:
  /// Where the walk stands: a name, its lower case, and the zone it lies in.
  struct Step {
    const Name& name;
    const Name& lower;
    const Zone* zone;
  };

  [[nodiscard]] const Zone* zone_of(const Name& lower) const;
  /// Answers at `step`, or says at which name to go on.
  [[nodiscard]] std::optional<Name> answer_at(const Step& step, bool is_first);
  void answer_dynamic(const Step& step, const Node* node);
  /// At a reverse name: true where an answer has been written.
  [[nodiscard]] bool answer_reverse(const Step& step, const Node* node);
  void answer_addresses(const Step& step, const Found& found);
  void answer_srv(const Step& step, const Found::Srv& srv, std::uint32_t ttl);
  void answer_reserved(const Step& step, const Found& found, bool has_records);
  void answer_any(const Step& step);
  void refer(const Node& cut);
  void deny(const Zone& zone, Rcode rcode);
  void add_targets(const RrSet& set, const Name* required_below);

  void put(Section section, const Name& owner, RrType type, std::uint32_t ttl, const RdataView& rdata);
  void put_set(Section section, const Name& owner, const RrSet& set);
  void put_data(const Name& owner, std::uint32_t ttl, std::string_view data);
  void put_address(const Name& owner, std::uint32_t ttl, const net::IpAddress& address);
  [[nodiscard]] bool try_set(const Name& owner, const RrSet& set);

  const ZoneSet& zones_;
  DynamicNames* names_;
  View view_;
  const Requester& requester_;
  const Question& question_;
  Instant now_;
  const Settled* settled_;
  MessageWriter& writer_;
  std::array<const Node*, max_aliases + 1> aliases_{};  // that were answered
  std::uint8_t aliases_seen_ = 0;
  Walked result_;
};

}  // namespace rgw::dns
