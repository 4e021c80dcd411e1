// The realm file as the daemon reads it, to check it or to serve it.
#pragma once

#include "realmgw/config/loader.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace rgw::app {

/// Reads and checks a realm file, by the rules of all that will serve it. What it accepts starts, as far as
/// the file decides.
[[nodiscard]] config::LoadResult load_realm(const std::filesystem::path& file);
/// The same with `sessions` for `outbound.max_sessions`, unless it is written: a daemon keeps what it began
/// with, though the memory that it may use be another now. `added`: hosts beside the file's.
[[nodiscard]] config::LoadResult load_realm(const std::filesystem::path& file, std::uint32_t sessions,
                                            const std::vector<config::Host>& added = {});

/// The memory that this process may use, in bytes: the machine's, or its control group's where that has less.
/// 0 where neither can be told.
[[nodiscard]] std::uint64_t usable_memory();

/// The least `memory.max` of a control group, such as "/system.slice/realmgw.service", and of those above it,
/// in bytes; 0 where none has a limit. `mount` is where the one hierarchy of control groups is.
[[nodiscard]] std::uint64_t group_memory(const std::filesystem::path& mount,
                                         const std::filesystem::path& group);

/// `outbound.max_sessions` unless it is written: as many as a sixteenth of the memory holds, from 64 Ki to 1
/// Mi, a power of two. 64 Ki where the memory is not known.
[[nodiscard]] std::uint32_t default_sessions(std::uint64_t memory);

/// What `default_sessions` reckons for a session, in bytes: its record, its places in the index, and the
/// mapping that it may have. The tests compare it with the tables.
inline constexpr std::uint64_t bytes_a_session = 320;

}  // namespace rgw::app
