#include "realmgw/app/capture_points.hpp"

#include "realmgw/dataplane/port_tap.hpp"

#include <cstdint>

namespace rgw::app {

class CapturePoints::Attached final : public Attachment {
 public:
  Attached(CapturePoints& points, capture::Capture& capture, const control::CapturePlaces& places)
      : points_{points}, places_{places} {
    for (const auto& port : points.ports_) {
      const bool wanted = port->facts().side == net::Side::inside ? places.inside : places.outside;
      if (wanted) taps_.push_back(std::make_unique<dataplane::PortTap>(*port, capture));
    }
    show_to(&capture);
  }

  void detach() override {
    for (const auto& tap : taps_) tap->detach();
    show_to(nullptr);
    for (const auto& thread : points_.threads_.turns()) turns_.push_back(thread->count());
  }

  // A count stands at the turn that is under way.
  [[nodiscard]] bool is_quiet() const override {
    const auto& threads = points_.threads_.turns();
    for (std::size_t i = 0; i < threads.size(); ++i) {
      if (threads[i]->count() == turns_[i]) return false;
    }
    return true;
  }

 private:
  void show_to(capture::Capture* capture) {
    if (places_.drops) points_.shows_drops_ = capture != nullptr;
    if (places_.signalling) points_.shows_signalling_ = capture != nullptr;
    for (const auto& worker : points_.workers_) {
      if (places_.drops) worker->drops().show_to(capture);
      if (places_.signalling) worker->signalling().show_to(capture);
    }
  }

  CapturePoints& points_;
  control::CapturePlaces places_;
  std::vector<std::unique_ptr<dataplane::PortTap>> taps_;
  std::vector<std::uint64_t> turns_;  // of each thread, when it was detached
};

std::unique_ptr<control::CapturePoints::Attachment> CapturePoints::attach(
    capture::Capture& capture, const control::CapturePlaces& places) {
  if ((places.drops && shows_drops_) || (places.signalling && shows_signalling_)) return nullptr;
  return std::make_unique<Attached>(*this, capture, places);
}

}  // namespace rgw::app
