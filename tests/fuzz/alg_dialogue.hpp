// Drives an ALG with a dialogue of any bytes, and holds it to the contract of alg.hpp.
#pragma once

#include "realmgw/alg/address_text.hpp"
#include "realmgw/alg/alg.hpp"
#include "realmgw/alg/message.hpp"
#include "realmgw/alg/text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace rgw::alg::fuzz {

inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

/// Opens what is asked, up to a limit; knows 10.0.0.0/8 and fd00::/8 as inside.
class Book final : public AddressBook {
 public:
  bool is_inside(const IpAddress& a) const override { return a.data()[0] == (a.is_v4() ? 10 : 0xfd); }
  std::optional<IpAddress> seen_outside(const IpAddress& a) override {
    return is_inside(a) ? IpAddress{net::Ipv4Address{198, 51, 100, 1}} : a;
  }
  std::optional<IpAddress> seen_inside(const IpAddress& a) override { return a; }
  std::optional<Endpoint> inside_of(const Endpoint& external, net::Protocol) const override {
    if (external.port != 40000) return std::nullopt;
    return Endpoint{net::Ipv4Address{10, 0, 0, 5}, 5060};
  }
  std::optional<std::string> name_of(const IpAddress&) const override { return "hosta.foo"; }
  std::optional<Opened> open(const PinholeRequest& request) override {
    require(request.deadline != Instant{} && request.ports != 0 && request.target.port != 0);
    if (request.arrival == Side::outside) require(is_inside(request.target.address));
    if (ids_.size() >= 500) return std::nullopt;
    ids_[++last_] = request.deadline;
    return Opened{last_, {request.external.value_or(net::Ipv4Address{198, 51, 100, 1}), 40000}};
  }
  void meet(PinholeId id, std::uint8_t, const Endpoint& remote) override {
    require(id != 0 && id <= last_ && remote.port != 0);
  }
  void extend(PinholeId id, Instant deadline) override {
    if (const auto found = ids_.find(id); found != ids_.end()) found->second = deadline;
  }
  void close(PinholeId id) override { ids_.erase(id); }
  void expire(Instant now) {
    std::erase_if(ids_, [&](const auto& entry) { return entry.second <= now; });
  }
  [[nodiscard]] std::size_t open_pinholes() const { return ids_.size(); }

 private:
  std::map<PinholeId, Instant> ids_;
  PinholeId last_ = 0;
};

/// Does the text have that address?
inline bool has_address(std::string_view text, const IpAddress& address) {
  return !find_addresses({text, 0}, [&](const IpAddress& a) { return a == address; }).empty();
}

/// The host's own address is in no header field that the outside reads, but for those that are hashed.
inline void shows_nothing(const IpAddress& host, std::string_view text) {
  Message message;
  std::size_t scanned = 0;
  if (message.read(text, true, scanned) != Message::State::complete) return;
  if (find_word(message.start_line(), "sip/2.0") == std::string_view::npos) return;  // it is not read
  constexpr std::array hashed{"Authorization", "Proxy-Authorization", "WWW-Authenticate",
                              "Proxy-Authenticate", "Authentication-Info"};
  for (const Field& field : message.fields()) {
    const bool is_hashed = std::any_of(hashed.begin(), hashed.end(),
                                       [&](const char* name) { return same_word(name, field.name); });
    require(is_hashed || !has_address(field.value, host));
  }
}

/// The first byte chooses the families and the opener. Then, again and again: a byte whose lowest bit is the
/// side and whose rest counts 64 bytes of text each; on TCP, what is not decided stays before the next.
inline void dialogue(Alg& alg, net::Protocol protocol, const std::uint8_t* data, std::size_t size) {
  if (size == 0) return;
  const std::uint8_t choice = *data;
  const IpAddress inside =
      (choice & 2) != 0 ? IpAddress::parse("fd00::5").value() : IpAddress{net::Ipv4Address{10, 0, 0, 5}};
  const IpAddress outside = (choice & 4) != 0 ? IpAddress::parse("2001:db8::9").value()
                                              : IpAddress{net::Ipv4Address{203, 0, 113, 9}};
  const IpAddress e = (choice & 4) != 0 ? IpAddress::parse("2001:db8::1").value()
                                        : IpAddress{net::Ipv4Address{198, 51, 100, 1}};
  const IpAddress proxy = (choice & 2) != 0 ? IpAddress::parse("64:ff9b::9").value()
                                            : IpAddress{net::Ipv4Address{192, 168, 66, 9}};
  Book book;
  Instant now{std::chrono::seconds{1000}};
  {
    const auto inspector = alg.inspect({protocol,
                                        (choice & 1) != 0 ? Side::outside : Side::inside,
                                        {inside, 5060},
                                        {e, 40000},
                                        {outside, 5060},
                                        {proxy, 5060}},
                                       book);
    std::string windows[2];
    bool heard = false;  // the outside has said it itself, and may read it again
    for (std::size_t at = 1; at < size;) {
      const std::uint8_t step = data[at++];
      const std::size_t length = std::min<std::size_t>(64 * (1u + (step >> 1)), size - at);
      const Side from = (step & 1) != 0 ? Side::outside : Side::inside;
      std::string& window = windows[step & 1];
      window.append(reinterpret_cast<const char*>(data + at), length);
      at += length;
      for (unsigned turn = 0; turn < 1000 && !window.empty(); ++turn) {
        const Decision decision = inspector->on_bytes(from, window, now);
        require(well_formed(decision, window.size()));
        if (protocol == net::Protocol::udp) {
          require(decision.drop || decision.decided == window.size());
          const std::string passed = edited(decision, window);
          heard = heard || (from == Side::outside && has_address(window, inside));
          if (from == Side::inside && !decision.drop && !heard) shows_nothing(inside, passed);
          window.clear();
          break;
        }
        (void)edited(decision, window);
        if (decision.decided == 0 || decision.finished) break;
        window.erase(0, decision.decided);
      }
      now += std::chrono::seconds{step};
      inspector->on_time(now);
      alg.on_time(now);
      book.expire(now);
    }
  }
  // What sessions share is let go in time.
  now += std::chrono::hours{48};
  alg.on_time(now);
  book.expire(now);
  require(book.open_pinholes() == 0);
}

}  // namespace rgw::alg::fuzz
