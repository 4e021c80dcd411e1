// Files that others read while they change.
#pragma once

#include <filesystem>
#include <string_view>
#include <sys/types.h>

namespace rgw::control {

/// Puts a text in the place of a file: a reader finds the former or this one, whatever happens, and after a
/// power cut too. Throws std::system_error.
void write_file(const std::filesystem::path& file, std::string_view text, mode_t mode);

}  // namespace rgw::control
