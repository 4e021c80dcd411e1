// Whatever order packets from inside and outside, reservations, pinholes and ends of sessions come in, a
// session is findable by both of its keys or by neither, and each packet that one of them finds becomes one
// of the other. Few hosts, remotes and ports, so that their ends are often taken: all four family pairs, UDP,
// TCP and ICMP, many thousand steps.
#include "realmgw/nat/admission.hpp"
#include "realmgw/nat/rewrite.hpp"

#include <array>
#include <string>

#include "unit/nat/parsed.hpp"

namespace rgw::nat {
namespace {

using namespace std::chrono_literals;
using Kind = Admitted::Kind;
using net::Protocol;
using test::address;

#ifdef __SANITIZE_ADDRESS__
constexpr unsigned steps = 40'000;  // a minute is too long to wait for the same answer
#else
constexpr unsigned steps = 200'000;
#endif
constexpr std::uint16_t ports[] = {5060, 5062, 9000, 500};
constexpr std::uint16_t announced[] = {50000, 50002};

class AdmissionModel : public testing::Test {
 protected:
  static Policy policy() {
    Policy policy;
    policy.external = {address("198.51.100.1"), address("2001:db8:100::1")};
    policy.shared_service = policy.external;
    policy.static_mappings = {
        {Protocol::udp, test::endpoint("198.51.100.1:9000"), test::endpoint("10.0.0.42:9000")}};
    policy.pref64 = net::Pref64{*net::Prefix::parse("fd64::/96")};
    policy.proxies = ProxyBlock{*net::Prefix::parse("100.64.0.0/16")};
    policy.pinhole_ports = net::PortRange{50000, 50007};
    policy.max_pinholes = 8;
    policy.max_sessions = 256;
    policy.max_bindings = 64;
    return policy;
  }

  std::uint16_t port() { return ports[random.below(std::size(ports))]; }
  bool coin() { return random.below(2) == 0; }
  Protocol protocol() { return std::array{Protocol::udp, Protocol::tcp, Protocol::icmp}[random.below(3)]; }
  const char* host(bool v4) { return v4 ? (coin() ? "10.0.0.42" : "10.0.0.43") : "fd00:10::5"; }
  const char* remote(bool v4) {
    return v4 ? (coin() ? "203.0.113.7" : "203.0.113.8") : (coin() ? "2001:db8:9::7" : "2001:db8:9::8");
  }
  const char* external(bool v4) {
    return v4 ? (coin() ? "198.51.100.1" : "198.51.100.10")
              : (coin() ? "2001:db8:100::1" : "2001:db8:100::10");
  }
  // Of the other family a remote is a proxy, or stands inside the prefix.
  std::string seen_inside(bool v4) {
    if (coin()) return remote(v4);
    return v4 ? (coin() ? "100.64.0.7" : "100.64.0.8") : "fd64::" + std::string{remote(true)};
  }
  void SetUp() override {
    for (const char* proxy : {"100.64.0.7", "100.64.0.8"})
      ASSERT_TRUE(book.proxies().bind(address(proxy).v4(),
                                      address(std::string{"2001:db8:9::"} + proxy[9]).v6(), now + 24h * 365));
  }
  static std::string at(const std::string& address, std::uint16_t port) {
    return net::Endpoint{test::address(address), port}.to_string();
  }
  test::PacketBuilder packet(Protocol of, const std::string& source, std::uint16_t from,
                             const std::string& destination, std::uint16_t to) {
    if (of == Protocol::icmp) return test::ping(source, destination, from);
    return test::PacketBuilder{of, at(source, from), at(destination, to)}.syn();
  }

  void count(const Admitted& made) {
    opened += made.kind == Kind::session;
    if (made.kind != Kind::session) return;
    const Session& session = sessions[made.slot];
    renamed +=
        session.origin == Session::Origin::inbound &&
        (session.renames_remote() || (session.protocol() == Protocol::icmp &&
                                      session.inside.tail.near_port != session.outside.tail.near_port));
  }
  void leaves() {
    const bool v4 = coin();
    const std::string far = seen_inside(v4);
    const test::FromInside from{packet(protocol(), host(v4), port(), far, port())};
    if (known(from.packet)) return;
    const auto seen = admission.remote_of(
        v4 ? net::IpAddress{from.packet.key4.far} : net::IpAddress{from.packet.key6.far}, now);
    if (!seen) return;
    count(seen->is_v4() ? admission.outbound(from.packet, seen->v4(), false, now)
                        : admission.outbound(from.packet, seen->v6(), false, now));
  }
  void arrives() {
    const bool v4 = coin();
    const std::uint16_t to = random.below(3) == 0 ? announced[random.below(2)] : port();
    const test::FromOutside from{packet(protocol(), remote(v4), port(), external(v4), to)};
    if (known(from.packet)) return;
    const auto rule = admission.way_in(from.packet, false, now).rule;
    auto made = admission.inbound(from.packet, false, false, now);
    if (made.kind == Kind::replaces) {
      ++replaced;
      end(made.slot);
      made = admission.inbound(from.packet, false, false, now);
      ASSERT_NE(made.kind, Kind::replaces) << "once only";
    }
    ASSERT_EQ(made.kind == Kind::refused, rule == WayIn::Rule::none && made.kind != Kind::dropped);
    if (made.kind == Kind::session) {
      const Ground ground = sessions[made.slot].ground;
      ASSERT_EQ(ground == Ground::claim || ground == Ground::pledge, rule == WayIn::Rule::reservation);
      ASSERT_EQ(ground == Ground::pinhole, rule == WayIn::Rule::pinhole);
    }
    count(made);
  }
  void reserve() {
    const bool v4 = coin();
    const net::Service service = coin() ? net::Service{} : net::Service{Protocol::udp, port()};
    static_cast<void>(bindings.bind(address(external(v4)), service, ReservationId{++last}, 1,
                                    address(host(coin())), now + 2s));
  }
  void announce() {
    Pinhole hole{};
    hole.id = ++last;
    const bool v4 = coin();
    hole.inside = {address(host(coin())), port()};
    hole.external = {address(v4 ? "198.51.100.1" : "2001:db8:100::1"), announced[random.below(2)]};
    hole.deadline = now + 5s;
    hole.protocol = coin() ? Protocol::udp : Protocol::tcp;
    hole.arrival = Side::outside;
    hole.ports = 1;
    if (book.pinholes().add(hole) == PinholeTable::none) return;
    const bool inside4 = hole.inside.address.is_v4();
    const SessionSlot former =
        admission.gives_way_to(hole.id, 0, {address(seen_inside(inside4)), port()}, now);
    if (former == no_session) return;
    ++replaced;
    end(former);
  }
  void end(SessionSlot slot) { book.end(slot, Counter::session_ended); }
  void end_some() {
    if (sessions.high_water() == 0) return;
    const SessionSlot slot = random.below(sessions.high_water());
    if (sessions.live(slot)) end(slot);
  }
  void close_some() {
    auto& pinholes = book.pinholes();
    if (pinholes.high_water() == 0) return;
    const auto index = random.below(pinholes.high_water());
    if (!pinholes.live(index)) return;
    for (SessionSlot slot = 0; slot < sessions.high_water(); ++slot) {
      const Session& session = sessions[slot];
      if (sessions.live(slot) && session.ground == Ground::pinhole && session.held == index) end(slot);
    }
    ASSERT_EQ(pinholes.sessions(index), 0U);
    pinholes.erase(index);
  }

  bool known(const net::Packet& packet) const {
    return (packet.family == Family::v4 ? sessions.find(packet.key4) : sessions.find(packet.key6)) !=
           no_session;
  }
  template <class Address>
  SessionSlot by(const Session& session, Side side) const {
    return sessions.find(session.key<Address>(side));
  }
  SessionSlot by(const Session& session, Side side) const {
    const Family family = side == Side::inside ? session.inside_family() : session.outside_family();
    return family == Family::v4 ? by<net::Ipv4Address>(session, side) : by<net::Ipv6Address>(session, side);
  }
  void expect_both_or_neither() const {
    std::uint32_t live = 0;
    for (SessionSlot slot = 0; slot < sessions.high_water(); ++slot) {
      if (!sessions.live(slot)) continue;
      ++live;
      ASSERT_EQ(by(sessions[slot], Side::inside), slot);
      ASSERT_EQ(by(sessions[slot], Side::outside), slot);
    }
    ASSERT_EQ(live, sessions.size());
    ASSERT_EQ(sessions.index().size(), 2 * live);
  }
  // A packet of each session, as one side sends it, becomes what the other side's key says.
  void expect_to_cross(const Session& session) const {
    const auto end = [](const net::IpAddress& address, be16 port) {
      return net::Endpoint{address, port.host()};
    };
    const bool query = session.protocol() == Protocol::icmp;
    const auto& in = session.inside.tail;
    const auto& out = session.outside.tail;
    const std::string host = end(session.host(), in.near_port).to_string(),
                      seen = end(session.remote(Side::inside), in.far_port).to_string(),
                      e = end(session.external(), out.near_port).to_string(),
                      far = end(session.remote(Side::outside), out.far_port).to_string();
    auto sent = query ? test::ping(session.host().to_string(), session.remote(Side::inside).to_string(),
                                   in.near_port.host())
                      : test::PacketBuilder{session.protocol(), host, seen};
    test::Bytes room(100);  // in front, for a longer header
    const auto bytes = sent.payload(16).ip();
    room.insert(room.end(), bytes.begin(), bytes.end());
    net::Packet packet;
    const auto type = bytes[0] >> 4 == 6 ? net::EtherType::ipv6 : net::EtherType::ipv4;
    ASSERT_TRUE(net::parse(room.data() + 100, bytes.size(), type, Side::inside, packet).passed());
    ASSERT_TRUE(translate(packet, session, Crossing{&*law_policy.pref64, {1500, 1500}, 1}).passed());
    const test::Seen there{test::Bytes(packet.l3, packet.l3 + packet.length)};
    ASSERT_TRUE(there.checksums_right());
    ASSERT_EQ(there.source(), session.external());
    ASSERT_EQ(there.destination(), session.remote(Side::outside));
    if (query) {
      ASSERT_EQ(there.icmp().identifier, out.near_port);
    } else {
      ASSERT_EQ(there.to_string(), net::to_string(session.protocol()) + " " + e + " > " + far);
    }
  }

  Random random{7};
  HashSalt salt{random};
  Policy law_policy = policy();
  Ownership law{1, salt};
  Instant now{1000s};
  SessionTable sessions{law_policy.max_sessions, salt, now};
  BindingTable bindings{law_policy.max_bindings, salt};
  SessionBook book{law_policy, law, WorkerId{}, sessions, bindings, salt};
  Admission admission{book, random};
  std::uint64_t last = 0;
  std::uint64_t opened = 0, renamed = 0, replaced = 0;
};

TEST_F(AdmissionModel, a_session_is_findable_by_both_keys_or_by_neither) {  // POOL-14
  for (unsigned step = 0; step < steps; ++step) {
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2:
        leaves();
        break;
      case 3:
      case 4:
      case 5:
        arrives();
        break;
      case 6:
      case 7:
        reserve();
        break;
      case 8:
        announce();
        break;
      case 9:
        end_some();
        break;
      case 10:
        close_some();
        break;
      default:
        now += std::chrono::milliseconds{random.below(500)};
        bindings.sweep(now);
        if (sessions.size() > 100) {
          for (unsigned n = 0; n < 50; ++n) end_some();
        }
        break;
    }
    if (step % 64 == 0) {
      expect_both_or_neither();
      for (SessionSlot slot = 0; slot < sessions.high_water(); ++slot) {
        if (sessions.live(slot) && !HasFatalFailure()) expect_to_cross(sessions[slot]);
      }
    }
    if (HasFatalFailure()) FAIL() << "after step " << step;
  }
  EXPECT_GT(opened, steps / 20);
  EXPECT_GT(renamed, 100U);
  EXPECT_GT(replaced, 10U);
  for (SessionSlot slot = 0; slot < sessions.high_water(); ++slot) {
    if (sessions.live(slot)) end(slot);
  }
  EXPECT_EQ(sessions.size(), 0U);
  EXPECT_EQ(sessions.index().size(), 0U);
  constexpr std::size_t addresses = 2, protocols = 2, for_pinholes = 8;
  EXPECT_EQ(book.occupied_ports(), 1 + addresses * protocols * for_pinholes)
      << "the static mapping's, and what pinholes have";
}

}  // namespace
}  // namespace rgw::nat
