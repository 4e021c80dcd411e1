// SIP between an agent inside and one outside, with the book of pinholes that the ALG writes in.
#pragma once

#include "realmgw/alg/sip.hpp"

#include <memory>
#include <string>
#include <vector>

#include "unit/alg/book.hpp"
#include <gtest/gtest.h>

namespace rgw::alg::test {

using namespace std::chrono_literals;

class Sip : public testing::Test {
 protected:
  void SetUp() override { talk(net::Protocol::udp); }

  void talk(net::Protocol protocol, AddressForm form = AddressForm::literal) {
    inspector_.reset();
    alg_ = make_sip({form});
    conversation_ = {protocol,
                     Side::inside,
                     endpoint("10.0.0.5:5060"),
                     endpoint("198.51.100.1:6000"),
                     endpoint("203.0.113.9:5060"),
                     endpoint("203.0.113.9:5060")};
    inspector_ = alg_->inspect(conversation_, book_);
  }
  std::string say(Side from, const std::string& text) {
    const auto decision = inspector_->on_bytes(from, text, now_);
    EXPECT_TRUE(well_formed(decision, text.size()));
    finished_ = decision.finished;
    return decision.drop ? "<dropped>" : edited(decision, text);
  }
  static std::string message(const std::string& start, const std::string& fields,
                             const std::string& body = "") {
    const std::string type = body.empty() ? "" : "Content-Type: application/sdp\r\n";
    return start + "\r\n" + fields + type + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
  }
  static std::string sdp(const std::string& address, int port, const std::string& more = "") {
    return "v=0\r\no=- 1 1 IN IP4 " + address + "\r\ns=-\r\nc=IN IP4 " + address + "\r\nt=0 0\r\nm=audio " +
           std::to_string(port) + " RTP/AVP 0\r\n" + more;
  }
  static std::string ids(int sequence, const std::string& method) {
    return "Call-ID: abc@10.0.0.5\r\nCSeq: " + std::to_string(sequence) + " " + method + "\r\n";
  }
  static std::string outside_ids(int sequence, const std::string& method) {
    return "Call-ID: abc@198.51.100.1\r\nCSeq: " + std::to_string(sequence) + " " + method + "\r\n";
  }
  std::string invite(int port = 4000, int sequence = 1) {
    return say(Side::inside,
               message("INVITE sip:bob@example.org SIP/2.0",
                       "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1;rport\r\n"
                       "From: \"A\" <sip:alice@10.0.0.5>;tag=1\r\nTo: <sip:bob@example.org>\r\n" +
                           ids(sequence, "INVITE") + "Contact: <sip:alice@10.0.0.5:5060;ob>\r\n",
                       sdp("10.0.0.5", port)));
  }
  std::string answer(int status, int sequence = 1, const std::string& method = "INVITE") {
    const std::string body = status == 200 && method != "BYE" ? sdp("203.0.113.9", 7000) : "";
    return say(
        Side::outside,
        message("SIP/2.0 " + std::to_string(status) + " X",
                "Via: SIP/2.0/UDP 198.51.100.1:6000;branch=z9hG4bK1;received=198.51.100.1;rport=6000\r\n"
                "From: \"A\" <sip:alice@198.51.100.1>;tag=1\r\nTo: <sip:bob@example.org>;tag=2\r\n" +
                    outside_ids(sequence, method) + "Contact: <sip:bob@203.0.113.9>\r\n",
                body));
  }
  /// Pinholes for media: those of an even number of ports.
  std::vector<Endpoint> media() const {
    std::vector<Endpoint> found;
    for (const auto& [id, held] : book_.pinholes) {
      if (held.request.ports == 2) found.push_back(held.request.target);
    }
    return found;
  }
  void pass(Duration time) {
    now_ += time;
    alg_->on_time(now_);
  }

  test::Book book_;
  std::unique_ptr<Alg> alg_;
  Conversation conversation_;
  std::unique_ptr<Inspector> inspector_;
  Instant now_{1000s};
  bool finished_ = false;
};

}  // namespace rgw::alg::test
