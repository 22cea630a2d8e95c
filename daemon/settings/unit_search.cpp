// SPDX-License-Identifier: GPL-2.0-only
#include "settings/unit_search.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/unit_name.h"
#include "settings/unit_file.h"

namespace slo {
namespace {

namespace fs = std::filesystem;

// What a directory holds; nothing when it cannot be read.
std::vector<fs::path> entries(const fs::path& directory) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    paths.push_back(at->path());
  return paths;
}

// Whether `name` can be the name of one unit: not of a template ("foo@.service").
bool is_unit(std::string_view name) {
  const auto type = unit_suffix(name);
  return type && type != scope_suffix && name.size() > type->size() &&
         !name.ends_with("@" + std::string(*type));
}

// "foo-.service": a prefix of names, except for "-.slice", which is the root of all slices.
bool is_prefix(std::string_view name) {
  const auto type = unit_suffix(name);
  return type && type != scope_suffix && name.ends_with("-" + std::string(*type)) &&
         name.size() > type->size() + 1;
}

bool has_prefix(std::string_view name, std::string_view prefix) {
  const auto type = prefix.substr(prefix.rfind('.'));
  return name.ends_with(type) && name.starts_with(prefix.substr(0, prefix.size() - type.size()));
}

// An alias is another name of a unit that has a file of its own.
bool is_alias(const fs::path& file) {
  std::error_code error;
  return fs::is_symlink(file, error) && fs::canonical(file, error).filename() != file.filename();
}

bool has_drop_in_with_settings(const fs::path& directory) {
  return std::ranges::any_of(entries(directory), [](const fs::path& file) {
    return file.extension() == ".conf" && has_settings(file);
  });
}

}  // namespace

std::set<std::string> units_with_settings(std::span<const fs::path> unit_path) {
  std::set<std::string> names;
  std::set<std::string> all;
  std::vector<std::string> prefixes;
  for (const auto& directory : unit_path) {
    for (const auto& path : entries(directory)) {
      const bool is_drop_in = path.extension() == ".d";
      const std::string name = is_drop_in ? path.stem().string() : path.filename().string();
      if (!is_unit(name)) continue;
      if (is_drop_in) {
        if (!has_drop_in_with_settings(path)) continue;
        if (is_prefix(name))
          prefixes.push_back(name);
        else
          names.insert(name);
      } else if (!is_alias(path)) {
        all.insert(name);
        if (has_settings(path)) names.insert(name);
      }
    }
  }
  for (const auto& prefix : prefixes) {
    std::ranges::copy_if(all, std::inserter(names, names.end()),
                         [&prefix](const auto& name) { return has_prefix(name, prefix); });
  }
  return names;
}

}  // namespace slo
