#include "file_text.hpp"

#include "realmgw/config/loader.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

namespace rgw::config {

FileText file_text(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return {{}, "is a directory"};
  errno = 0;
  std::ifstream file{path, std::ios::binary};
  if (!file) return {{}, std::string{"cannot be opened: "} + std::strerror(errno)};
  // One byte more than may be: a device without an end is refused like a file that is too long.
  std::string text(max_file_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return {{}, "cannot be read"};
  text.resize(static_cast<std::size_t>(file.gcount()));
  return {std::move(text), {}};
}

}  // namespace rgw::config
