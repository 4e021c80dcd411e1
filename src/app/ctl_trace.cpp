#include "realmgw/app/ctl_trace.hpp"

#include "realmgw/app/ctl_client.hpp"
#include "realmgw/app/stop_signals.hpp"

#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

namespace rgw::app {
namespace {

using nlohmann::ordered_json;

std::string text_of(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || !found->is_string() ? "" : found->get<std::string>();
}

std::string session_text(const ordered_json& session) {
  std::string text = text_of(session, "origin") + " session: host " + text_of(session, "inside") + ", as " +
                     text_of(session, "external") + ", with " + text_of(session, "remote");
  if (text_of(session, "remote_inside") != text_of(session, "remote"))
    text += " (" + text_of(session, "remote_inside") + " inside)";
  if (session.contains("tcp_state")) text += ", " + text_of(session, "tcp_state");
  return text;
}

std::string way_text(const ordered_json& step) {
  std::string text = "by port " + text_of(step, "port") + ", MTU " + step.at("mtu").dump();
  if (step.contains("looks_for")) text += ", no MAC address yet of " + text_of(step, "looks_for");
  return text;
}

/// What a stage says that the ones before it have not said.
class Told {
 public:
  std::string fresh(const ordered_json& step) {
    std::string text;
    if (step.contains("ends")) add(text, "-> " + text_of(step, "ends"));
    const std::string packet = text_of(step, "packet");
    if (!packet.empty() && packet != packet_) add(text, packet_ = packet);
    if (step.contains("session")) {
      const std::string session = session_text(step["session"]);
      if (session != session_) add(text, session_ = session);
    } else if (text_of(step, "stage") == "lookup" && !packet.empty()) {
      add(text, "no session");
    }
    if (step.contains("port")) {
      const std::string way = way_text(step);
      if (way != way_) add(text, way_ = way);
    }
    return text;
  }

 private:
  static void add(std::string& text, const std::string& part) {
    if (!text.empty()) text += "; ";
    text += part;
  }
  std::string packet_, session_, way_;
};

/// Lines out of a stream of bytes.
class Lines {
 public:
  template <class Use>
  bool add(std::span<const char> bytes, Use&& use) {
    rest_.append(bytes.data(), bytes.size());
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      if (!use(std::string_view{rest_}.substr(begin, end - begin))) return false;
    }
    rest_.erase(0, begin);
    return true;
  }

 private:
  std::string rest_;
};

}  // namespace

std::string walk_table(const ordered_json& walk) {
  std::string text = "#" + walk.at("packet").dump() + "  " + text_of(walk, "at") + "  worker " +
                     walk.at("worker").dump() + ", " + text_of(walk, "came") + ", " +
                     walk.at("length").dump() + " bytes\n";
  Told told;
  for (const auto& step : walk.at("steps")) {
    std::string line = "  " + text_of(step, "stage");
    line.resize(13, ' ');
    line += told.fresh(step);
    std::string counted;
    for (const auto& counter : step.at("counted"))
      counted += (counted.empty() ? "" : ", ") + counter.get<std::string>();
    if (!counted.empty()) line += (line.back() == ' ' ? "[" : "  [") + counted + "]";
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string show_trace(const CtlRequest& request, const std::string& line) {
  heed_stop_signals();
  std::string problem;
  std::uint64_t walks = 0, lost = 0;
  bool has_begun = false;
  const auto show = [&](std::string_view text) {
    const auto json = ordered_json::parse(text, nullptr, false);
    if (!json.is_object()) {
      problem = "the gateway answered something else than a trace";
      return false;
    }
    if (json.contains("error")) {
      problem = text_of(json, "error");
      return false;
    }
    if (json.contains("trace")) {
      has_begun = true;
      std::fprintf(stderr, "following packets, until Ctrl-C or as many as were asked for\n");
      return true;
    }
    if (json.contains("lost")) {
      lost = json["lost"].get<std::uint64_t>();
      return true;
    }
    ++walks;
    const std::string shown = request.json ? std::string{text} + "\n" : walk_table(json);
    return std::fwrite(shown.data(), 1, shown.size(), stdout) == shown.size() && std::fflush(stdout) == 0;
  };
  Lines lines;
  stream_from_gateway(
      request.socket, line, [&](std::span<const char> bytes) { return lines.add(bytes, show); },
      stop_signalled);
  if (!problem.empty()) return problem;
  if (!has_begun && !stop_signalled()) return "the gateway broke off";
  std::fprintf(stderr, "%llu walks shown, %llu lost\n", static_cast<unsigned long long>(walks),
               static_cast<unsigned long long>(lost));
  return {};
}

}  // namespace rgw::app
