// SPDX-License-Identifier: GPL-2.0-only
#include "requirements.h"

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "error.h"
#include "handle.h"

namespace slo {
namespace {

namespace fs = std::filesystem;

// The first bytes of a file of /proc or /sys, without the newline at their end. What cannot be opened or read
// is an error with its errno, so that "missing" and "unreadable" can be told apart.
Result<std::string> read_start(const fs::path& path, std::size_t most = 4096) {
  const Handle<FILE, std::fclose> file(std::fopen(path.c_str(), "re"));
  if (!file)
    return std::unexpected(
        Error{.tried = "open", .subject = path.string(), .errno_value = errno, .advice = {}});
  std::string text(most, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    return std::unexpected(
        Error{.tried = "read", .subject = path.string(), .errno_value = errno, .advice = {}});
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

bool is_missing(const Error& error) {
  return error.errno_value == ENOENT || error.errno_value == ENOTDIR;
}

// Nothing when `path` can be read; `when_missing` when it is not there; else why it cannot be read, and the
// remedy.
std::optional<std::string> require_readable(const fs::path& root, const char* path,
                                            std::string when_missing) {
  const auto content = read_start(root / path, 1);
  if (content) return {};
  if (is_missing(content.error())) return when_missing;
  return "/" + std::string(path) + " is there but cannot be read (" +
         std::strerror(content.error().errno_value) +
         "): let the user of scx-slo.service read it, and look for a sandbox or security module that hides "
         "it";
}

std::optional<std::string> require_no_other_scheduler(const fs::path& root) {
  const auto state = read_start(root / "sys/kernel/sched_ext/state");
  if (!state) {
    return "/sys/kernel/sched_ext/state cannot be read (" +
           std::string(std::strerror(state.error().errno_value)) +
           "), so it is not known whether another scheduler runs: make /sys readable for scx-slo.service";
  }
  if (*state == "disabled") return {};
  const auto ops = read_start(root / "sys/kernel/sched_ext/root/ops");
  const std::string name =
      ops && !ops->empty() ? "the sched_ext scheduler \"" + *ops + "\"" : "a sched_ext scheduler";
  return name + " is already active (state " + *state +
         "), and the kernel runs one at a time: stop the service or program that started it, then start "
         "scx-slo again";
}

std::string require_capability(const char* name) {
  return std::string("the capability ") + name +
         " is missing: start scx-slo.service with systemctl, or give " + name +
         " by AmbientCapabilities= in its unit";
}

}  // namespace

std::vector<std::string> missing_requirements(const fs::path& root, Capabilities have) {
  std::vector<std::string> missing;
  const auto add = [&missing](std::optional<std::string> sentence) {
    if (sentence) missing.push_back(*std::move(sentence));
  };
  add(require_readable(
      root, "sys/fs/cgroup/cgroup.controllers",
      "/sys/fs/cgroup is not cgroup v2 alone: boot with systemd.unified_cgroup_hierarchy=1 on the "
      "kernel command line"));
  add(require_readable(
      root, "sys/kernel/btf/vmlinux",
      "the kernel has no type information (/sys/kernel/btf/vmlinux): boot a kernel built with "
      "CONFIG_DEBUG_INFO_BTF=y"));
  std::error_code ignored;
  if (fs::is_directory(root / "sys/kernel/sched_ext", ignored)) {
    add(require_no_other_scheduler(root));
  } else {
    add("the kernel has no sched_ext (/sys/kernel/sched_ext): boot a kernel 6.12 or later built with "
        "CONFIG_SCHED_CLASS_EXT=y");
  }
  if (!have.bpf) add(require_capability("CAP_BPF"));
  if (!have.perfmon) add(require_capability("CAP_PERFMON"));
  return missing;
}

Capabilities own_capabilities(const fs::path& root) {
  const auto status = read_start(root / "proc/self/status", 16384);
  if (!status) return {};
  static constexpr std::string_view label = "\nCapEff:\t";
  const auto at = status->find(label);
  if (at == std::string::npos) return {};
  std::uint64_t effective = 0;
  const char* first = status->data() + at + label.size();
  if (std::from_chars(first, status->data() + status->size(), effective, 16).ec != std::errc{}) return {};

  // Numbers of linux/capability.h, part of the kernel's ABI.
  static constexpr unsigned cap_sys_admin = 21;
  static constexpr unsigned cap_perfmon = 38;
  static constexpr unsigned cap_bpf = 39;
  const auto has = [effective](unsigned bit) { return (effective >> bit & 1U) != 0; };
  return {.bpf = has(cap_bpf) || has(cap_sys_admin), .perfmon = has(cap_perfmon) || has(cap_sys_admin)};
}

}  // namespace slo
