// The hosts that updates have made (DNS-6), and how they come into force and go: one at a time, without a
// reload.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/text_hash.hpp"
#include "realmgw/control/dynamic_records.hpp"
#include "realmgw/control/host_journal.hpp"
#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/pool/circular_pool.hpp"
#include "realmgw/pool/host_names.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rgw::control {

/// Keeps them in a journal first, then in the directory of hosts. The control thread's.
class DynamicHosts {
 public:
  /// What others must do about a change of the hosts.
  struct Listener {
    std::function<HostId()> next_id;
    std::function<void(HostId)> leaves;  ///< its reservations end; it still is in the directory
    std::function<void(const net::IpAddress&)>
        vacant;                     ///< was a host's: sessions that claims let in there end
    std::function<void()> changed;  ///< other hosts are in force
  };

  /// `journal` may be null: then nothing is kept, and nothing can be changed. All that it knows comes into
  /// force, but for what clashes with hosts that are in the directory. `names` and what the listener stands
  /// on outlive this.
  DynamicHosts(pool::HostNames& names, std::unique_ptr<HostJournal> journal, Listener listener);

  [[nodiscard]] bool can_change() const { return journal_ != nullptr; }
  /// Null where no update has made the name, which is relative to the realm's zone and in lower case.
  [[nodiscard]] const DynamicHost* find(std::string_view name) const;
  [[nodiscard]] const DynamicReverse* find(const net::IpAddress& address) const;
  [[nodiscard]] std::size_t hosts() const { return hosts_.size(); }
  [[nodiscard]] std::size_t reverses() const { return reverses_.size(); }
  [[nodiscard]] bool any() const { return !hosts_.empty() || !reverses_.empty(); }

  [[nodiscard]] std::span<const std::string> dhcid_of(std::string_view name) const;
  /// What an update said of the address, else the dynamic host whose it is; `zone` is the realm's.
  [[nodiscard]] std::optional<dns::FoundName> reverse(const net::IpAddress& address,
                                                      const dns::Name& zone) const;

  /// All or nothing. False, and nothing has changed, where it cannot be kept. A host that gets the address of
  /// another dynamic host takes it over. `key` and `signed_at`: whose message asks for it; empty where an
  /// operator does.
  [[nodiscard]] bool change(DynamicChanges changes, std::string_view key, std::uint64_t signed_at);

  /// When the key's last message that is kept was signed; nothing where there is none.
  [[nodiscard]] std::optional<std::uint64_t> last_signed(std::string_view key) const;

  /// Removes those for which `may_stay` is not true, as where another realm has their names or addresses. How
  /// many.
  std::size_t keep_only(const std::function<bool(const DynamicHost&)>& may_stay);

  /// Folds the journal where that is due.
  void tick() {
    if (journal_) journal_->tick();
  }

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [name, host] : hosts_) visit(host);
  }

 private:
  void put_in_force(DynamicHost host);
  void put_in_force(DynamicReverse reverse);

  pool::HostNames& names_;
  std::unique_ptr<HostJournal> journal_;
  Listener listener_;
  std::unordered_map<std::string, DynamicHost, TextHash, std::equal_to<>> hosts_;
  std::unordered_map<net::IpAddress, DynamicReverse> reverses_;
  std::unordered_map<std::string, std::uint64_t> signed_;  ///< by key
};

}  // namespace rgw::control
