// SPDX-License-Identifier: GPL-2.0-only
#include "attachment/requirements.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "base/active_scheduler.h"
#include "base/error.h"
#include "base/file.h"

namespace slo {
namespace {

namespace fs = std::filesystem;

bool is_missing(const Error& error) {
  return error.errno_value == ENOENT || error.errno_value == ENOTDIR;
}

// Nothing when `path` can be read; `when_missing` when it is not there; else why it cannot be read, and the
// remedy.
std::optional<std::string> require_readable(const fs::path& root, const char* path,
                                            std::string when_missing) {
  const auto content = read_kernel_file(root / path, 1);
  if (content) return {};
  if (is_missing(content.error())) return when_missing;
  return "/" + std::string(path) + " is there but cannot be read (" +
         std::strerror(content.error().errno_value) +
         "): let the user of scx-slo.service read it, and look for a sandbox or security module that hides "
         "it";
}

void look_for_other_scheduler(const fs::path& root, Requirements& requirements) {
  const auto active = read_active_scheduler(root);
  if (!active) {
    requirements.enforcing.push_back(
        "/sys/kernel/sched_ext/state cannot be read (" +
        std::string(std::strerror(active.error().errno_value)) +
        "), so it is not known whether another scheduler runs: make /sys readable for scx-slo.service");
    return;
  }
  if (!*active) return;
  requirements.other_scheduler = (*active)->name.empty() ? "(its name cannot be read)" : (*active)->name;
}

bool has_isolated_partition(const fs::path& cgroups) {
  std::error_code ended;
  for (fs::recursive_directory_iterator entry(cgroups, ended), end; !ended && entry != end;
       entry.increment(ended)) {
    if (entry->path().filename() == "cpuset.cpus.partition" &&
        read_kernel_file(entry->path()).value_or("") == "isolated")
      return true;
  }
  return false;
}

// The kernel attaches no scheduler then, and says only "invalid argument". CPUs that a cpuset isolated do no
// harm, but newer kernels have them in the same list. The command line, which would tell, is hidden from the
// service.
std::optional<std::string> require_all_cpus(const fs::path& root) {
  const auto isolated = read_kernel_file(root / "sys/devices/system/cpu/isolated");
  if (!isolated || isolated->empty() || has_isolated_partition(root / "sys/fs/cgroup")) return {};
  return "the kernel was started with isolcpus=" + *isolated +
         ", and attaches no sched_ext scheduler then: take it off the kernel command line (a cpuset with "
         "cpuset.cpus.partition=isolated can isolate CPUs instead)";
}

// "scx_bpf_create_dsq, scx_bpf_kick_cpu, …"
std::string some_of(const std::vector<std::string>& names) {
  static constexpr std::size_t shown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), shown); ++i) text += (i > 0 ? ", " : "") + names[i];
  return names.size() > shown ? text + ", …" : text;
}

std::optional<std::string> require_kfuncs(const KfuncVerdict& verdict, const KernelFacts& facts,
                                          const char* purpose) {
  if (!verdict.malformed.empty()) {
    return "this kernel (" + facts.release + ") was built with incomplete type information for " +
           std::to_string(std::max(facts.malformed_kfuncs, verdict.malformed.size())) +
           " functions of sched_ext (" + some_of(verdict.malformed) + "), so that " + purpose +
           ": boot 7.0, or 7.3 or later, or of Debian's 7.2 the build 7.2.13+deb14 or later";
  }
  if (!verdict.missing.empty()) {
    return "this kernel (" + facts.release + ") lacks functions that are needed (" +
           some_of(verdict.missing) + "), so that " + purpose + ": boot 6.12, or 6.16 or later";
  }
  return {};
}

// Without the capabilities the answer would be theirs, and they have a sentence of their own.
std::optional<std::string> require_bpf(Capabilities have, const KernelFacts& facts) {
  if (facts.refused && have.bpf && have.perfmon) {
    const int why = facts.refused->errno_value;
    if (why == ENOSYS) return "the kernel has no BPF: boot a kernel built with CONFIG_BPF_SYSCALL=y";
    if (why == EINVAL)
      return "the kernel does not trace with BPF: boot a kernel built with CONFIG_BPF_EVENTS=y";
    return "the kernel refuses even a BPF program that does nothing (" + std::string(std::strerror(why)) +
           "): look for a security module, kernel lockdown or a sandbox that forbids BPF to scx-slo.service";
  }
  if (!facts.jit) {
    return "the kernel does not compile BPF programs: type sysctl net.core.bpf_jit_enable=1, or boot a "
           "kernel built "
           "with CONFIG_BPF_JIT=y";
  }
  return {};
}

std::string require_capability(const char* name) {
  return std::string("the capability ") + name +
         " is missing: start scx-slo.service with systemctl, or give " + name +
         " by AmbientCapabilities= in its unit";
}

}  // namespace

Requirements check_requirements(const fs::path& root, Capabilities have, const KernelFacts& facts) {
  Requirements requirements;
  const auto add = [](std::vector<std::string>& list, std::optional<std::string> sentence) {
    if (sentence) list.push_back(*std::move(sentence));
  };
  add(requirements.fatal,
      require_readable(
          root, "sys/fs/cgroup/cgroup.controllers",
          "/sys/fs/cgroup is not cgroup v2 alone: boot with systemd.unified_cgroup_hierarchy=1 on the "
          "kernel command line"));
  add(requirements.fatal,
      require_readable(
          root, "sys/kernel/btf/vmlinux",
          "the kernel has no type information (/sys/kernel/btf/vmlinux): boot a kernel built with "
          "CONFIG_DEBUG_INFO_BTF=y"));
  if (!have.bpf) requirements.fatal.push_back(require_capability("CAP_BPF"));
  if (!have.perfmon) requirements.fatal.push_back(require_capability("CAP_PERFMON"));
  add(requirements.fatal, require_bpf(have, facts));
  add(requirements.fatal, require_kfuncs(facts.observer, facts, "nothing can be measured"));

  std::error_code ignored;
  if (!fs::is_directory(root / "sys/kernel/sched_ext", ignored)) {
    requirements.enforcing.push_back(
        "the kernel has no sched_ext (/sys/kernel/sched_ext): boot a kernel 6.12 or later built with "
        "CONFIG_SCHED_CLASS_EXT=y");
    return requirements;
  }
  add(requirements.enforcing, require_kfuncs(facts.scheduler, facts, "no scheduler can be loaded"));
  add(requirements.enforcing, require_all_cpus(root));
  look_for_other_scheduler(root, requirements);
  return requirements;
}

std::string caution(const KernelFacts& facts) {
  if (facts.guards_against_real_time) return {};
  return "this kernel (" + facts.release +
         ") keeps nothing back for the tasks of a sched_ext scheduler: real-time tasks that never sleep, one "
         "on "
         "each CPU, would stop the machine; boot 7.0 or later where that can happen";
}

std::string other_scheduler_sentence(const std::string& name) {
  return "the sched_ext scheduler " + name +
         " is active, and the kernel runs one at a time: stop the service or program that started it";
}

Capabilities own_capabilities(const fs::path& root) {
  const auto status = read_kernel_file(root / "proc/self/status", 16384);
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
