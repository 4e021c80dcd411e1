#include "realmgw/dataplane/library_log.hpp"

#include <algorithm>
#include <array>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>
#include <system_error>
#include <utility>
#include <xdp/libxdp.h>

#include <rte_log.h>

namespace rgw::dataplane {
namespace {

using Severity = LibraryLog::Severity;

const LibraryLog::Sink* sink_in_force = nullptr;  // libbpf and libxdp hand no pointer on

Severity severity_of_dpdk(int level) {
  if (level > 0 && level <= static_cast<int>(RTE_LOG_ERR)) return Severity::error;
  return level == static_cast<int>(RTE_LOG_WARNING) ? Severity::warning : Severity::notice;
}

// Their warnings are mostly of what they try first and then do otherwise, so they are notices; what else they
// say is of use to their authors alone. Where they fail, DPDK says so.
int print(std::string_view library, bool is_warning, const char* format, std::va_list arguments) {
  if (sink_in_force == nullptr || !is_warning) return 0;
  std::array<char, 4096> room;
  const int wanted = std::vsnprintf(room.data(), room.size(), format, arguments);
  if (wanted <= 0) return wanted;
  std::string_view text{room.data()};
  if (text.starts_with(library) && text.substr(library.size()).starts_with(": "))
    text.remove_prefix(library.size() + 2);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end != 0) (*sink_in_force)(Severity::notice, library, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return wanted;
}

int print_bpf(libbpf_print_level level, const char* format, std::va_list arguments) {
  return print("libbpf", level == LIBBPF_WARN, format, arguments);
}
int print_xdp(libxdp_print_level level, const char* format, std::va_list arguments) {
  return print("libxdp", level == LIBXDP_WARN, format, arguments);
}

}  // namespace

LibraryLog::LibraryLog(Sink sink) : sink_{std::move(sink)} {
  cookie_io_functions_t functions{};
  functions.write = take;
  stream_ = ::fopencookie(this, "w", functions);
  if (stream_ == nullptr) throw std::system_error{errno, std::generic_category(), "the stream of DPDK's log"};
  std::setvbuf(stream_, nullptr, _IOLBF, 0);
  rte_openlog_stream(stream_);
  sink_in_force = &sink_;
  libbpf_set_print(print_bpf);
  libxdp_set_print(print_xdp);
}

LibraryLog::~LibraryLog() {
  libbpf_set_print(nullptr);
  libxdp_set_print(nullptr);
  sink_in_force = nullptr;
  rte_openlog_stream(nullptr);
  std::fclose(stream_);
}

ssize_t LibraryLog::take(void* self, const char* text, std::size_t size) {
  auto& log = *static_cast<LibraryLog*>(self);
  for (const char c : std::string_view{text, size}) {
    if (c != '\n') {
      log.begun_ += c;
      continue;
    }
    const std::string line = std::exchange(log.begun_, {});
    if (!line.empty()) log.sink_(severity_of_dpdk(rte_log_cur_msg_loglevel()), "DPDK", line);
  }
  return static_cast<ssize_t>(size);
}

}  // namespace rgw::dataplane
