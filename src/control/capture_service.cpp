#include "realmgw/control/capture_service.hpp"

#include "realmgw/capture/pcapng.hpp"
#include "realmgw/control/walk_text.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace rgw::control {
namespace {

namespace pcapng = capture::pcapng;
using capture::Seen;
using capture::Sighting;

constexpr std::size_t bytes_a_turn = 128 * 1024;
constexpr std::chrono::seconds between_accounts{1};

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

std::variant<CaptureRequest, std::string> parse(std::span<const std::string_view> words,
                                                std::string_view command, bool of_packets) {
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
    if (of_packets && name == "where") {
      const auto places = parse_places(value);
      if (!places) return "where is inside, outside, drops or signalling, not " + std::string{value};
      request.places = *places;
      continue;
    }
    const auto number = parse_number(value);
    if (name != "count" && name != "seconds" && !(of_packets && name == "keep"))
      return std::string{command} + " knows no \"" + name + "\"";
    if (!number) return name + " takes a number above zero, not " + std::string{value};
    if (name == "count") request.count = *number;
    if (name == "seconds") request.time = std::chrono::seconds{*number};
    if (name == "keep") request.keep = *number;
  }
  return request;
}

}  // namespace

std::variant<CaptureRequest, std::string> parse_capture_request(std::span<const std::string_view> words) {
  return parse(words, "capture", true);
}

std::variant<CaptureRequest, std::string> parse_trace_request(std::span<const std::string_view> words) {
  return parse(words, "trace", false);
}

/// Goes where no worker touches it.
class CaptureService::Running {
 public:
  virtual ~Running() = default;
  [[nodiscard]] virtual std::uint64_t lost() const = 0;
  [[nodiscard]] virtual Counter lost_as() const = 0;

  std::unique_ptr<CapturePoints::Attachment> attachment;
};

class CaptureService::Capturing final : public Running {
 public:
  Capturing(capture::PacketFilter filter, std::uint32_t keep, unsigned workers, const Clock& clock)
      : capture{std::move(filter), keep, workers, clock} {}
  [[nodiscard]] std::uint64_t lost() const override { return capture.lost(); }
  [[nodiscard]] Counter lost_as() const override { return Counter::capture_lost; }

  capture::Capture capture;
};

class CaptureService::Tracing final : public Running {
 public:
  Tracing(capture::PacketFilter filter, unsigned workers) : trace{std::move(filter), workers} {}
  [[nodiscard]] std::uint64_t lost() const override { return trace.lost(); }
  [[nodiscard]] Counter lost_as() const override { return Counter::trace_lost; }

  capture::Trace trace;
};

/// A stream. Before it begins the filter is compiled.
class CaptureService::Reply : public CtlReply {
 public:
  Reply(CaptureService& of, CaptureRequest wanted)
      : service{of}, request{std::move(wanted)}, filter_{request.filter} {
    ++service.running_;
  }
  ~Reply() override {
    --service.running_;
    if (running_) service.end(std::move(running_));
    if (!filter_.done()) service.left_.push_back(filter_);
  }

  Progress append_to(std::string& text) override {
    if (!running_) {
      if (!filter_.done()) return Progress::more;
      try {
        auto running = start(filter_.take());
        if (!running->attachment)
          return ctl_error("there is " + std::string{kind()} + " already")->append_to(text);
        running_ = std::move(running);
      } catch (const std::invalid_argument& error) {
        return ctl_error("the filter: " + std::string{error.what()})->append_to(text);
      }
      begin(text);
    }
    const Instant now = service.clock_.now();
    const std::size_t enough = text.size() + bytes_a_turn;
    const auto end = request.time ? std::optional{begun_ + *request.time} : std::nullopt;
    const Instant until = now - hold_back;
    read(end ? std::min(*end, until) : until, text, enough);
    const bool finished = has_all() || (end && until >= *end && text.size() < enough);
    if (finished || now >= next_account_) {
      next_account_ = now + between_accounts;
      give_account(text, now, running_->lost());
    }
    return finished ? Progress::whole : Progress::more;
  }

 protected:
  /// What runs from now on, attached where there was no other.
  virtual std::unique_ptr<Running> start(capture::PacketFilter filter) = 0;
  /// "a capture of those": of which there is but one at a time.
  [[nodiscard]] virtual std::string_view kind() const = 0;
  virtual void write_beginning(std::string& text) = 0;
  /// Writes what was seen before `until`, no more than is enough.
  virtual void read(Instant until, std::string& text, std::size_t enough) = 0;
  /// Says what was lost so far.
  virtual void give_account(std::string& text, Instant now, std::uint64_t lost) = 0;

  [[nodiscard]] bool has_all() const { return request.count && seen >= *request.count; }
  [[nodiscard]] pcapng::Time wall(Instant at) const {
    return epoch_ + std::chrono::nanoseconds{at.time_since_epoch()};
  }

  CaptureService& service;
  const CaptureRequest request;
  std::uint64_t seen = 0;

 private:
  void begin(std::string& text) {
    begun_ = service.clock_.now();
    next_account_ = begun_ + between_accounts;
    epoch_ =
        std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()) - begun_.time_since_epoch();
    write_beginning(text);
  }

  capture::FilterCompilation filter_;
  std::unique_ptr<Running> running_;
  Instant begun_{}, next_account_{};
  pcapng::Time epoch_{};  // of the gateway's clock
};

/// Packets as pcapng: a section, its interfaces (the ports by their numbers, and one for what is dropped),
/// and packets.
class CaptureService::Packets final : public Reply {
 public:
  using Reply::Reply;

 private:
  [[nodiscard]] std::string_view kind() const override { return "a capture of those"; }
  std::unique_ptr<Running> start(capture::PacketFilter filter) override {
    auto running =
        std::make_unique<Capturing>(std::move(filter), request.keep, service.workers_, service.clock_);
    running->attachment = service.points_->attach(running->capture, request.places);
    capture_ = &running->capture;
    return running;
  }

  void write_beginning(std::string& text) override {
    const auto& ports = service.realm_->ports;
    drops_ = static_cast<std::uint32_t>(ports.size());
    pcapng::begin(text, service.program_);
    for (const auto& port : ports) pcapng::interface(text, port.name, request.filter, request.keep);
    pcapng::interface(text, "drops", request.filter, request.keep);
  }

  void read(Instant until, std::string& text, std::size_t enough) override {
    capture_->read(until, [&](const Sighting& sighting) {
      write(text, sighting);
      return !has_all() && text.size() < enough;
    });
  }

  void write(std::string& text, const Sighting& sighting) {
    ++seen;
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
  void give_account(std::string& text, Instant now, std::uint64_t lost) override {
    pcapng::statistics(text, 0, wall(now), seen + lost, lost);
  }

  capture::Capture* capture_ = nullptr;
  std::uint32_t drops_ = 0;
};

/// Walks, each a line of JSON.
class CaptureService::Walks final : public Reply {
 public:
  using Reply::Reply;

 private:
  [[nodiscard]] std::string_view kind() const override { return "a trace"; }
  std::unique_ptr<Running> start(capture::PacketFilter filter) override {
    auto running = std::make_unique<Tracing>(std::move(filter), service.workers_);
    running->attachment = service.points_->attach(running->trace);
    trace_ = &running->trace;
    return running;
  }

  void write_beginning(std::string& text) override {
    for (const auto& port : service.realm_->ports) ports_.push_back(port.name);
    append_trace_begun(text);
  }

  void read(Instant until, std::string& text, std::size_t enough) override {
    trace_->read(until, [&](const capture::WalkHead& head, std::span<const capture::TraceStep> steps) {
      ++seen;
      append_walk(text, {number_of(head), wall(head.at), head, steps, ports_});
      return !has_all() && text.size() < enough;
    });
  }

  void give_account(std::string& text, Instant, std::uint64_t lost) override {
    if (lost == told_lost_) return;
    told_lost_ = lost;
    append_trace_lost(text, lost);
  }

  /// A packet that comes to another walk keeps its buffer, and so its number.
  std::uint64_t number_of(const capture::WalkHead& head) {
    std::uint64_t& number = numbers_[head.packet];
    if (head.entry == capture::Entry::port || number == 0) number = ++last_number_;
    return number;
  }

  capture::Trace* trace_ = nullptr;
  std::vector<std::string> ports_;
  std::unordered_map<std::uint64_t, std::uint64_t> numbers_;  // by buffer: as many as there are
  std::uint64_t last_number_ = 0;
  std::uint64_t told_lost_ = 0;
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

template <class Kind>
std::unique_ptr<CtlReply> CaptureService::begin(std::variant<CaptureRequest, std::string> parsed) {
  if (const auto* mistake = std::get_if<std::string>(&parsed)) return ctl_error(*mistake);
  auto& request = std::get<CaptureRequest>(parsed);
  if (points_ == nullptr) return ctl_error("this gateway has nothing to capture at");
  if (is_full()) return ctl_error("there are " + std::to_string(max_captures) + " captures already");
  try {
    return std::make_unique<Kind>(*this, std::move(request));
  } catch (const std::system_error& error) {
    return ctl_error("no thread for the filter: " + std::string{error.what()});
  }
}

std::unique_ptr<CtlReply> CaptureService::capture(std::span<const std::string_view> words) {
  return begin<Packets>(parse_capture_request(words));
}

std::unique_ptr<CtlReply> CaptureService::trace(std::span<const std::string_view> words) {
  return begin<Walks>(parse_trace_request(words));
}

/// Those that have ended count until their memory is free, and their filter's thread has.
bool CaptureService::is_full() const {
  return running_ + ended_.size() + left_.size() >= max_captures;
}

void CaptureService::end(std::unique_ptr<Running> running) {
  running->attachment->detach();
  counters_.add(running->lost_as(), running->lost());
  ended_.push_back(std::move(running));
}

void CaptureService::tick() {
  std::erase_if(ended_, [](const auto& running) { return running->attachment->is_quiet(); });
  std::erase_if(left_, [](const auto& filter) { return filter.done(); });
}

}  // namespace rgw::control
