// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "base/file.h"
#include "base/this_machine.h"
#include "settings/unit_file.h"
#include "settings/unit_search.h"

namespace slo {

// Unit files, each opened and parsed once for as long as it has the same stamp (FileStamp). A file that could
// not be read, or that was written just before it was read, is read again in any case: within one tick of the
// kernel's clock it may get another content of the same size under the same stamp.
//
// Of files that come and go between two calls of forget_unnamed() no more than most_files are remembered:
// when there are as many it begins anew.
class UnitFiles {
 public:
  using Read = std::function<UnitFile(const std::string&)>;

  explicit UnitFiles(std::function<Instant()> now, Read read = read_unit_file,
                     std::size_t most_files = 32768);
  UnitFiles(const UnitFiles&) = delete;
  UnitFiles& operator=(const UnitFiles&) = delete;

  // As read_unit_files() and has_settings().
  [[nodiscard]] UnitFileSettings read(std::span<const std::string> files);
  [[nodiscard]] bool has_settings(const std::string& file);
  // As stamp_of().
  [[nodiscard]] std::optional<FileStamp> stamp(const std::string& file);
  // Until end_look() a file that is found as it was is taken to stay so: one that is asked about several
  // times is looked at once.
  void begin_look() { look_ = next_look_++; }
  void end_look() { look_ = no_look; }
  // Forgets the files that nobody has named since the last call.
  void forget_unnamed();
  // How many files are remembered.
  [[nodiscard]] std::size_t size() const { return known_.size(); }

 private:
  struct Known {
    FileStamp stamp;
    std::shared_ptr<const UnitFile> file;  // nullptr: it says nothing, as most do
    bool named = false;
    std::uint64_t look = no_look;  // the last that has found it so
  };
  static constexpr std::uint64_t no_look = 0;

  [[nodiscard]] std::shared_ptr<const UnitFile> file(const std::string& path);

  std::function<Instant()> now_;
  Read read_;
  std::size_t most_files_;
  std::unordered_map<std::string, Known> known_;  // by path
  std::uint64_t look_ = no_look;
  std::uint64_t next_look_ = no_look + 1;
};

// For a search; the files outlive it.
[[nodiscard]] FileQuestions as_known(UnitFiles& files);

}  // namespace slo
