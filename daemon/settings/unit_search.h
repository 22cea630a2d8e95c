// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "settings/unit_file.h"

namespace slo {

// What gives settings to units by the beginning of their names.
struct UnitPattern {
  std::string name;                // "foo@.service", "docker-.scope", "service": all of the type
  std::vector<std::string> files;  // as UnitFact::files
  friend bool operator==(const UnitPattern&, const UnitPattern&) = default;
};

// What a search asks about files; as the functions of these names.
struct FileQuestions {
  std::function<bool(const std::string& file)> has_settings = slo::has_settings;
  std::function<std::optional<FileStamp>(const std::string& file)> stamp_of = slo::stamp_of;
};

// The directories that systemd reads unit files from (Manager.UnitPath), as they were when this was made, or
// followed.
// systemd knows a unit only while something refers to it; its files are there before and after, and with them
// its budget.
class UnitDirectories {
 public:
  // The first directory comes before the others. realtime_ns: CLOCK_REALTIME, for who follows them.
  explicit UnitDirectories(std::span<const std::string> unit_path, FileQuestions ask = {},
                           std::uint64_t realtime_ns = 0);

  // Names of the services and slices that have an [X-Slo] section, or one that looks alike, in a unit file or
  // a drop-in of their own or of their prefix (foo-.service.d). What the files amount to (masks, precedence,
  // aliases) is for systemd to say about each name. Not found: who is covered by patterns() alone: instances
  // of templates, which are anybody's guess until they start, scopes, which have no files before they exist,
  // and units whose one section is in a drop-in for all of a type (service.d).
  [[nodiscard]] std::set<std::string> with_settings() const;

  // Templates, prefixes and types with such a section in a file that holds for all of them.
  [[nodiscard]] std::vector<UnitPattern> patterns() const;

  // The files of a unit or a pattern, as systemd would list them: its unit file, or its template's; then
  // drop-ins, by the names of their files, of which one in an earlier directory hides others. Aliases are not
  // followed.
  [[nodiscard]] std::vector<std::string> files_of(std::string_view name) const;

  // Whether the unit, or its template, has another name too, by which it may have drop-ins that files_of()
  // does not see.
  [[nodiscard]] bool has_alias(std::string_view name) const;

  // Looks at the directories again, and reads those that have changed, or had just changed when they were
  // read last; of drop-in directories only those of this unit, or all. Answers how many it looked at.
  std::size_t follow(std::uint64_t realtime_ns);
  std::size_t follow(std::string_view name, std::uint64_t realtime_ns);
  std::size_t follow_all(std::uint64_t realtime_ns);

 private:
  // stamp: what it had when it was read; all zero where that does not settle what it holds.
  struct DropIns {
    std::string directory;
    std::optional<FileStamp> stamp;
    std::vector<std::string> files;
  };
  struct Directory {
    std::string path;
    std::optional<FileStamp> stamp;
    std::map<std::string, std::string, std::less<>> unit_files;
    std::set<std::string, std::less<>> aliases;  // of unit_files
    std::set<std::string, std::less<>> aliased;  // names that these are other names of
    // "foo.service" -> foo.service.d
    std::map<std::string, std::unique_ptr<DropIns>, std::less<>> drop_ins;
  };

  static void read_directory(Directory& directory, std::uint64_t realtime_ns);
  static std::size_t follow(DropIns& drop_ins, std::uint64_t realtime_ns);
  static void add_unit_file(Directory& directory, const std::filesystem::directory_entry& file);
  [[nodiscard]] std::vector<DropIns*> drop_ins_of(std::string_view name) const;
  [[nodiscard]] bool any_has_settings(std::span<const std::string> files) const;
  [[nodiscard]] bool is_masked(const std::string& file) const;

  FileQuestions ask_;
  std::vector<Directory> directories_;
};

// Where systemd of this machine is built to look, for whoever cannot ask it: systemd.unit(5), of the system.
[[nodiscard]] std::vector<std::string> standard_unit_path();

}  // namespace slo
