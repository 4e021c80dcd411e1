// A directory of a test's own, and files in it.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::test {

class Directory {
 public:
  Directory()
      : path_{std::filesystem::path{testing::TempDir()} /
              ("session-log-" + std::to_string(getpid()) + "-" + std::to_string(serial()++))} {
    std::filesystem::create_directories(path_);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  static unsigned& serial() {
    static unsigned number = 0;
    return number;
  }
  std::filesystem::path path_;
};

[[nodiscard]] inline std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace rgw::test
