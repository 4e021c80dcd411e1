// SDP (RFC 8866) as SIP and RTSP carry it: addresses and ports of media, rewritten in place.
#pragma once

#include "realmgw/alg/alg.hpp"
#include "realmgw/net/transport.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace rgw::alg {

/// What a description says of one medium.
struct SdpStream {
  unsigned index = 0;  ///< which m= line
  net::Protocol protocol = net::Protocol::udp;
  Endpoint media;  ///< RTP, or whatever the m= line carries. A port of 0: rejected (RFC 3264 section 6)
  std::uint8_t ports = 1;        ///< 2 for RTP and RTCP; more where the m= line counts ports
  std::optional<Endpoint> rtcp;  ///< where a=rtcp (RFC 3605) says other than the port after RTP's
};

/// 0.0.0.0 or ::.
[[nodiscard]] inline IpAddress none_of(net::Family family) {
  return family == net::Family::v4 ? IpAddress{net::Ipv4Address{}} : IpAddress{net::Ipv6Address{}};
}

/// How the description is to be written for its reader.
class SdpView {
 public:
  struct Place {
    Endpoint media;
    std::optional<Endpoint> rtcp;  ///< where the stream has one
  };
  virtual ~SdpView() = default;
  /// An address alone (o=, a c= that no medium uses). Nothing: leave it.
  [[nodiscard]] virtual std::optional<IpAddress> address(const IpAddress& address) = 0;
  /// A medium. Nothing: the description cannot be passed on. A rejected one is only told of.
  [[nodiscard]] virtual std::optional<Place> media(const SdpStream& stream) = 0;
  /// May a candidate (RFC 8839) or a canonical name (RFC 5576) of that address be shown? A line that may not
  /// is taken out.
  [[nodiscard]] virtual bool shows(const IpAddress& address) const = 0;
  /// What "no address" is to the reader, 0.0.0.0 or ::, by its family.
  [[nodiscard]] virtual IpAddress none() const = 0;
};

enum class SdpResult : std::uint8_t { good, malformed, refused, over_limit };

/// Appends the edits that turn `body`, which begins at `base` of its message, into its reader's view. In
/// order.
[[nodiscard]] SdpResult translate_sdp(std::string_view body, std::size_t base, SdpView& view,
                                      std::vector<Edit>& edits);

}  // namespace rgw::alg
