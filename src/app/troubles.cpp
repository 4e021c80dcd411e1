#include "realmgw/app/troubles.hpp"

#include <chrono>
#include <string>

namespace rgw::app {

LogMessage message_of(control::Trouble trouble) {
  using control::Trouble;
  switch (trouble) {
    case Trouble::link_down:
      return LogMessage::link_down;
    case Trouble::router_lost:
      return LogMessage::router_lost;
    case Trouble::pool_exhausted:
      return LogMessage::pool_exhausted;
    case Trouble::ports_exhausted:
      return LogMessage::ports_exhausted;
    case Trouble::sessions_full:
      return LogMessage::sessions_full;
    case Trouble::reservations_full:
      return LogMessage::reservations_full;
    case Trouble::upstreams_failing:
      return LogMessage::upstreams_failing;
    case Trouble::upstream_dead:
      return LogMessage::upstream_dead;
    case Trouble::control_overloaded:
      return LogMessage::control_overloaded;
    case Trouble::workers_overloaded:
      return LogMessage::workers_overloaded;
    case Trouble::no_buffers:
      return LogMessage::no_buffers;
    case Trouble::alg_full:
      return LogMessage::alg_full;
    case Trouble::updates_not_kept:
      return LogMessage::updates_not_kept;
    case Trouble::www_not_written:
      return LogMessage::www_not_written;
    case Trouble::session_log_lost:
      return LogMessage::session_log_lost;
    case Trouble::session_log_stuck:
      return LogMessage::session_log_stuck;
    case Trouble::kernel_forwards:
      break;
  }
  return LogMessage::kernel_forwards;
}

void log_trouble(const control::TroubleNews& news) {
  const LogMessage message = message_of(news.what);
  if (!news.over) return log(message, news.subject);
  const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(news.lasted).count();
  const std::string times = news.count == 0 ? "" : ", " + std::to_string(news.count) + " times";
  log(LogMessage::trouble_over, lasted, times, text_of(message, news.subject));
}

}  // namespace rgw::app
