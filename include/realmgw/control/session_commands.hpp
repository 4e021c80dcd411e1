// What an operator asks of sessions: which he means, and the end of those (OPS-3).
#pragma once

#include "realmgw/control/ctl_server.hpp"
#include "realmgw/control/worker_links.hpp"
#include "realmgw/nat/session_filter.hpp"
#include "realmgw/pool/host_names.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace rgw::control {

/// `[limit N] [host NAME|ADDRESS|PREFIX] [remote ADDRESS|PREFIX] [port N] [proto NAME]`, each once.
struct SessionsRequest {
  nat::SessionFilter filter;
  std::optional<std::uint64_t> limit;
};

/// What the words mean, or what is wrong with them.
[[nodiscard]] std::variant<SessionsRequest, std::string> parse_sessions_request(
    std::span<const std::string_view> words, const pool::HostNames& hosts);

/// Ends sessions on all workers. One wish after the other: a worker has one at a time.
class SessionDeletion {
 public:
  /// What came of a wish.
  struct Report {
    bool done = false;
    std::uint64_t ended = 0;
  };
  static constexpr std::size_t max_waiting = CtlServer::max_clients;

  explicit SessionDeletion(WorkerLinks& workers) : workers_{workers} {}

  /// Null where too many wishes wait. The wish is carried out whether or not anybody waits for its report.
  [[nodiscard]] std::shared_ptr<const Report> ask(nat::SessionFilter filter);
  /// A worker has done its part of the wish that is under way.
  void heard(const ring::SessionsDeleted& part);

  /// `delete [FILTER ...]`, or `delete all`: the answer is `{"deleted": N}`, when it is done.
  [[nodiscard]] std::unique_ptr<CtlReply> command(std::span<const std::string_view> words,
                                                  const pool::HostNames& hosts);

 private:
  struct Wish {
    nat::SessionFilter filter;
    std::shared_ptr<Report> report;
  };

  void begin();

  WorkerLinks& workers_;
  std::deque<Wish> wishes_;  ///< the first is under way; workers read its filter
  std::size_t awaited_ = 0;  ///< workers that have not done their part of it
};

}  // namespace rgw::control
