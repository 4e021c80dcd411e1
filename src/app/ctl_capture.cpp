#include "realmgw/app/ctl_capture.hpp"

#include "realmgw/app/ctl_client.hpp"
#include "realmgw/app/ctl_mirror.hpp"
#include "realmgw/app/stop_signals.hpp"
#include "realmgw/base/file_descriptor.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <unistd.h>

namespace rgw::app {
namespace {

// draft-ietf-opsawg-pcapng, section 3.1.
constexpr std::uint32_t section_header = 0x0A0D0D0A, interface_statistics = 5, enhanced_packet = 6;
constexpr std::size_t frame_of_block = 12;
constexpr std::size_t longest_block = 1 << 20;

std::uint32_t word(std::span<const char> bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

bool write_all(int file, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

std::string refusal(const std::string& answer) {
  const auto json = nlohmann::ordered_json::parse(answer, nullptr, false);
  if (json.is_object() && json.contains("error")) return json["error"].get<std::string>();
  return "the gateway broke off";
}

}  // namespace

bool CaptureStream::add(std::span<const char> bytes) {
  rest_.append(bytes.data(), bytes.size());
  if (!has_begun_) {
    if (rest_.size() < frame_of_block) return true;
    if (word(rest_, 0) != section_header) return true;  // an answer, whose end comes
    has_begun_ = true;
  }
  std::size_t whole = 0;
  while (rest_.size() - whole >= frame_of_block) {
    const std::uint32_t length = word(rest_, whole + 4);
    if (length < frame_of_block || length > longest_block) return false;
    if (length > rest_.size() - whole) break;
    note(std::span<const char>{rest_}.subspan(whole, length));
    whole += length;
  }
  const bool taken = whole == 0 || sink_(std::span<const char>{rest_}.first(whole));
  rest_.erase(0, whole);
  return taken;
}

void CaptureStream::note(std::span<const char> block) {
  const std::uint32_t type = word(block, 0);
  if (type == enhanced_packet) ++packets_;
  if (type != interface_statistics) return;
  // Behind interface and time: options of a code, a length and a value that fills up words.
  constexpr std::uint16_t ifdrop = 5;
  for (std::size_t at = 20; at + 16 <= block.size();) {
    const auto code = static_cast<std::uint16_t>(word(block, at) & 0xffff);
    const std::uint32_t length = word(block, at) >> 16;
    if (code == ifdrop && length == sizeof lost_) std::memcpy(&lost_, block.data() + at + 4, sizeof lost_);
    at += 4 + (length + 3) / 4 * 4;
  }
}

void for_each_frame(std::span<const char> blocks, const std::function<void(std::span<const char>)>& use) {
  // Behind interface and time: the bytes that are there, and those of the whole packet (section 4.3).
  constexpr std::size_t kept_at = 20, frame_at = 28;
  while (blocks.size() >= frame_of_block) {
    const auto block = blocks.first(word(blocks, 4));
    blocks = blocks.subspan(block.size());
    if (word(block, 0) != enhanced_packet || block.size() < frame_at + 4) continue;
    const std::uint32_t kept = word(block, kept_at);
    if (kept <= block.size() - frame_at) use(block.subspan(frame_at, kept));
  }
}

namespace {

/// Runs until it ends, or a signal comes. What went wrong; empty: nothing.
std::string run(CaptureStream& stream, const CtlRequest& request, const std::string& line) {
  heed_stop_signals();
  stream_from_gateway(
      request.socket, line, [&](std::span<const char> bytes) { return stream.add(bytes); }, stop_signalled);
  if (!stream.has_begun() && !stop_signalled()) return refusal(stream.answer());
  std::fprintf(stderr, "%llu packets captured, %llu lost\n",
               static_cast<unsigned long long>(stream.packets()),
               static_cast<unsigned long long>(stream.lost()));
  return {};
}

std::string mirror(const std::string& interface, const CtlRequest& request, const std::string& line) {
  std::optional<Mirror> to;
  try {
    to.emplace(interface);
  } catch (const std::system_error& error) {
    return error.what();
  }
  CaptureStream stream{[&](std::span<const char> blocks) {
    for_each_frame(blocks, [&](std::span<const char> frame) { to->send(frame); });
    return true;
  }};
  const std::string problem = run(stream, request, line);
  if (to->refused() != 0)
    std::fprintf(stderr, "%llu packets that %s did not take\n",
                 static_cast<unsigned long long>(to->refused()), interface.c_str());
  return problem;
}

std::string write(int file, const CtlRequest& request, const std::string& line) {
  std::string problem;
  CaptureStream stream{[&](std::span<const char> blocks) {
    if (write_all(file, blocks)) return true;
    if (errno != EPIPE) problem = std::string{"writing: "} + std::strerror(errno);
    return false;
  }};
  const std::string refused = run(stream, request, line);
  return refused.empty() ? problem : refused;
}

}  // namespace

std::string write_capture(const CtlRequest& request, const std::string& line) {
  const auto file = request.options.find("write"), interface = request.options.find("to");
  if (interface != request.options.end()) {
    if (file != request.options.end()) return "--to and --write are two captures";
    return mirror(interface->second, request, line);
  }
  if (file != request.options.end()) {
    const FileDescriptor out{open(file->second.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!out) return file->second + ": " + std::strerror(errno);
    return write(out.get(), request, line);
  }
  if (isatty(STDOUT_FILENO) == 1)
    return "a capture is no text: name a file (--write FILE), or let tshark read it (| tshark -i -)";
  return write(STDOUT_FILENO, request, line);
}

}  // namespace rgw::app
