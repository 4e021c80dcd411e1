// Lines of the files that keep what updates have made (OPS-9): whatever they hold, what is read is written so
// that the same is read again.
#include "realmgw/control/dynamic_records.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rgw::control;
  const auto line = parse_dynamic_line({reinterpret_cast<const char*>(data), size});
  if (!line) return 0;
  std::string text = line_of(*line);
  if (text.empty() || text.back() != '\n' || text.find('\n') != text.size() - 1) __builtin_trap();
  text.pop_back();
  const auto again = parse_dynamic_line(text);
  if (!again || line_of(*again) != text + "\n") __builtin_trap();
  return 0;
}
