// A capture of the gateway's, on its way to a file or a pipe.
#pragma once

#include "realmgw/app/ctl_commands.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace rgw::app {

/// A stream of pcapng, cut between its blocks: whoever stops leaves a whole file.
class CaptureStream {
 public:
  /// Takes whole blocks; false: no more.
  using Sink = std::function<bool(std::span<const char>)>;
  explicit CaptureStream(Sink sink) : sink_{std::move(sink)} {}

  /// The next bytes of the stream. False where the sink takes no more, or they are no pcapng.
  bool add(std::span<const char> bytes);

  /// Of the blocks so far.
  [[nodiscard]] std::uint64_t packets() const { return packets_; }
  /// What the gateway has lost, as it last said.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  /// What the gateway answered where it was no stream: an error, as JSON.
  [[nodiscard]] const std::string& answer() const { return rest_; }
  [[nodiscard]] bool has_begun() const { return has_begun_; }

 private:
  void note(std::span<const char> block);

  Sink sink_;
  std::string rest_;
  bool has_begun_ = false;
  std::uint64_t packets_ = 0, lost_ = 0;
};

/// `use(frame)` for the frame of each packet among whole blocks.
void for_each_frame(std::span<const char> blocks, const std::function<void(std::span<const char>)>& use);

/// Asks for a capture, and writes it, or sends its packets through an interface, until it ends, Ctrl-C, or
/// nobody reads it any more. Returns what went wrong; empty: nothing. Throws Unreachable.
[[nodiscard]] std::string write_capture(const CtlRequest& request, const std::string& line);

}  // namespace rgw::app
