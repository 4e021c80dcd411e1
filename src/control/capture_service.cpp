#include "realmgw/control/capture_service.hpp"

#include "realmgw/capture/pcapng.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace rgw::control {
namespace {

namespace pcapng = capture::pcapng;
using capture::Seen;
using capture::Sighting;

constexpr std::size_t bytes_a_turn = 128 * 1024;
constexpr std::chrono::seconds between_statistics{1};

std::optional<CapturePlaces> parse_places(std::string_view word) {
  if (word == "inside") return CapturePlaces{.inside = true};
  if (word == "outside") return CapturePlaces{.outside = true};
  if (word == "drops") return CapturePlaces{.drops = true};
  if (word == "signalling") return CapturePlaces{.signalling = true};
  return std::nullopt;
}

std::optional<std::uint32_t> parse_number(std::string_view word) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size() || number == 0) return std::nullopt;
  return number;
}

}  // namespace

std::variant<CaptureRequest, std::string> parse_capture_request(std::span<const std::string_view> words) {
  CaptureRequest request;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const std::string name{words[i]};
    if (name == "filter") {
      for (const auto word : words.subspan(i + 1)) {
        if (!request.filter.empty()) request.filter += ' ';
        request.filter += word;
      }
      return request;
    }
    if (i + 1 == words.size()) return name + " needs a value";
    const std::string_view value = words[i + 1];
    if (name == "where") {
      const auto places = parse_places(value);
      if (!places) return "where is inside, outside, drops or signalling, not " + std::string{value};
      request.places = *places;
      continue;
    }
    const auto number = parse_number(value);
    if (name != "count" && name != "seconds" && name != "keep") return "capture knows no \"" + name + "\"";
    if (!number) return name + " takes a number above zero, not " + std::string{value};
    if (name == "count") request.count = *number;
    if (name == "seconds") request.time = std::chrono::seconds{*number};
    if (name == "keep") request.keep = *number;
  }
  return request;
}

/// Goes where no worker touches it.
struct CaptureService::Running {
  Running(capture::PacketFilter filter, std::uint32_t keep, unsigned workers, const Clock& clock)
      : capture{std::move(filter), keep, workers, clock} {}
  capture::Capture capture;
  std::unique_ptr<CapturePoints::Attachment> attachment;
};

/// The stream: a section, its interfaces (the ports by their numbers, and one for what is dropped), and
/// packets. Before it begins the filter is compiled.
class CaptureService::Reply final : public CtlReply {
 public:
  Reply(CaptureService& service, CaptureRequest request)
      : service_{service},
        request_{std::move(request)},
        filter_{request_.filter},
        drops_{static_cast<std::uint32_t>(service.realm_->ports.size())} {
    ++service_.running_;
  }
  ~Reply() override {
    --service_.running_;
    if (running_) service_.end(std::move(running_));
    if (!filter_.done()) service_.left_.push_back(filter_);
  }

  Progress append_to(std::string& text) override {
    if (!running_) {
      if (!filter_.done()) return Progress::more;
      try {
        running_ = service_.start(request_, filter_.take());
      } catch (const std::invalid_argument& error) {
        return ctl_error("the filter: " + std::string{error.what()})->append_to(text);
      } catch (const std::runtime_error& error) {
        return ctl_error(error.what())->append_to(text);
      }
      begin(text);
    }
    const Instant now = service_.clock_.now();
    const std::size_t enough = text.size() + bytes_a_turn;
    const auto end = request_.time ? std::optional{begun_ + *request_.time} : std::nullopt;
    const Instant until = now - hold_back;
    running_->capture.read(end ? std::min(*end, until) : until, [&](const Sighting& sighting) {
      write(text, sighting);
      return !has_all() && text.size() < enough;
    });
    const bool finished = has_all() || (end && until >= *end && text.size() < enough);
    if (finished || now >= next_statistics_) write_statistics(text, now);
    return finished ? Progress::whole : Progress::more;
  }

 private:
  [[nodiscard]] bool has_all() const { return request_.count && seen_ >= *request_.count; }
  [[nodiscard]] pcapng::Time wall(Instant at) const {
    return epoch_ + std::chrono::nanoseconds{at.time_since_epoch()};
  }

  void begin(std::string& text) {
    begun_ = service_.clock_.now();
    next_statistics_ = begun_ + between_statistics;
    epoch_ =
        std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()) - begun_.time_since_epoch();
    pcapng::begin(text, service_.program_);
    for (const auto& port : service_.realm_->ports)
      pcapng::interface(text, port.name, request_.filter, request_.keep);
    pcapng::interface(text, "drops", request_.filter, request_.keep);
  }

  void write(std::string& text, const Sighting& sighting) {
    ++seen_;
    pcapng::Packet packet{.at = wall(sighting.at), .length = sighting.length, .bytes = sighting.bytes};
    std::string comment;
    if (sighting.mark.seen == Seen::dropped) {
      packet.interface = drops_;
      comment = "dropped: " + std::string{info(sighting.mark.why).name};
      packet.comment = comment;
    } else {
      packet.interface = sighting.mark.port.value();
      packet.way = sighting.mark.seen == Seen::received ? pcapng::Way::inbound : pcapng::Way::outbound;
    }
    pcapng::packet(text, packet);
  }

  /// Of all of them, at the first interface: which port a lost packet was of is not known.
  void write_statistics(std::string& text, Instant now) {
    next_statistics_ = now + between_statistics;
    const std::uint64_t lost = running_->capture.lost();
    pcapng::statistics(text, 0, wall(now), seen_ + lost, lost);
  }

  CaptureService& service_;
  const CaptureRequest request_;
  capture::FilterCompilation filter_;
  std::unique_ptr<Running> running_;
  const std::uint32_t drops_;
  Instant begun_{}, next_statistics_{};
  pcapng::Time epoch_{};  // of the gateway's clock
  std::uint64_t seen_ = 0;
};

CaptureService::CaptureService(CapturePoints* points, const RealmInForce& realm, unsigned workers,
                               const Clock& clock, std::string program, CounterBlock& counters)
    : points_{points},
      realm_{realm},
      workers_{workers},
      clock_{clock},
      program_{std::move(program)},
      counters_{counters} {}

CaptureService::~CaptureService() = default;

std::unique_ptr<CtlReply> CaptureService::command(std::span<const std::string_view> words) {
  auto parsed = parse_capture_request(words);
  if (const auto* mistake = std::get_if<std::string>(&parsed)) return ctl_error(*mistake);
  auto& request = std::get<CaptureRequest>(parsed);
  if (points_ == nullptr) return ctl_error("this gateway has nothing to capture at");
  if (is_full()) return ctl_error("there are " + std::to_string(max_captures) + " captures already");
  try {
    return std::make_unique<Reply>(*this, std::move(request));
  } catch (const std::system_error& error) {
    return ctl_error("no thread for the filter: " + std::string{error.what()});
  }
}

/// Those that have ended count until their memory is free, and their filter's thread has.
bool CaptureService::is_full() const {
  return running_ + ended_.size() + left_.size() >= max_captures;
}

std::unique_ptr<CaptureService::Running> CaptureService::start(const CaptureRequest& request,
                                                               capture::PacketFilter filter) {
  auto running = std::make_unique<Running>(std::move(filter), request.keep, workers_, clock_);
  running->attachment = points_->attach(running->capture, request.places);
  if (!running->attachment) throw std::runtime_error{"there is a capture of those already"};
  return running;
}

void CaptureService::end(std::unique_ptr<Running> running) {
  running->attachment->detach();
  counters_.add(Counter::capture_lost, running->capture.lost());
  ended_.push_back(std::move(running));
}

void CaptureService::tick() {
  std::erase_if(ended_, [](const auto& running) { return running->attachment->is_quiet(); });
  std::erase_if(left_, [](const auto& filter) { return filter.done(); });
}

}  // namespace rgw::control
