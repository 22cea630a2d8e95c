// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace slo {

// What the machine lacks for enforcing: one sentence each with the fix, fit for the journal. Empty: nothing is missing.
// Looks at files under `root` ("/" on a real machine, a directory tree in tests) and at the capabilities given.
struct Capabilities {
  bool bpf = false;
  bool perfmon = false;
};

// Checks cgroup v2 (sys/fs/cgroup/cgroup.controllers), BTF (sys/kernel/btf/vmlinux readable), sched_ext
// (sys/kernel/sched_ext), no other scheduler (sys/kernel/sched_ext/state, root/ops), the two capabilities.
// "Unreadable" is told apart from "missing".
[[nodiscard]] std::vector<std::string> missing_requirements(const std::filesystem::path& root, Capabilities have);

// Capabilities in the effective set of this process (CAP_SYS_ADMIN implies both).
[[nodiscard]] Capabilities own_capabilities(const std::filesystem::path& root);

}  // namespace slo
