// A file as a whole.
#pragma once

#include <filesystem>
#include <string>

namespace rgw::config {

struct FileText {
  std::string text;     ///< of a file that is too long: one byte more than may be
  std::string problem;  ///< why it cannot be read, or nothing
};

[[nodiscard]] FileText file_text(const std::filesystem::path& path);

}  // namespace rgw::config
