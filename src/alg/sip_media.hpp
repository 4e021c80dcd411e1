// The media of one SIP message: pinholes for what the inside announces, addresses for what the outside does.
#pragma once

#include "realmgw/alg/sdp.hpp"

#include "sip_dialogues.hpp"

namespace rgw::alg::sip {

class MediaView final : public SdpView {
 public:
  /// All of them outlive the view.
  MediaView(AddressBook& book, Dialogue& dialogue, Side from, net::Family reader, Instant now)
      : book_{book}, dialogue_{dialogue}, from_{from}, reader_{reader}, now_{now} {}

  std::optional<IpAddress> address(const IpAddress& address) override;
  std::optional<Place> media(const SdpStream& stream) override;
  [[nodiscard]] bool shows(const IpAddress& address) const override;
  [[nodiscard]] IpAddress none() const override { return none_of(reader_); }

 private:
  std::optional<Place> outward(const SdpStream& stream);
  std::optional<Place> inward(const SdpStream& stream);
  /// Tells the pinholes of a medium who is at its other end, once both are known.
  void introduce(unsigned index);
  std::shared_ptr<Pinhole> open(net::Protocol protocol, const Endpoint& inside, std::uint8_t ports);

  AddressBook& book_;
  Dialogue& dialogue_;
  Side from_;
  net::Family reader_;
  Instant now_;
};

}  // namespace rgw::alg::sip
