#include "realmgw/app/ctl_report.hpp"

#include "realmgw/app/ctl_client.hpp"
#include "realmgw/app/report_page.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <thread>
#include <unistd.h>

namespace rgw::app {
namespace {

using nlohmann::ordered_json;

constexpr int usual_seconds = 30;
// Of all sessions of a large gateway a list would be longer than anybody reads.
constexpr const char* sessions_asked = "sessions limit 10000";

ordered_json ask(const CtlRequest& request, const std::string& line) {
  auto answer = ordered_json::parse(ask_gateway(request.socket, line), nullptr, false);
  if (answer.is_discarded()) throw Unreachable{request.socket + ": the gateway broke off"};
  return answer;
}

std::string time_now() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  std::array<char, 64> text{};
  localtime_r(&now, &local);
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %Z", &local);
  return text.data();
}

void show_progress(int second, int seconds) {
  const bool on_screen = isatty(STDERR_FILENO) == 1;
  if (on_screen) {
    std::fprintf(stderr, "\r\033[Kreport: %d of %d s%s", second, seconds, second == seconds ? "\n" : "");
  } else if (second % 10 == 0 || second == seconds) {
    std::fprintf(stderr, "report: %d of %d s\n", second, seconds);
  }
}

}  // namespace

std::string write_report(const CtlRequest& request) {
  using Clock = std::chrono::steady_clock;
  const int seconds = request.has("seconds") ? std::stoi(request.options.at("seconds")) : usual_seconds;
  if (seconds < 1) return "--seconds takes a number above zero";
  const std::string path = request.has("write") ? request.options.at("write") : "report.html";
  // A file that cannot be written is better known before than after.
  std::ofstream file{path, std::ios::binary};
  if (!file) return path + ": " + std::strerror(errno);

  Observation observation;
  const auto begun = Clock::now();
  for (int second = 0; second <= seconds; ++second) {
    std::this_thread::sleep_until(begun + std::chrono::seconds{second});
    const std::chrono::duration<double> passed = Clock::now() - begun;
    observation.moments.push_back({second == 0 ? 0 : passed.count(), ask(request, "metrics")});
    show_progress(second, seconds);
  }
  observation.status = ask(request, "status");
  observation.sessions = ask(request, sessions_asked);
  observation.made_at = time_now();
  file << report_page(observation);
  file.close();
  return file ? std::string{} : path + ": " + std::strerror(errno);
}

}  // namespace rgw::app
