// Session descriptions of any bytes: edits in order, within the body, never empty (ALG-3, ALG-4).
#include "realmgw/alg/sdp.hpp"

#include "realmgw/alg/message.hpp"

#include <cstddef>
#include <cstdint>

namespace {

using namespace rgw::alg;

class View final : public SdpView {
  std::optional<IpAddress> address(const IpAddress&) override { return IpAddress::parse("2001:db8::1"); }
  std::optional<Place> media(const SdpStream& stream) override {
    if (stream.index % 5 == 4) return std::nullopt;
    // Every other medium has its own address, so that c= lines must be added.
    const auto at = IpAddress::parse(stream.index % 2 == 0 ? "2001:db8::1" : "198.51.100.1").value();
    Place place{{at, 40000}, std::nullopt};
    if (stream.rtcp) place.rtcp = rgw::net::Endpoint{at, 40002};
    return place;
  }
  bool shows(const IpAddress& address) const override { return address.is_v6(); }
  IpAddress none() const override { return none_of(rgw::net::Family::v6); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  View view;
  Decision decision;
  decision.decided = size;
  if (translate_sdp(text, 0, view, decision.edits) == SdpResult::good) {
    if (!well_formed(decision, size)) __builtin_trap();
    (void)edited(decision, text);
  }
  std::vector<BodyPart> parts;
  (void)find_parts({text.substr(0, size / 2), 0}, {text.substr(size / 2), size / 2}, parts);
  return 0;
}
