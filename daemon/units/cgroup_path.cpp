// SPDX-License-Identifier: GPL-2.0-only
#include "units/cgroup_path.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/unit_name.h"

namespace slo {
namespace {

// Names in the root directory of the control group file system that are no cgroups, and prefixes of such.
constexpr auto kernel_files =
    std::to_array<std::string_view>({"notify_on_release", "release_agent", "tasks"});
constexpr auto kernel_prefixes =
    std::to_array<std::string_view>({"cgroup.", "cpu.", "cpuacct.", "cpuset.", "io.", "blkio.", "memory.",
                                     "devices.", "pids.", "bpf-firewall.", "bpf-devices.", "bpf-foreign.",
                                     "bpf-socket-bind.", "bpf-restrict-network-interfaces."});

constexpr std::string_view root_slice = "-.slice";

// What is before the "@" of an instance, or before the suffix.
std::string_view prefix_of(std::string_view unit) {
  const auto stem = unit.substr(0, unit.rfind('.'));
  return stem.substr(0, stem.find('@'));
}

// What is between "@" and the suffix; nothing: it is no instance.
std::optional<std::string_view> instance_of(std::string_view unit) {
  const auto stem = unit.substr(0, unit.rfind('.'));
  const auto at = stem.find('@');
  return at == std::string_view::npos ? std::nullopt : std::optional(stem.substr(at + 1));
}

// systemd-escape(1).
std::string escaped(std::string_view text) {
  constexpr std::string_view plain = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:_.";
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '/') {
      result += '-';
    } else if (plain.contains(c) && !(i == 0 && c == '.')) {
      result += c;
    } else {
      result += {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return result;
}

std::optional<std::string> expand(std::string_view text, std::string_view unit) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    const char specifier = ++i < text.size() ? text[i] : '\0';
    if (specifier == '%') {
      result += '%';
    } else if (specifier == 'i') {
      result += instance_of(unit).value_or("");
    } else if (specifier == 'p') {
      result += prefix_of(unit);
    } else if (specifier == 'n') {
      result += unit;
    } else if (specifier == 'N') {
      result += unit.substr(0, unit.rfind('.'));
    } else {
      return std::nullopt;
    }
  }
  return result;
}

std::string default_slice(std::string_view unit) {
  if (unit == "init.scope") return std::string(root_slice);
  return instance_of(unit) ? "system-" + escaped(prefix_of(unit)) + ".slice" : "system.slice";
}

}  // namespace

std::string cgroup_component(std::string_view unit) {
  const bool mistakable =
      unit.starts_with('_') || unit.starts_with('.') || std::ranges::contains(kernel_files, unit) ||
      std::ranges::any_of(kernel_prefixes,
                          [unit](std::string_view prefix) { return unit.starts_with(prefix); });
  return (mistakable ? "_" : "") + std::string(unit);
}

std::optional<std::string> slice_path(std::string_view slice) {
  if (slice == root_slice) return "/";
  if (!slice.ends_with(slice_suffix) || slice.contains('/')) return std::nullopt;
  const auto stem = slice.substr(0, slice.size() - slice_suffix.size());
  if (stem.empty() || stem.starts_with('-') || stem.ends_with('-') || stem.contains("--"))
    return std::nullopt;
  std::string path;
  for (auto dash = stem.find('-');; dash = stem.find('-', dash + 1)) {
    path += "/" + cgroup_component(std::string(stem.substr(0, dash)) + std::string(slice_suffix));
    if (dash == std::string_view::npos) return path;
  }
}

std::optional<std::string> expected_path(std::string_view unit, std::string_view slice) {
  const auto suffix = unit_suffix(unit);
  if (!suffix || unit.contains('/') || instance_of(unit) == "") return std::nullopt;
  if (*suffix == slice_suffix) return slice_path(unit);
  const auto name = slice.empty() ? default_slice(unit) : expand(slice, unit);
  const auto above = name ? slice_path(*name) : std::nullopt;
  if (!above) return std::nullopt;
  return (*above == "/" ? "" : *above) + "/" + cgroup_component(unit);
}

}  // namespace slo
