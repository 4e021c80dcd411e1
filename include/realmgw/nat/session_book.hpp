// The sessions of one worker with all that they hold: each has one birth and one death, and both are here.
#pragma once

#include "realmgw/base/counter.hpp"
#include "realmgw/nat/binding_table.hpp"
#include "realmgw/nat/external_ports.hpp"
#include "realmgw/nat/host_use.hpp"
#include "realmgw/nat/mapping_table.hpp"
#include "realmgw/nat/ownership.hpp"
#include "realmgw/nat/pinhole_table.hpp"
#include "realmgw/nat/policy.hpp"
#include "realmgw/nat/port_blocks.hpp"
#include "realmgw/nat/session_record.hpp"
#include "realmgw/nat/session_table.hpp"
#include "realmgw/nat/static_bib.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace rgw::nat {

/// How many sessions one worker has room for: hosts do not hash evenly, so with several workers twice its
/// share.
[[nodiscard]] std::uint32_t sessions_of_worker(const Policy& policy, unsigned workers);

/// What one worker derives from a policy, and by which it judges. The next rules take over what is in use.
struct Rules {
  /// The policy outlives this.
  Rules(const Policy& of, const Ownership& ownership, WorkerId self, const HashSalt& salt)
      : policy{&of},
        stateless{of.is_stateless()},
        static_bib{of.static_mappings, salt},
        ports{of, ownership, self, salt} {}

  const Policy* policy;
  bool stateless;  ///< may any packet go without a session?
  StaticBib static_bib;
  ExternalPorts ports;
};

/// What a session that is to begin stands on.
struct NewGround {
  Ground kind = Ground::none;
  std::uint32_t index = 0;  ///< as Session::held; of a static mapping, its index
  std::optional<BindingTable::Found>
      claim{};  ///< of a claim, or one that is to be pledged; nothing where it was taken elsewhere
  struct Syn {
    std::uint32_t number = 0;
    bool proven = false;  ///< its sender has shown that he is there
  } syn{};                ///< of a pledge, which is made when the session begins
};

/// Who hears of sessions: what counts, tells or copies them. Not of signposts. Called at the rate of
/// sessions, not of packets.
class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  /// A session has begun, and is complete. Why it may not go on, or nothing: then it ends at once.
  [[nodiscard]] virtual std::optional<Counter> session_began(SessionSlot slot, const NewGround& ground) = 0;
  /// A session that had pledged a claim has taken it.
  virtual void session_claimed(SessionSlot /*slot*/, const BindingTable::Found& /*claim*/) {}
  /// A session is about to end, for this reason. It is whole still. Whoever has refused it hears it, too.
  virtual void session_ends(SessionSlot slot, Counter why) = 0;
  /// A host has been given a block of ports, or it has been taken back.
  virtual void port_block_began(const PortBlock&) {}
  virtual void port_block_ended(const PortBlock&) {}
};

/// Opens, adopts and ends sessions. All that a session holds (its record and both entries of the index, its
/// port, mapping, pinhole or claim, its host's count, its remote's proxy) is taken when it begins, all or
/// nothing, and given back when it ends.
class SessionBook {
 public:
  /// The policy and the tables outlive this. `self`: whose sessions they are.
  SessionBook(const Policy& policy, const Ownership& ownership, WorkerId self, SessionTable& sessions,
              BindingTable& bindings, const HashSalt& salt);
  SessionBook(const SessionBook&) = delete;
  SessionBook& operator=(const SessionBook&) = delete;

  /// Hears of every session from now on, in the order in which observers were added. It outlives this.
  void observe(SessionObserver& observer) { observers_.push_back(&observer); }

  // -- birth
  struct NewSession {
    SessionInfo::Origin origin;
    NewGround ground{};
    bool hairpin = false;
    /// Of the keys, where they were looked for and are of no session.
    std::optional<std::uint64_t> free_inside{}, free_outside{};
    /// Of one that began elsewhere: its state and its times; the host's limits do not stop it.
    const SessionRecord* earlier = nullptr;
  };
  /// The session, or why there is none.
  using Opened = std::variant<SessionSlot, Counter>;
  /// Makes a session between two keys. A use of a shared port, or a mapping that was made for it, is the
  /// session's from here on: it is given back with the session, or at once where there is none.
  template <class Inside, class Outside>
  [[nodiscard]] Opened open(const net::FlowKey<Inside>& inside, const net::FlowKey<Outside>& outside,
                            const NewSession& how, Instant now);
  /// Makes a session that was another worker's, another gateway's or an earlier run's, with what it stands on
  /// here; its host's home is this worker. The counter tells what is in the way; nothing has changed then.
  /// The gateway's own connections are not adopted. One that came by a pinhole goes on without it. That the
  /// address of one that came by a claim is the pool's still, and that its host's packets find the way here
  /// from the worker that owns its external port, is the caller's business.
  [[nodiscard]] Opened adopt(const SessionRecord& record, Instant now);
  /// The session as a record that can be adopted elsewhere.
  [[nodiscard]] SessionRecord record_of(SessionSlot slot, Instant now) const;

  /// The hash of a key that is of no session; nothing where it is of one. `known`: it was looked for before.
  template <class Address>
  [[nodiscard]] std::optional<std::uint64_t> free_hash(
      const net::FlowKey<Address>& key, std::optional<std::uint64_t> known = std::nullopt) const {
    if (known) return known;
    const std::uint64_t hash = sessions_.hash(key);
    return sessions_.find(key, hash) == no_session ? std::optional{hash} : std::nullopt;
  }

  // -- pledges (GUARD-5)
  /// How long a handshake may take. Its packets do not lengthen that.
  static constexpr Tick pledge_time = ticks_of(std::chrono::seconds{6});
  /// What a segment is to a session that has pledged a claim. Where its handshake is complete it has taken
  /// the claim, and is as any that came by one.
  [[nodiscard]] PledgeStep step(SessionSlot slot, const HandshakeSegment& segment, Instant now);
  /// A pledge is made by a signpost, too: as long as it has not heard from home. It makes it no more.
  void leave_pledge(Session& signpost);

  // -- death
  /// Tells the observers, gives back all that a session holds, and ends it. Of a signpost, whose end nobody
  /// hears of, the record alone.
  void end(SessionSlot slot, Counter why);
  /// A session's pinhole goes before it does.
  void leave_pinhole(Session& session);

  // -- the rules
  [[nodiscard]] const Rules& rules() const { return rules_; }
  [[nodiscard]] Rules& rules() { return rules_; }
  [[nodiscard]] const Policy& policy() const { return *rules_.policy; }
  /// Goes by `next` from now on, whose sizes are the same; afterwards `next` holds the former rules. Sessions
  /// stay, whether or not they could be opened now.
  void adopt(Rules& next);
  /// Takes a session off the short way where a stateless map may take its packets, or its traffic class is
  /// not carried over. Never puts it back.
  void choose_way(Session& session) const;

  // -- mappings
  /// A new mapping with the port of a lease, which it keeps; nothing where there is no room.
  [[nodiscard]] std::optional<MappingTable::Id> map(const net::Endpoint& host, const net::IpAddress& external,
                                                    PortLease lease, net::Protocol protocol,
                                                    ExternalPorts::Set set);
  // -- blocks of ports
  /// Null where hosts have none.
  [[nodiscard]] PortBlocks* blocks() { return blocks_.get(); }
  [[nodiscard]] const PortBlocks* blocks() const { return blocks_.get(); }
  /// Does the session stand on a port of its host's blocks?
  [[nodiscard]] bool in_block(const Session& session) const;

  /// Does its host's asking hold it? A mapping that nothing holds is gone.
  void hold(MappingTable::Id id, Hold hold);
  /// May new sessions have the mapping's external endpoint? Else it ends with those that it has, or when its
  /// host's asking does, and is nobody's until then.
  [[nodiscard]] bool stands(const MappingTable::Mapping& mapping) const;

  // -- what sessions share
  [[nodiscard]] const Ownership& ownership() const { return ownership_; }
  [[nodiscard]] WorkerId self() const { return self_; }
  [[nodiscard]] SessionTable& sessions() { return sessions_; }
  [[nodiscard]] const SessionTable& sessions() const { return sessions_; }
  [[nodiscard]] BindingTable& bindings() { return bindings_; }
  [[nodiscard]] const HostUse& hosts() const { return hosts_; }
  [[nodiscard]] const MappingTable& mappings() const { return mappings_; }
  [[nodiscard]] ProxyTable& proxies() { return proxies_; }
  [[nodiscard]] const ProxyTable& proxies() const { return proxies_; }
  [[nodiscard]] PinholeTable& pinholes() { return pinholes_; }
  [[nodiscard]] const PinholeTable& pinholes() const { return pinholes_; }
  /// Ports and identifiers held or in use, on all external addresses.
  [[nodiscard]] std::size_t occupied_ports() const { return rules_.ports.occupied(); }

 private:
  void take(const NewGround& ground, const Session& session, Instant now);
  void give_back(const Session& session);
  void give_back(const MappingTable::Mapping& mapping);
  void end_heard(SessionSlot slot, Counter why, std::size_t observers);
  [[nodiscard]] bool may_call(const SessionRecord& record, Instant now);
  [[nodiscard]] std::variant<NewGround, Counter> ground_for(const SessionRecord& record, Instant now);
  void unmap(MappingTable::Id id);
  void let_go(const NewGround& ground, std::uint16_t port);
  void use_block(ExternalPorts::Set set, std::uint16_t port);
  void unuse_block(ExternalPorts::Set set, std::uint16_t port);

  Ownership ownership_;
  WorkerId self_;
  SessionTable& sessions_;
  BindingTable& bindings_;
  MappingTable mappings_;
  ProxyTable proxies_;
  PinholeTable pinholes_;
  HostUse hosts_;
  Rules rules_;
  std::unique_ptr<PortBlocks> blocks_;
  std::vector<SessionObserver*> observers_;
};

}  // namespace rgw::nat
