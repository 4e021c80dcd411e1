// Messages of SIP and RTSP: a start line, header fields, a body (RFC 3261 section 7, RFC 2326 section 4).
#pragma once

#include "realmgw/alg/alg.hpp"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace rgw::alg {

/// A header field. `value` begins at `at` of the message and is trimmed; folded lines are in it as they came.
struct Field {
  std::string_view name;  ///< the long form, where a compact one was written (RFC 3261 section 7.3.3)
  std::string_view value;
  std::size_t at = 0;
};

/// Views into the bytes that it was read from.
class Message {
 public:
  static constexpr std::size_t longest_head = 65536;
  static constexpr std::size_t most_fields = 512;

  enum class State : std::uint8_t { incomplete, complete, malformed, over_limit };
  /// Reads one message from the beginning of `text`. `whole`: the body goes to the end (a datagram) unless
  /// Content-Length says less. `scanned` remembers, over calls with a growing text, what holds no end of a
  /// head.
  [[nodiscard]] State read(std::string_view text, bool whole, std::size_t& scanned);

  [[nodiscard]] std::string_view start_line() const { return start_line_; }
  [[nodiscard]] const std::vector<Field>& fields() const { return fields_; }
  /// The first of that name.
  [[nodiscard]] const Field* find(std::string_view name) const;
  [[nodiscard]] std::string_view value(std::string_view name) const;
  [[nodiscard]] std::string_view body() const { return text_.substr(body_at_); }
  [[nodiscard]] std::size_t body_at() const { return body_at_; }
  [[nodiscard]] std::size_t size() const { return text_.size(); }
  /// Of a response; nothing for a request.
  [[nodiscard]] std::optional<unsigned> status() const;
  /// Of a request.
  [[nodiscard]] std::string_view method() const { return start_line_.substr(0, start_line_.find(' ')); }
  /// Of a request: where the URI is.
  [[nodiscard]] std::pair<std::size_t, std::string_view> uri() const;

 private:
  std::string_view text_;
  std::string_view start_line_;
  std::vector<Field> fields_;
  std::size_t body_at_ = 0;
};

/// The host and port of a URI or of a Via, and where they are.
struct HostPort {
  std::size_t at = 0;
  std::size_t host_length = 0;  ///< with brackets
  std::size_t length = 0;       ///< with the port
  std::string_view host;        ///< without brackets
  std::optional<std::uint16_t> port;
};
/// At the very beginning of `text`, which is at `at`.
[[nodiscard]] std::optional<HostPort> parse_host_port(std::string_view text, std::size_t at);
/// The host of each URI of these schemes ("sip:", "sips:", "rtsp://") in `text`, which is at `at`; at most
/// `limit`.
[[nodiscard]] std::vector<HostPort> find_uris(std::string_view text, std::size_t at, std::size_t limit = 64);
/// "192.0.2.1:5060", "[2001:db8::1]", "host.example:5060".
[[nodiscard]] std::string host_port_text(std::string_view host, std::optional<std::uint16_t> port);

/// Calls `visit(text, at)` for each application/sdp part of a body, which begins at `at` of its message,
/// through nested multiparts (RFC 2046 section 5.1). False: too many parts, or too deep.
struct BodyPart {
  std::string_view text;
  std::size_t at;
};
[[nodiscard]] bool find_sdp(std::string_view content_type, std::string_view body, std::size_t at,
                            std::vector<BodyPart>& found);

/// Orders the edits and makes the message's Content-Length agree with what they do to its body. False: they
/// overlap.
[[nodiscard]] bool finish_edits(const Message& message, std::vector<Edit>& edits);

}  // namespace rgw::alg
