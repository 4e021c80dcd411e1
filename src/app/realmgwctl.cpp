// realmgwctl: asks a running gateway, and shows what it says.
#include "realmgw/app/ctl_client.hpp"
#include "realmgw/app/ctl_command_line.hpp"
#include "realmgw/app/version.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <unistd.h>

namespace {

using namespace rgw::app;
using nlohmann::ordered_json;

enum ExitStatus : int { success = 0, refused = 1, bad_usage = 2, unreachable = 3 };

int complain(const std::string& what, ExitStatus status) {
  std::fflush(stdout);
  std::fprintf(stderr, "realmgwctl: %s\n", what.c_str());
  return status;
}

int ask(const CtlAsked& asked, const char* before) {
  const auto& [command, request] = asked;
  const auto answer = ordered_json::parse(ask_gateway(request.socket, command->ask(request)), nullptr, false);
  if (answer.is_discarded()) return complain(request.socket + ": the gateway broke off", unreachable);
  if (answer.is_object() && answer.contains("error"))
    return complain(answer["error"].get<std::string>(), refused);
  const std::string shown = request.json ? answer.dump(2) + "\n" : command->show(answer, request);
  std::fputs((before + shown).c_str(), stdout);
  return !command->done || command->done(answer) ? success : refused;
}

/// After an upgrade the gateway of before runs on until it is restarted.
void compare_versions(const std::string& socket) {
  std::string theirs = "of an older version";
  try {
    const auto answer =
        ordered_json::parse(ask_gateway(socket, "version", std::chrono::seconds{2}), nullptr, false);
    if (answer.is_object() && answer.contains("version")) theirs = answer["version"].get<std::string>();
  } catch (const Unreachable&) {
    return;  // it has answered what was asked; nothing more is known
  }
  if (theirs == version) return;
  std::fprintf(
      stderr,
      "realmgwctl: notice: this is realmgwctl %s, and the gateway that runs is %s; a restart of the gateway "
      "ends the difference\n",
      version, theirs.c_str());
}

int watch(const CtlAsked& asked) {
  const std::string& given = asked.request.options.at("watch");
  const std::chrono::seconds pause{given.empty() ? 2 : std::stoi(given)};
  const bool on_screen = isatty(STDOUT_FILENO) == 1 && !asked.request.json;
  for (bool first = true;; first = false) {
    const char* const clear = "\033[H\033[2J";
    if (const int status = ask(asked, on_screen                     ? clear
                                      : first || asked.request.json ? ""
                                                                    : "\n");
        status != success)
      return status;
    std::fflush(stdout);
    if (first) compare_versions(asked.request.socket);
    std::this_thread::sleep_for(pause);
  }
}

int run(const CtlAsked& asked) {
  if (asked.command->act) {
    const std::string problem = asked.command->act(asked.request);
    return problem.empty() ? int{success} : complain(problem, refused);
  }
  if (!asked.command->ask) {
    const auto script = ctl_completion(asked.request.argument);
    if (!script) return complain("completion is for bash and zsh", bad_usage);
    std::fputs(script->c_str(), stdout);
    return success;
  }
  if (asked.request.has("watch")) return watch(asked);
  const int status = ask(asked, "");
  if (status != unreachable) compare_versions(asked.request.socket);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = parse_ctl_command_line(argc, argv);
  if (const auto* mistake = std::get_if<CtlMistake>(&parsed))
    return complain(mistake->what + "\nTry 'realmgwctl --help'.", bad_usage);
  if (const auto* text = std::get_if<CtlText>(&parsed)) {
    std::fputs(text->text.c_str(), stdout);
    return success;
  }
  try {
    return run(std::get<CtlAsked>(parsed));
  } catch (const Unreachable& error) {
    return complain(error.what(), unreachable);
  } catch (const std::exception& error) {
    return complain(std::string{"the gateway's answer cannot be read: "} + error.what(), refused);
  }
}
