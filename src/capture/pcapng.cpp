#include "realmgw/capture/pcapng.hpp"

#include <bit>
#include <cstring>

namespace rgw::capture::pcapng {
namespace {

// The writer's byte order is told by the section's magic, so plain numbers will do.
enum BlockType : std::uint32_t {
  section_header = 0x0A0D0D0A,
  interface_description = 1,
  interface_statistics = 5,
  enhanced_packet = 6,
};
enum OptionCode : std::uint16_t {
  opt_endofopt = 0,
  opt_comment = 1,
  shb_userappl = 4,
  if_name = 2,
  if_tsresol = 9,
  if_filter = 11,
  epb_flags = 2,
  isb_ifrecv = 4,
  isb_ifdrop = 5,
};
constexpr std::uint16_t link_type_ethernet = 1;
constexpr std::uint8_t nanoseconds = 9;  // ten to the minus nine
constexpr std::size_t longest_text = 65535;

template <class Number>
void number(std::string& out, Number value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void pad(std::string& out, std::size_t size) {
  out.append((4 - size % 4) % 4, '\0');
}

/// A block: its length stands before and behind what it holds (section 3.1).
class Block {
 public:
  Block(std::string& out, BlockType type) : out_{out}, begin_{out.size()} {
    number(out_, static_cast<std::uint32_t>(type));
    number(out_, std::uint32_t{0});
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() {
    const auto length = static_cast<std::uint32_t>(out_.size() - begin_ + sizeof(std::uint32_t));
    number(out_, length);
    std::memcpy(out_.data() + begin_ + sizeof(std::uint32_t), &length, sizeof length);
  }

  template <class Number>
  void add(Number value) {
    number(out_, value);
  }
  void add(Time at) {
    const auto count = static_cast<std::uint64_t>(at.time_since_epoch().count());
    add(static_cast<std::uint32_t>(count >> 32));
    add(static_cast<std::uint32_t>(count));
  }
  void bytes(std::span<const std::uint8_t> bytes) {
    out_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    pad(out_, bytes.size());
  }
  void option(OptionCode code, std::string_view text) {
    text = text.substr(0, longest_text);
    add(static_cast<std::uint16_t>(code));
    add(static_cast<std::uint16_t>(text.size()));
    out_ += text;
    pad(out_, text.size());
  }
  template <class Number>
  void option_number(OptionCode code, Number value) {
    std::string text;
    number(text, value);
    option(code, text);
  }
  void end_options() { add(std::uint32_t{opt_endofopt}); }

 private:
  std::string& out_;
  std::size_t begin_;
};

}  // namespace

void begin(std::string& out, std::string_view program) {
  Block block{out, section_header};
  block.add(std::uint32_t{0x1A2B3C4D});
  block.add(std::uint16_t{1});
  block.add(std::uint16_t{0});
  block.add(std::int64_t{-1});  // how long the section is nobody knows yet
  block.option(shb_userappl, program);
  block.end_options();
}

void interface(std::string& out, std::string_view name, std::string_view filter, std::uint32_t keep) {
  Block block{out, interface_description};
  block.add(link_type_ethernet);
  block.add(std::uint16_t{0});
  block.add(keep);
  block.option(if_name, name);
  block.option_number(if_tsresol, nanoseconds);
  // Its first byte says that it is an expression of libpcap's (section 4.2).
  if (!filter.empty()) block.option(if_filter, std::string{'\0'} + std::string{filter});
  block.end_options();
}

void packet(std::string& out, const Packet& packet) {
  Block block{out, enhanced_packet};
  block.add(packet.interface);
  block.add(packet.at);
  block.add(static_cast<std::uint32_t>(packet.bytes.size()));
  block.add(packet.length);
  block.bytes(packet.bytes);
  if (packet.way == Way::unknown && packet.comment.empty()) return;
  if (packet.way != Way::unknown) block.option_number(epb_flags, static_cast<std::uint32_t>(packet.way));
  if (!packet.comment.empty()) block.option(opt_comment, packet.comment);
  block.end_options();
}

void statistics(std::string& out, std::uint32_t interface, Time at, std::uint64_t seen, std::uint64_t lost) {
  Block block{out, interface_statistics};
  block.add(interface);
  block.add(at);
  block.option_number(isb_ifrecv, seen);
  block.option_number(isb_ifdrop, lost);
  block.end_options();
}

}  // namespace rgw::capture::pcapng
