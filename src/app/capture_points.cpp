#include "realmgw/app/capture_points.hpp"

#include "realmgw/dataplane/port_tap.hpp"

#include <cstdint>

namespace rgw::app {

class CapturePoints::Attached final : public Attachment {
 public:
  Attached(CapturePoints& points, capture::Capture& capture, const control::CapturePlaces& places)
      : points_{points}, shows_drops_{places.drops} {
    for (const auto& port : points.ports_) {
      const bool wanted = port->facts().side == net::Side::inside ? places.inside : places.outside;
      if (wanted) taps_.push_back(std::make_unique<dataplane::PortTap>(*port, capture));
    }
    if (shows_drops_) show_drops_to(&capture);
  }

  void detach() override {
    for (const auto& tap : taps_) tap->detach();
    if (shows_drops_) show_drops_to(nullptr);
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
  void show_drops_to(capture::Capture* capture) {
    points_.shows_drops_ = capture != nullptr;
    for (const auto& worker : points_.workers_) worker->show_drops_to(capture);
  }

  CapturePoints& points_;
  bool shows_drops_;
  std::vector<std::unique_ptr<dataplane::PortTap>> taps_;
  std::vector<std::uint64_t> turns_;  // of each thread, when it was detached
};

std::unique_ptr<control::CapturePoints::Attachment> CapturePoints::attach(
    capture::Capture& capture, const control::CapturePlaces& places) {
  if (places.drops && shows_drops_) return nullptr;
  return std::make_unique<Attached>(*this, capture, places);
}

}  // namespace rgw::app
