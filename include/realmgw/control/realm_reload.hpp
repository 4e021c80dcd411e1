// A changed realm file is taken into force while the gateway runs (OPS-2): docs/reload.md.
#pragma once

#include "realmgw/config/changes.hpp"
#include "realmgw/config/loader.hpp"
#include "realmgw/control/host_book.hpp"
#include "realmgw/control/realm_in_force.hpp"
#include "realmgw/control/worker_links.hpp"
#include "realmgw/dns/responder.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace rgw::control {

/// What came of a reload.
struct ReloadReport {
  enum class Result : std::uint8_t {
    pending,
    reloaded,
    unchanged,    ///< the file says what is in force
    would_apply,  ///< a dry run: it would be reloaded
    mistakes,     ///< the file is wrong
    restart,      ///< it says what only a restart can bring
  };
  Result result = Result::pending;
  std::vector<std::string> problems, warnings;
  std::vector<config::Difference> differences;
  std::uint64_t sessions_ended = 0;

  /// As `realmgwctl reload` gets it.
  [[nodiscard]] std::string to_json() const;
};

/// Control's own parts, as a reload changes them: in two steps, around the workers' change.
class RealmKeeper {
 public:
  virtual ~RealmKeeper() = default;
  /// Why the realm cannot follow, if it cannot: tables are too small for it.
  [[nodiscard]] virtual std::optional<std::string> objection(const ring::Snapshot& next) const = 0;
  /// Lets go of what the next realm does not have, so that nothing new is made of it.
  virtual void retire(const ring::Snapshot& next) = 0;
  /// All workers go by the next realm: so does control. What could not be done, as where the kernel refuses a
  /// route.
  [[nodiscard]] virtual std::vector<std::string> adopt(std::shared_ptr<const ring::Snapshot> next,
                                                       dns::ZoneSet zones) = 0;
};

/// One reload after the other. The file is read, judged and built into a realm by a thread of its own; then
/// what is gone ends, the workers change over, control does, and the workers look through their sessions.
/// Whatever is wrong with the file, nothing has been changed then.
class RealmReload {
 public:
  /// A change of the hosts that are added at run time.
  struct HostChange {
    std::string name;       ///< whose: all else stays as it is
    HostBook::Hosts hosts;  ///< all of them, afterwards
  };
  using Begun = std::function<void()>;
  using Ended = std::function<void(const ReloadReport&)>;

  /// All that is referred to outlives it. `load` is called by another thread; `begun` and `ended`, which
  /// may be empty, hear of every reload but dry runs.
  RealmReload(LoadRealm load, Begun begun, Ended ended, RealmInForce& realm, WorkerLinks& workers,
              RealmKeeper& keeper, HostBook& added);
  RealmReload(const RealmReload&) = delete;
  RealmReload& operator=(const RealmReload&) = delete;
  /// The workers have stopped.
  ~RealmReload();

  /// What will come of it; it changes from `pending` once, in a later step.
  [[nodiscard]] std::shared_ptr<const ReloadReport> ask(bool dry_run);
  /// The same of the realm in force with other hosts beside the file's. They are in their file before they
  /// are in force. Refused where the realm file has changed meanwhile: that change is not taken into force by
  /// the way.
  [[nodiscard]] std::shared_ptr<const ReloadReport> ask(HostChange change);
  /// Goes on with what is under way. True where something was done.
  bool step();
  void exchanged(const ring::RealmExchanged& exchanged);
  void swept(const ring::RealmSwept& swept);

 private:
  enum class Stage : std::uint8_t { idle, reading, changing };
  struct Request {
    bool dry_run;
    std::shared_ptr<ReloadReport> report;
    std::optional<HostChange> change{};
  };
  /// What the thread makes.
  struct Prepared {
    std::shared_ptr<const ring::Snapshot> snapshot;
    std::vector<std::unique_ptr<ring::WorkerRealm>>
        parts;  ///< by worker, who has it until it says `RealmExchanged`
    dns::ZoneSet zones;
  };

  void begin();
  /// Of the thread. `reloaded`: the file is to come into force.
  [[nodiscard]] ReloadReport::Result prepare(const Request& request, const ring::Snapshot& former,
                                             const HostBook::Hosts& added);
  void take_prepared();
  void send();
  void finish(ReloadReport::Result result);

  LoadRealm load_;
  Begun begun_;
  Ended ended_;
  RealmInForce& realm_;
  WorkerLinks& workers_;
  RealmKeeper& keeper_;
  HostBook& added_;
  std::deque<Request> requests_;  ///< the first one is under way, unless `idle`
  Stage stage_ = Stage::idle;
  Prepared prepared_;
  ReloadReport::Result verdict_{};
  std::size_t sent_ = 0, not_changed_ = 0, not_swept_ = 0;  ///< workers, where `changing`
  std::atomic<bool> ready_ = false;                         ///< the thread has ended its work
  std::jthread thread_;
};

}  // namespace rgw::control
