// The register: a new ALG is its own file and one line here.
#include "realmgw/alg/alg.hpp"
#include "realmgw/alg/ftp.hpp"
#include "realmgw/alg/rtsp.hpp"
#include "realmgw/alg/sip.hpp"

#include <array>

namespace rgw::alg {
namespace {

using net::Protocol;
using net::Service;

constexpr std::array ftp_services{Service{Protocol::tcp, 21}};

constexpr std::array sip_services{Service{Protocol::udp, 5060}, Service{Protocol::tcp, 5060}};
constexpr std::array rtsp_services{Service{Protocol::tcp, 554}, Service{Protocol::tcp, 8554}};

constexpr std::array registered{
    Registration{"ftp", ftp_services, make_ftp},
    Registration{"sip", sip_services, make_sip},
    Registration{"rtsp", rtsp_services, make_rtsp},
};

}  // namespace

std::span<const Registration> registrations() {
  return registered;
}

}  // namespace rgw::alg
