// The workers' tables, read page by page for an operator.
#pragma once

#include "realmgw/control/ctl_server.hpp"
#include "realmgw/control/worker_links.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace rgw::control {

/// A page that may be a worker's at the moment.
template <class Row>
struct PageSlot {
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
  ring::Page<Row> page;
};

/// All pages there are of one kind of table: as many readers walk it at once. Must live until the workers
/// have stopped.
template <class Row>
class TablePages {
 public:
  static constexpr std::size_t count = 4;

  /// A page for a reader; nullptr where all are taken.
  [[nodiscard]] PageSlot<Row>* take();
  void give_back(PageSlot<Row>& slot);
  /// A worker has answered.
  void filled(const ring::PageFilled<Row>& answer);

 private:
  std::unique_ptr<std::array<PageSlot<Row>, count>> slots_ =
      std::make_unique<std::array<PageSlot<Row>, count>>();
};

/// `realmgwctl sessions`, `bib` and `pinholes`: the rows of one worker after the other as a JSON list, a page
/// at a time. Rows come and go meanwhile: one that lives throughout is seen once.
template <class Row>
class TableReply final : public CtlReply {
 public:
  using Describe = std::function<std::string(const Row&)>;
  using Wanted = std::function<bool(const Row&)>;
  /// At most `limit` rows, each as the JSON that `describe` makes of it; those that are `wanted` (empty:
  /// all).
  TableReply(TablePages<Row>& pages, WorkerLinks& workers, std::uint64_t limit, Describe describe,
             Wanted wanted = {});
  ~TableReply() override;
  TableReply(const TableReply&) = delete;
  TableReply& operator=(const TableReply&) = delete;

  Progress append_to(std::string& text) override;

 private:
  Progress finish(std::string& text);

  TablePages<Row>& pages_;
  WorkerLinks& workers_;
  std::uint64_t limit_;
  Describe describe_;
  Wanted wanted_;
  PageSlot<Row>* slot_ = nullptr;
  WorkerId worker_{0};
  std::uint32_t cursor_ = 0;
  std::uint64_t written_ = 0;
};

[[nodiscard]] std::string describe(const nat::SessionInfo& session);
[[nodiscard]] std::string describe(const nat::MappingInfo& mapping);

using SessionPages = TablePages<nat::SessionInfo>;
using SessionsReply = TableReply<nat::SessionInfo>;
using MappingPages = TablePages<nat::MappingInfo>;
using MappingsReply = TableReply<nat::MappingInfo>;
using PinholePages = TablePages<nat::PinholeInfo>;
using PinholesReply = TableReply<nat::PinholeInfo>;

extern template class TablePages<nat::SessionInfo>;
extern template class TablePages<nat::MappingInfo>;
extern template class TablePages<nat::PinholeInfo>;
extern template class TableReply<nat::SessionInfo>;
extern template class TableReply<nat::MappingInfo>;
extern template class TableReply<nat::PinholeInfo>;

}  // namespace rgw::control
