// TCP connections through the whole gateway, both ends played by the test. Each end keeps its own numbers,
// and checks what it gets: checksums, and that the stream has no gap.
#pragma once

#include <string>
#include <string_view>

#include "support/whole_gateway.hpp"

namespace rgw::test {

/// The lab's realm with every ALG on.
inline config::Realm alg_realm() {
  config::Realm realm = whole_realm();
  for (auto& protocol : realm.alg.protocols) protocol.on = true;
  return realm;
}

class TcpTalk {
 public:
  /// `client_side`: the port that the client is on. `server` is the server as the client addresses it.
  TcpTalk(WholeGateway& gateway, unsigned client_side, std::string_view client, std::string_view server)
      : gateway_{gateway},
        client_{client_side, std::string{client}, std::string{server}, 1'000'000, 0},
        server_{1 - client_side, {}, {}, 5'000'000, 0} {}

  /// The three segments of the handshake. False where the SYN does not come through.
  bool connect() {
    send(client_, net::TcpHeader::syn, "");
    if (server_.self.empty()) return false;
    send(server_, net::TcpHeader::syn | net::TcpHeader::ack, "");
    send(client_, net::TcpHeader::ack, "");
    return got_syn_ack_;
  }
  /// What the other end reads of it, after which it acknowledges.
  std::string client_says(std::string_view text) { return say(client_, server_, text); }
  std::string server_says(std::string_view text) { return say(server_, client_, text); }
  void client_closes() { close(client_, server_); }
  void server_closes() { close(server_, client_); }
  /// Bytes without an acknowledgement behind them: what came out at the other end.
  std::string client_sends(std::string_view text) {
    server_.read.clear();
    send(client_, net::TcpHeader::ack | net::TcpHeader::psh, text);
    return server_.read;
  }

  /// The client as the server sees it, and the server's own address.
  [[nodiscard]] const std::string& client_seen() const { return server_.peer; }
  [[nodiscard]] const std::string& server_address() const { return server_.self; }

 private:
  struct End {
    unsigned side;
    std::string self, peer;
    std::uint32_t next;      ///< to send
    std::uint32_t expected;  ///< from the peer
    std::string read{};
  };

  std::string say(End& from, End& to, std::string_view text) {
    to.read.clear();
    send(from, net::TcpHeader::ack | net::TcpHeader::psh, text);
    std::string read = to.read;
    send(to, net::TcpHeader::ack, "");
    return read;
  }
  void close(End& from, End& to) {
    send(from, net::TcpHeader::fin | net::TcpHeader::ack, "");
    send(to, net::TcpHeader::ack, "");
  }

  void send(End& from, std::uint8_t flags, std::string_view text) {
    gateway_.put(from.side, tcp(from.self, from.peer)
                                .flags(flags)
                                .sequence(from.next)
                                .acknowledge((flags & net::TcpHeader::ack) != 0 ? from.expected : 0)
                                .payload(Bytes{text.begin(), text.end()})
                                .ip());
    from.next += static_cast<std::uint32_t>(text.size()) + ((flags & 3) != 0 ? 1 : 0);
    gateway_.turn_all();
    for (End* end : {&client_, &server_}) {
      while (const auto seen = gateway_.take(end->side)) receive(*end, *seen);
    }
  }

  void receive(End& end, const Seen& seen) {
    EXPECT_TRUE(seen.checksums_right()) << seen.to_string();
    const auto& segment = seen.tcp();
    const bool syn = (segment.flags & net::TcpHeader::syn) != 0;
    if (syn) {
      end.expected = segment.sequence.host();
      if (end.self.empty()) {
        end.self = net::Endpoint{seen.destination(), seen.destination_port()}.to_string();
        end.peer = net::Endpoint{seen.source(), seen.source_port()}.to_string();
      } else if ((segment.flags & net::TcpHeader::ack) != 0) {
        got_syn_ack_ = true;
      }
    }
    if ((segment.flags & net::TcpHeader::ack) != 0) {
      EXPECT_LE(static_cast<std::int32_t>(segment.acknowledgement.host() - end.next), 0) << "never sent";
    }
    const std::size_t header = seen.l4() + segment.header_length();
    const std::string text{seen.bytes().begin() + static_cast<std::ptrdiff_t>(header), seen.bytes().end()};
    if (text.empty() && (segment.flags & 3) == 0) return;
    EXPECT_EQ(segment.sequence.host(), end.expected) << "a gap, or a repetition";
    end.read += text;
    end.expected = segment.sequence.host() + static_cast<std::uint32_t>(text.size()) +
                   ((segment.flags & 3) != 0 ? 1 : 0);
  }

  WholeGateway& gateway_;
  End client_, server_;
  bool got_syn_ack_ = false;
};

}  // namespace rgw::test
