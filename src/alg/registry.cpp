// The register: a new ALG is its own file and one line here.
#include "realmgw/alg/alg.hpp"
#include "realmgw/alg/ftp.hpp"

#include <array>

namespace rgw::alg {
namespace {

using net::Protocol;
using net::Service;

constexpr std::array ftp_services{Service{Protocol::tcp, 21}};

constexpr std::array registered{
    Registration{"ftp", ftp_services, make_ftp},
};

}  // namespace

std::span<const Registration> registrations() {
  return registered;
}

}  // namespace rgw::alg
