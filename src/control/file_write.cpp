#include "realmgw/control/file_write.hpp"

#include "realmgw/base/file_descriptor.hpp"

#include <cstdio>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace rgw::control {
namespace {

void write_all(const FileDescriptor& file, std::string_view text, const std::string& name) {
  while (!text.empty()) {
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written < 0) throw last_error(name);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(file.get()) != 0) throw last_error(name);
}

}  // namespace

void write_file(const std::filesystem::path& file, std::string_view text, mode_t mode) {
  const std::string next = file.string() + ".next";
  {
    const FileDescriptor descriptor{::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)};
    if (!descriptor) throw last_error(next);
    write_all(descriptor, text, next);
  }
  if (::rename(next.c_str(), file.c_str()) != 0) throw last_error(file.string());
  const FileDescriptor directory{::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory || fsync(directory.get()) != 0) throw last_error(file.parent_path().string());
}

}  // namespace rgw::control
