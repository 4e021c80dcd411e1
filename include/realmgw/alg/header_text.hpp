// The grammar that the header fields of SIP and RTSP share: values by commas, each with parameters by
// semicolons; white space, folded lines too, around each separator; quoted strings, comments and URIs in
// angle brackets, in which nothing separates (RFC 3261 section 25.1, RFC 2326 section 15.1). Everything else
// that looks for something in a header field asks here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace rgw::alg {

/// A piece of a message, and where it begins.
struct Piece {
  std::string_view text;
  std::size_t at = 0;

  [[nodiscard]] bool empty() const { return text.empty(); }
  [[nodiscard]] Piece sub(std::size_t from, std::size_t count = std::string_view::npos) const {
    return {text.substr(from, count), at + from};
  }
  /// Without white space around it.
  [[nodiscard]] Piece trimmed() const;
};

/// `name` or `name = value`. A quoted value is given without its quotes.
struct Parameter {
  Piece name;
  Piece value;
};

/// One of a field's values.
struct HeaderValue {
  Piece head;  ///< what is before the first semicolon
  std::vector<Parameter> parameters;

  /// The value of the first parameter of that name, in any case.
  [[nodiscard]] std::optional<Piece> find(std::string_view name) const;
};

/// The values of a field. At most 256, and as many parameters in all: far beyond what is in use.
[[nodiscard]] std::vector<HeaderValue> parse_values(Piece field);
/// The first of them; an empty one where the field is.
[[nodiscard]] HeaderValue parse_value(Piece field);

/// Takes words and separators off the beginning of a piece.
class HeaderReader {
 public:
  explicit HeaderReader(Piece piece) : rest_{piece} {}

  /// What is before the next white space or separator ("(),/:;<=>?@[]\""); empty where one comes first.
  Piece word();
  /// A separator with the white space around it. False where another thing comes first.
  bool take(char separator);
  [[nodiscard]] Piece rest();

 private:
  void skip_space();
  Piece rest_;
};

/// "application/sdp" for "Application / SDP; charset=x" (RFC 3261 section 20.15). Is it that one?
[[nodiscard]] bool is_media_type(const HeaderValue& value, std::string_view type, std::string_view subtype);

/// The host and port of a URI or of a Via, and where they are.
struct HostPort {
  std::size_t at = 0;
  std::size_t host_length = 0;  ///< with brackets
  std::size_t length = 0;       ///< with the port
  std::string_view host;        ///< without brackets
  std::optional<std::uint16_t> port;
};
/// At the very beginning of a piece.
[[nodiscard]] std::optional<HostPort> parse_host_port(Piece piece);
/// The sent-by of a Via: there may be white space around the colon (RFC 3261 section 25.1: COLON).
[[nodiscard]] std::optional<HostPort> parse_sent_by(Piece piece);
/// The host of each URI of these schemes ("sip:", "sips:", "rtsp://", "rtspu://") in a piece; at most
/// `limit`.
[[nodiscard]] std::vector<HostPort> find_uris(Piece piece, std::size_t limit = 64);

}  // namespace rgw::alg
