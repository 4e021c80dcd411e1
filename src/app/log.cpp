#include "realmgw/app/log.hpp"

#include <cstdlib>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

namespace rgw::app {
namespace {

/// "<3>" for an error: the priorities of syslog(3).
class Priority final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& line) override {
    // trace, debug, info, warning, error, critical
    constexpr std::string_view priorities = "776432";
    const auto level = static_cast<std::size_t>(message.level);
    const char priority = level < priorities.size() ? priorities[level] : '6';
    for (const char c : {'<', priority, '>'}) line.push_back(c);
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<Priority>();
  }
};

}  // namespace

bool is_journal(int file, const char* journal_stream) {
  struct stat status {};
  if (journal_stream == nullptr || fstat(file, &status) != 0) return false;
  return journal_stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

void start_log(spdlog::level::level_enum level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("realmgwd"));
  spdlog::set_level(level);
  if (!is_journal(STDERR_FILENO, std::getenv("JOURNAL_STREAM"))) {
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
    return;
  }
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<Priority>('*').set_pattern("%*%v");
  spdlog::set_formatter(std::move(formatter));
}

}  // namespace rgw::app
