// FTP (ALG-2): RFC 959, RFC 2428, and across families RFC 6384.
#pragma once

#include "realmgw/alg/alg.hpp"
#include "realmgw/net/transport.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::alg {

namespace ftp {
/// Without CR and LF at the end.
[[nodiscard]] std::string_view without_end(std::string_view line);
/// Without the Telnet commands and options before a command or a reply (RFC 959 section 4.1.3, RFC 1123
/// section 4.1.2.12).
[[nodiscard]] std::string_view without_telnet(std::string_view line);
/// What is before the first space.
[[nodiscard]] std::string_view first_word(std::string_view line);
/// Is the word a command of FTP, in any case? What begins with an X is one by experiment (RFC 1123 section
/// 4.1.3.1).
[[nodiscard]] bool is_command(std::string_view word);

/// The first line of a reply, or its last (RFC 959 section 4.2).
struct ReplyLine {
  std::string_view code;
  bool last = false;  ///< no hyphen after the code
};
/// Nothing where the line has no code.
[[nodiscard]] std::optional<ReplyLine> parse_reply_line(std::string_view line);
/// How long the reply is that the text begins with, the end of its last line with it; npos where that has
/// not come. A text without an end of line is a line.
[[nodiscard]] std::size_t reply_size(std::string_view text);

// Text forms of a data connection's endpoint.

/// "h1,h2,h3,h4,p1,p2" (RFC 959 section 4.1.2), and what follows is left alone.
[[nodiscard]] std::optional<net::Endpoint> parse_port(std::string_view text);
/// Such six numbers in the text of a reply, anywhere (RFC 1123 section 4.1.2.6).
struct Numbers {
  std::size_t at = 0;
  std::size_t length = 0;
  net::Endpoint endpoint;
};
[[nodiscard]] std::vector<Numbers> find_numbers(std::string_view reply);
/// "|1|192.0.2.1|5000|" or "|2|2001:db8::1|5000|" with any delimiter (RFC 2428 section 2).
[[nodiscard]] std::optional<net::Endpoint> parse_eprt(std::string_view text);
/// The port in "... (|||6446|)" (RFC 2428 section 3).
[[nodiscard]] std::optional<std::uint16_t> parse_epsv_reply(std::string_view text);
[[nodiscard]] std::string port_text(const net::Endpoint& endpoint);
[[nodiscard]] std::string eprt_text(const net::Endpoint& endpoint);
}  // namespace ftp

[[nodiscard]] std::unique_ptr<Alg> make_ftp(const Options& options);

}  // namespace rgw::alg
