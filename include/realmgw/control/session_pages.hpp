// The workers' session tables, read page by page for an operator.
#pragma once

#include "realmgw/control/ctl_server.hpp"
#include "realmgw/control/worker_links.hpp"

#include <array>
#include <cstdint>
#include <memory>

namespace rgw::control {

/// A page that may be a worker's at the moment.
struct SessionPageSlot {
  enum class State : std::uint8_t {
    idle,       ///< nobody uses it
    held,       ///< a reader has it, and no worker
    asked,      ///< a worker fills it
    filled,     ///< the reader may read it
    abandoned,  ///< a worker fills it, and nobody waits for it any more
  };
  State state = State::idle;
  bool last = false;
  std::uint32_t next_cursor = 0;
  ring::SessionsPage page;
};

/// All pages there are: as many readers walk the tables at once. Must live until the workers have stopped.
class SessionPages {
 public:
  static constexpr std::size_t count = 4;

  /// A page for a reader; nullptr where all are taken.
  [[nodiscard]] SessionPageSlot* take();
  void give_back(SessionPageSlot& slot);
  /// A worker has answered.
  void filled(const ring::SessionsPageFilled& answer);

 private:
  std::unique_ptr<std::array<SessionPageSlot, count>> slots_ =
      std::make_unique<std::array<SessionPageSlot, count>>();
};

/// `realmgwctl sessions`: the sessions of one worker after the other as a JSON list, a page at a time.
/// Sessions come and go meanwhile: one that lives throughout is seen once.
class SessionsReply final : public CtlReply {
 public:
  /// At most `limit` sessions.
  SessionsReply(SessionPages& pages, WorkerLinks& workers, std::uint64_t limit);
  ~SessionsReply() override;
  SessionsReply(const SessionsReply&) = delete;
  SessionsReply& operator=(const SessionsReply&) = delete;

  Progress append_to(std::string& text) override;

 private:
  Progress finish(std::string& text);

  SessionPages& pages_;
  WorkerLinks& workers_;
  std::uint64_t limit_;
  SessionPageSlot* slot_ = nullptr;
  WorkerId worker_{0};
  std::uint32_t cursor_ = 0;
  std::uint64_t written_ = 0;
};

}  // namespace rgw::control
