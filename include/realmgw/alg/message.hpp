// Messages of SIP and RTSP: a start line, header fields, a body (RFC 3261 section 7, RFC 2326 section 4).
#pragma once

#include "realmgw/alg/alg.hpp"
#include "realmgw/alg/header_text.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace rgw::alg {

/// A header field. `value` begins at `at` of the message and is trimmed; folded lines are in it as they came.
struct Field {
  std::string_view name;  ///< the long form, where a compact one was written (RFC 3261 section 7.3.3)
  std::string_view value;
  std::size_t at = 0;

  [[nodiscard]] Piece piece() const { return {value, at}; }
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

  [[nodiscard]] std::string_view text() const { return text_; }
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
  [[nodiscard]] std::string_view method() const;
  /// Of a request.
  [[nodiscard]] Piece uri() const;

 private:
  std::string_view text_;
  std::string_view start_line_;
  std::vector<Field> fields_;
  std::size_t body_at_ = 0;
};

/// "192.0.2.1:5060", "[2001:db8::1]", "host.example:5060".
[[nodiscard]] std::string host_port_text(std::string_view host, std::optional<std::uint16_t> port);

/// A part of a body, and where it begins in its message.
struct BodyPart {
  HeaderValue type;  ///< its Content-Type; empty where none is written
  Piece text;
};
/// The parts of a body that are no multiparts, through nested ones (RFC 2046 section 5.1). False: too many
/// parts, or too deep.
[[nodiscard]] bool find_parts(Piece content_type, Piece body, std::vector<BodyPart>& found);

/// Orders the edits and makes the message's Content-Length agree with what they do to its body. False: they
/// overlap.
[[nodiscard]] bool finish_edits(const Message& message, std::vector<Edit>& edits);

}  // namespace rgw::alg
