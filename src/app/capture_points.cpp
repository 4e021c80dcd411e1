#include "realmgw/app/capture_points.hpp"

#include "realmgw/dataplane/port_tap.hpp"

#include <cstdint>

namespace rgw::app {

class CapturePoints::Attached : public Attachment {
 public:
  explicit Attached(CapturePoints& of) : points{of} {}

  void detach() final {
    leave();
    for (const auto& thread : points.threads_.turns()) turns_.push_back(thread->count());
  }

  // A count stands at the turn that is under way.
  [[nodiscard]] bool is_quiet() const final {
    const auto& threads = points.threads_.turns();
    for (std::size_t i = 0; i < threads.size(); ++i) {
      if (threads[i]->count() == turns_[i]) return false;
    }
    return true;
  }

 protected:
  virtual void leave() = 0;

  CapturePoints& points;

 private:
  std::vector<std::uint64_t> turns_;  // of each thread, when it was detached
};

class CapturePoints::AttachedCapture final : public Attached {
 public:
  AttachedCapture(CapturePoints& of, capture::Capture& capture, const control::CapturePlaces& places)
      : Attached{of}, places_{places} {
    for (const auto& port : points.ports_) {
      const bool wanted = port->facts().side == net::Side::inside ? places.inside : places.outside;
      if (wanted) taps_.push_back(std::make_unique<dataplane::PortTap>(*port, capture));
    }
    show_to(&capture);
  }

 private:
  void leave() override {
    for (const auto& tap : taps_) tap->detach();
    show_to(nullptr);
  }

  void show_to(capture::Capture* capture) {
    if (places_.drops) points.shows_drops_ = capture != nullptr;
    if (places_.signalling) points.shows_signalling_ = capture != nullptr;
    for (const auto& worker : points.workers_) {
      if (places_.drops) worker->drops().show_to(capture);
      if (places_.signalling) worker->signalling().show_to(capture);
    }
  }

  control::CapturePlaces places_;
  std::vector<std::unique_ptr<dataplane::PortTap>> taps_;
};

class CapturePoints::AttachedTrace final : public Attached {
 public:
  AttachedTrace(CapturePoints& of, capture::Trace& trace) : Attached{of} { show_to(&trace); }

 private:
  void leave() override { show_to(nullptr); }

  void show_to(capture::Trace* trace) {
    points.is_traced_ = trace != nullptr;
    for (const auto& worker : points.workers_) worker->tracer().show_to(trace);
  }
};

std::unique_ptr<control::CapturePoints::Attachment> CapturePoints::attach(
    capture::Capture& capture, const control::CapturePlaces& places) {
  if ((places.drops && shows_drops_) || (places.signalling && shows_signalling_)) return nullptr;
  return std::make_unique<AttachedCapture>(*this, capture, places);
}

std::unique_ptr<control::CapturePoints::Attachment> CapturePoints::attach(capture::Trace& trace) {
  if (is_traced_) return nullptr;
  return std::make_unique<AttachedTrace>(*this, trace);
}

}  // namespace rgw::app
