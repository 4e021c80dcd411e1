// What an ALG asks of the gateway: how an address is written on the other side, and holes for what it
// announces.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/side.hpp"
#include "realmgw/net/transport.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace rgw::alg {

using net::Endpoint;
using net::IpAddress;
using net::Side;

/// The four ends of an inspected session: each peer as it is, and as the other side sees it. The families of
/// the inside pair and of the outside pair may differ (NAT64, NAT46).
struct Conversation {
  net::Protocol protocol = net::Protocol::tcp;
  Side opener = Side::inside;
  Endpoint host;           ///< the inside peer, as it is
  Endpoint host_outside;   ///< the inside peer, as the outside sees it: an external endpoint E
  Endpoint remote;         ///< the outside peer, as it is
  Endpoint remote_inside;  ///< the outside peer, as the inside sees it
};

/// Never used twice in the life of a daemon, so that a late `close` meets nobody else.
using PinholeId = std::uint64_t;

/// A wish to let a session in (or out) that no rule knows, because the text of another announced it.
struct PinholeRequest {
  net::Protocol protocol = net::Protocol::udp;
  /// Where its first packet comes from.
  Side arrival = Side::outside;
  /// Outside arrival: the inside endpoint that it reaches. Inside arrival: the outside endpoint, as it is.
  Endpoint target{};
  /// Only from this address, as the arrival side sees it; any if absent.
  std::optional<IpAddress> from = std::nullopt;
  /// The external address must be this one (FTP: that of the control session).
  std::optional<IpAddress> external = std::nullopt;
  /// The external port, if it can be had; 0: no wish.
  std::uint16_t preferred_port = 0;
  /// Consecutive ports. Two and more begin at an even one (RFC 3550 section 11).
  std::uint8_t ports = 1;
  /// Closed to others by its first session.
  bool single_use = true;
  /// Its sessions carry signalling of the same ALG, which reads them.
  bool signalling = false;
  /// Until when a first packet may come.
  Instant deadline{};
};

/// The gateway's addresses and ports, as the ALGs see them. One implementation lives on the control thread;
/// tests hand in their own. Limits for each host and in all are kept here: `open` may always answer no.
class AddressBook {
 public:
  struct Opened {
    PinholeId id = 0;
    Endpoint external;  ///< the first of the ports, as the outside addresses it
  };

  virtual ~AddressBook() = default;

  /// Does the address belong to the inside realm?
  [[nodiscard]] virtual bool is_inside(const IpAddress& address) const = 0;
  /// How an address of the inside's view is written for outside readers: the external address of a host, or
  /// what a synthesized address stands for (RFC 6052). Nothing where the outside could not use it.
  [[nodiscard]] virtual std::optional<IpAddress> seen_outside(const IpAddress& address) = 0;
  /// How an outside address is written for inside readers.
  [[nodiscard]] virtual std::optional<IpAddress> seen_inside(const IpAddress& address) = 0;
  /// The inside endpoint that an open pinhole has given this external one to.
  [[nodiscard]] virtual std::optional<Endpoint> inside_of(const Endpoint& external,
                                                          net::Protocol protocol) const = 0;
  /// The public name of an inside host, without a final dot, if it has one.
  [[nodiscard]] virtual std::optional<std::string> name_of(const IpAddress& host) const = 0;

  /// Opens a pinhole. It is on the workers before the text that announces it goes on. After the deadline, a
  /// pinhole that no session has used is gone and its ports are free; one in use lives as long as its
  /// sessions.
  [[nodiscard]] virtual std::optional<Opened> open(const PinholeRequest& request) = 0;
  /// The `nth` port of an outside arrival's pinhole talks with `remote`, as it is: what the two have
  /// exchanged so far without the pinhole goes through it from now on (POOL-14). An id that has ended is
  /// ignored.
  virtual void meet(PinholeId id, std::uint8_t nth, const Endpoint& remote) = 0;
  /// Moves the deadline. An id that has ended is ignored.
  virtual void extend(PinholeId id, Instant deadline) = 0;
  /// Ends the pinhole and its sessions, and frees its ports. An id that has ended is ignored.
  virtual void close(PinholeId id) = 0;
};

/// Owns an open pinhole: closed when this goes, unless it was left to its deadline.
class Pinhole {
 public:
  Pinhole() = default;
  [[nodiscard]] static std::optional<Pinhole> open(AddressBook& book, const PinholeRequest& request) {
    const auto opened = book.open(request);
    if (!opened) return std::nullopt;
    return Pinhole{book, *opened};
  }
  Pinhole(Pinhole&& other) noexcept : book_{std::exchange(other.book_, nullptr)}, opened_{other.opened_} {}
  Pinhole& operator=(Pinhole&& other) noexcept {
    if (this != &other) {
      close();
      book_ = std::exchange(other.book_, nullptr);
      opened_ = other.opened_;
    }
    return *this;
  }
  ~Pinhole() { close(); }

  [[nodiscard]] explicit operator bool() const { return book_ != nullptr; }
  [[nodiscard]] const Endpoint& external() const { return opened_.external; }
  void meet(std::uint8_t nth, const Endpoint& remote) {
    if (book_ != nullptr) book_->meet(opened_.id, nth, remote);
  }
  void extend(Instant deadline) {
    if (book_ != nullptr) book_->extend(opened_.id, deadline);
  }
  void close() {
    if (book_ != nullptr) std::exchange(book_, nullptr)->close(opened_.id);
  }
  /// Gives up the ownership: the deadline ends it, or the sessions that use it do.
  void leave() { book_ = nullptr; }

 private:
  Pinhole(AddressBook& book, const AddressBook::Opened& opened) : book_{&book}, opened_{opened} {}

  AddressBook* book_ = nullptr;
  AddressBook::Opened opened_;
};

}  // namespace rgw::alg
