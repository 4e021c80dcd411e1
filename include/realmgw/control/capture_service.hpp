// `capture` and `trace` of the control socket (OPS-5, OPS-3): a stream of pcapng, or of walks, until it has
// enough or whoever asked goes.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/capture/capture.hpp"
#include "realmgw/capture/trace.hpp"
#include "realmgw/control/ctl_server.hpp"
#include "realmgw/control/realm_in_force.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rgw::control {

/// What is to be seen of the packets.
struct CapturePlaces {
  bool inside = false, outside = false;  ///< what comes and goes by the ports of the side
  bool drops = false;                    ///< what the workers drop, as it was then
  bool signalling = false;               ///< what ALGs read, and what they make of it
  friend bool operator==(const CapturePlaces&, const CapturePlaces&) = default;
};

/// The workers and their ports.
class CapturePoints {
 public:
  /// A capture that sees packets.
  class Attachment {
   public:
    virtual ~Attachment() = default;
    /// It sees no more; a worker may be in the midst of showing it one.
    virtual void detach() = 0;
    /// After `detach`: no worker is, so capture and attachment may go.
    [[nodiscard]] virtual bool is_quiet() const = 0;
  };
  virtual ~CapturePoints() = default;
  /// Null where something else captures drops, or signalling, already. `capture` outlives the attachment.
  [[nodiscard]] virtual std::unique_ptr<Attachment> attach(capture::Capture& capture,
                                                           const CapturePlaces& places) = 0;
  /// Null where something else is traced already. `trace` outlives the attachment.
  [[nodiscard]] virtual std::unique_ptr<Attachment> attach(capture::Trace& trace) = 0;
};

/// `[where PLACE] [count N] [seconds N] [keep N] [filter EXPRESSION...]`, each once.
struct CaptureRequest {
  CapturePlaces places{.inside = true, .outside = true};
  std::optional<std::uint64_t> count{};
  std::optional<std::chrono::seconds> time{};
  std::uint32_t keep = capture::Capture::longest;
  std::string filter{};
};
/// What the words mean, or what is wrong with them.
[[nodiscard]] std::variant<CaptureRequest, std::string> parse_capture_request(
    std::span<const std::string_view> words);
/// The same of a trace, which has no `where` and no `keep`.
[[nodiscard]] std::variant<CaptureRequest, std::string> parse_trace_request(
    std::span<const std::string_view> words);

/// The captures and traces that run. One thread.
class CaptureService {
 public:
  static constexpr std::size_t max_captures = 4;
  /// How old a packet is before it is written: what another worker has seen before it lies in its lane by
  /// then, unless its turn has taken longer.
  static constexpr std::chrono::milliseconds hold_back{5};

  /// Everything referred to outlives this, and this outlives the replies. `points` may be null: there are no
  /// captures.
  CaptureService(CapturePoints* points, const RealmInForce& realm, unsigned workers, const Clock& clock,
                 std::string program, CounterBlock& counters);
  /// The workers have stopped.
  ~CaptureService();

  [[nodiscard]] std::unique_ptr<CtlReply> capture(std::span<const std::string_view> words);
  [[nodiscard]] std::unique_ptr<CtlReply> trace(std::span<const std::string_view> words);
  /// Lets go of ended ones that no worker touches any more.
  void tick();
  [[nodiscard]] std::size_t running() const { return running_; }

 private:
  class Running;
  class Capturing;
  class Tracing;
  class Reply;
  class Packets;
  class Walks;
  template <class Kind>
  [[nodiscard]] std::unique_ptr<CtlReply> begin(std::variant<CaptureRequest, std::string> parsed);
  void end(std::unique_ptr<Running> running);
  [[nodiscard]] bool is_full() const;

  CapturePoints* points_;
  const RealmInForce& realm_;
  unsigned workers_;
  const Clock& clock_;
  std::string program_;
  CounterBlock& counters_;
  std::size_t running_ = 0;  ///< replies
  std::vector<std::unique_ptr<Running>> ended_;
  std::vector<capture::FilterCompilation> left_;  ///< whose filter nobody waits for any more
};

}  // namespace rgw::control
