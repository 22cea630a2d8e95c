// SPDX-License-Identifier: GPL-2.0-only
#include "settings/unit_search.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <ranges>
#include <system_error>
#include <utility>

#include "base/unit_name.h"

namespace slo {
namespace {

namespace fs = std::filesystem;

// What a directory holds; nothing when it cannot be read.
std::vector<fs::directory_entry> entries(const std::string& directory) {
  std::vector<fs::directory_entry> found;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    found.push_back(*at);
  return found;
}

std::vector<std::string> drop_ins_in(const std::string& directory) {
  std::vector<std::string> files;
  for (const auto& entry : entries(directory))
    if (entry.path().extension() == ".conf") files.push_back(entry.path());
  return files;
}

// "service", "scope" or "slice".
bool is_type(std::string_view name) {
  return unit_suffix("." + std::string(name)) && !name.contains('.');
}

struct Parts {
  std::string_view prefix;  // before the "@", or the suffix
  std::string_view suffix;  // ".service"
  bool has_at = false;
  bool is_template = false;
};

// Nothing: it cannot be the name of a unit, a template or a prefix that has a cgroup.
std::optional<Parts> parts_of(std::string_view name) {
  const auto suffix = unit_suffix(name);
  if (!suffix || name.size() == suffix->size()) return std::nullopt;
  const auto stem = name.substr(0, name.size() - suffix->size());
  const auto at = stem.find('@');
  return Parts{.prefix = stem.substr(0, at),
               .suffix = *suffix,
               .has_at = at != std::string_view::npos,
               .is_template = at == stem.size() - 1};
}

// "foo-.service": a prefix of names, except for "-.slice", which is the root of all slices.
bool is_prefix(const Parts& parts) {
  return !parts.has_at && parts.prefix.size() > 1 && parts.prefix.ends_with('-');
}

bool is_pattern(std::string_view name) {
  const auto parts = parts_of(name);
  return is_type(name) || (parts && (parts->is_template || is_prefix(*parts)));
}

std::string template_of(const Parts& parts) {
  return std::string(parts.prefix) + "@" + std::string(parts.suffix);
}

// The names whose drop-ins hold for this one, nearest first: its own, its prefixes, its template.
std::vector<std::string> covering(std::string_view name) {
  std::vector<std::string> names{std::string(name)};
  const auto parts = parts_of(name);
  if (!parts) return names;
  auto dash =
      parts->prefix.size() < 2 ? std::string_view::npos : parts->prefix.rfind('-', parts->prefix.size() - 2);
  for (; dash != std::string_view::npos && dash != 0; dash = parts->prefix.rfind('-', dash - 1))
    names.push_back(std::string(parts->prefix.substr(0, dash + 1)) + std::string(parts->suffix));
  if (parts->has_at && !parts->is_template) names.push_back(template_of(*parts));
  return names;
}

// From before a directory is read, so that what comes in between shows the next time.
std::optional<FileStamp> stamp_before(const std::string& directory, std::uint64_t realtime_ns) {
  const auto stamp = stamp_of(directory);
  return stamp && !is_settled(*stamp, realtime_ns) ? FileStamp{} : stamp;
}

}  // namespace

UnitDirectories::UnitDirectories(std::span<const std::string> unit_path, FileQuestions ask,
                                 std::uint64_t realtime_ns)
    : ask_(std::move(ask)) {
  for (const auto& path : unit_path) {
    Directory& directory = directories_.emplace_back();
    directory.path = path;
    directory.stamp = stamp_before(path, realtime_ns);
    read_directory(directory, realtime_ns);
  }
}

// Drop-in directories that were there before are followed by themselves.
void UnitDirectories::read_directory(Directory& directory, std::uint64_t realtime_ns) {
  directory.unit_files.clear();
  directory.aliases.clear();
  directory.aliased.clear();
  auto before = std::exchange(directory.drop_ins, {});
  for (const auto& entry : entries(directory.path)) {
    if (entry.path().extension() != ".d") {
      add_unit_file(directory, entry);
      continue;
    }
    const std::string of = entry.path().stem().string();
    if (!is_type(of) && !parts_of(of)) continue;
    if (const auto at = before.find(of); at != before.end()) {
      directory.drop_ins.insert(before.extract(at));
      continue;
    }
    const auto stamp = stamp_before(entry.path(), realtime_ns);
    directory.drop_ins.emplace(of, std::make_unique<DropIns>(entry.path(), stamp, drop_ins_in(entry.path())));
  }
}

std::size_t UnitDirectories::follow(std::uint64_t realtime_ns) {
  for (auto& directory : directories_) {
    const auto stamp = stamp_before(directory.path, realtime_ns);
    if (directory.stamp == stamp && stamp != FileStamp{}) continue;
    directory.stamp = stamp;
    read_directory(directory, realtime_ns);
  }
  return directories_.size();
}

std::size_t UnitDirectories::follow(DropIns& drop_ins, std::uint64_t realtime_ns) {
  const auto stamp = stamp_before(drop_ins.directory, realtime_ns);
  if (drop_ins.stamp != stamp || stamp == FileStamp{}) {
    drop_ins.stamp = stamp;
    drop_ins.files = drop_ins_in(drop_ins.directory);
  }
  return 1;
}

std::size_t UnitDirectories::follow(std::string_view name, std::uint64_t realtime_ns) {
  std::size_t looks = 0;
  for (DropIns* const drop_ins : drop_ins_of(name)) looks += follow(*drop_ins, realtime_ns);
  return looks;
}

std::size_t UnitDirectories::follow_all(std::uint64_t realtime_ns) {
  std::size_t looks = follow(realtime_ns);
  for (auto& directory : directories_)
    for (auto& drop_ins : std::views::values(directory.drop_ins)) looks += follow(*drop_ins, realtime_ns);
  return looks;
}

// An alias is another name of a unit that has a file of its own.
void UnitDirectories::add_unit_file(Directory& directory, const fs::directory_entry& file) {
  std::error_code error;
  const std::string name = file.path().filename().string();
  directory.unit_files.emplace(name, file.path());
  if (!file.is_symlink(error)) return;
  const std::string target = fs::canonical(file.path(), error).filename().string();
  if (target == name) return;
  directory.aliases.insert(name);
  directory.aliased.insert(target);
}

bool UnitDirectories::any_has_settings(std::span<const std::string> files) const {
  return std::ranges::any_of(files, ask_.has_settings);
}

// As systemd tells masks: /dev/null, or nothing.
bool UnitDirectories::is_masked(const std::string& file) const {
  const auto stamp = ask_.stamp_of(file);
  return stamp && stamp->size == 0;
}

bool UnitDirectories::has_alias(std::string_view name) const {
  const auto parts = parts_of(name);
  const std::string base = parts && parts->has_at ? template_of(*parts) : std::string(name);
  return std::ranges::any_of(directories_, [&](const Directory& directory) {
    return directory.aliased.contains(name) || directory.aliased.contains(base);
  });
}

std::set<std::string> UnitDirectories::with_settings() const {
  std::set<std::string> names;
  std::set<std::string> all;
  std::vector<Parts> prefixes;
  const auto is_unit = [](const std::string& name) {
    const auto parts = parts_of(name);
    return parts && !parts->is_template && parts->suffix != scope_suffix;
  };
  for (const auto& directory : directories_) {
    for (const auto& [name, drop_ins] : directory.drop_ins) {
      const auto parts = parts_of(name);
      if (!is_unit(name) || !any_has_settings(drop_ins->files)) continue;
      if (is_prefix(*parts))
        prefixes.push_back(*parts);
      else
        names.insert(name);
    }
    for (const auto& [name, path] : directory.unit_files) {
      if (!is_unit(name) || directory.aliases.contains(name)) continue;
      all.insert(name);
      if (ask_.has_settings(path)) names.insert(name);
    }
  }
  for (const auto& prefix : prefixes) {
    std::ranges::copy_if(all, std::inserter(names, names.end()), [&prefix](const auto& name) {
      return name.ends_with(prefix.suffix) && name.starts_with(prefix.prefix);
    });
  }
  return names;
}

std::vector<UnitPattern> UnitDirectories::patterns() const {
  std::set<std::string> names;
  for (const auto& directory : directories_) {
    for (const auto& name : std::views::keys(directory.drop_ins))
      if (is_pattern(name)) names.insert(name);
    for (const auto& name : std::views::keys(directory.unit_files))
      if (const auto parts = parts_of(name); parts && parts->is_template) names.insert(name);
  }
  std::vector<UnitPattern> found;
  for (const auto& name : names) {
    auto files = files_of(name);
    if (any_has_settings(files)) found.push_back({.name = name, .files = std::move(files)});
  }
  return found;
}

// Those that come first hide others of the same name.
std::vector<UnitDirectories::DropIns*> UnitDirectories::drop_ins_of(std::string_view name) const {
  std::vector<DropIns*> found;
  const auto add = [&found](const Directory& directory, const std::string& of) {
    if (const auto at = directory.drop_ins.find(of); at != directory.drop_ins.end())
      found.push_back(at->second.get());
  };
  if (!is_type(name)) {
    const auto names = covering(name);
    for (const auto& directory : directories_)
      for (const auto& one : names) add(directory, one);
  }
  const std::string type(name.substr(name.rfind('.') + 1));
  for (const auto& directory : directories_) add(directory, type);
  return found;
}

std::vector<std::string> UnitDirectories::files_of(std::string_view name) const {
  std::vector<std::string> files;
  const auto parts = parts_of(name);
  std::vector<std::string> of{std::string(name)};
  if (parts && parts->has_at && !parts->is_template) of.push_back(template_of(*parts));
  for (const auto& one : of) {
    for (const auto& directory : directories_) {
      const auto at = directory.unit_files.find(one);
      if (at == directory.unit_files.end()) continue;
      if (!is_masked(at->second)) files.push_back(at->second);
      break;
    }
    if (!files.empty()) break;
  }
  std::map<std::string, std::string> drop_ins;
  for (const DropIns* const of_name : drop_ins_of(name))
    for (const auto& file : of_name->files) drop_ins.try_emplace(file.substr(file.rfind('/') + 1), file);
  for (const auto& [file_name, file] : drop_ins)
    if (!is_masked(file)) files.push_back(file);
  return files;
}

std::vector<std::string> standard_unit_path() {
  return {"/etc/systemd/system.control",   "/run/systemd/system.control",  "/run/systemd/transient",
          "/run/systemd/generator.early",  "/etc/systemd/system",          "/etc/systemd/system.attached",
          "/run/systemd/system",           "/run/systemd/system.attached", "/run/systemd/generator",
          "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",      "/run/systemd/generator.late"};
}

}  // namespace slo
