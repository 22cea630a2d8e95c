// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace slo {

struct Capabilities {
  bool bpf = false;
  bool perfmon = false;
};

// The kernel functions (kfuncs) that one of our BPF objects cannot do without, and cannot have.
struct KfuncVerdict {
  // There, but described wrongly by the kernel's type information: with the hidden last parameter "aux" made
  // public. No program can call them.
  std::vector<std::string> malformed;
  std::vector<std::string> missing;  // not there, or only in a form that we do not know
};

// What only BPF itself can tell of the running kernel; probe_kernel() of kernel/probe.h asks it.
struct KernelFacts {
  std::string release;  // as uname -r says it
  KfuncVerdict scheduler;
  KfuncVerdict observer;
  std::size_t malformed_kfuncs = 0;   // of all functions of sched_ext, needed or not
  std::optional<Error> refused = {};  // why not even a program that does nothing can be loaded
  bool jit = true;                    // programs are compiled; false only when it is known
  bool guards_against_real_time =
      true;                  // KfuncCheck::guards_against_real_time(); false only when it is known
  bool shows_limits = true;  // KfuncCheck::shows_limits(); false only when it is known
};

// What stands in the way, one sentence each with the fix, fit for the journal and the status line.
struct Requirements {
  std::vector<std::string> fatal;      // without it nothing works, not even observing
  std::vector<std::string> enforcing;  // only our scheduler cannot run; observing works
  // Name of the sched_ext scheduler that is active now, whosever it is; empty: none. While it runs ours
  // cannot.
  std::string other_scheduler;
};

// Looks at files under `root` ("/" on a real machine, a directory tree in tests), and at what is given:
// cgroup v2, BTF, the capabilities, BPF itself (fatal); sched_ext, its type information, isolcpus=
// (enforcing); who runs now. "Unreadable" is told apart from "missing". Cheap enough to be repeated; `facts`
// do not change while the kernel runs.
[[nodiscard]] Requirements check_requirements(const std::filesystem::path& root, Capabilities have,
                                              const KernelFacts& facts);

// What an operator of this kernel has to know although the scheduler can run; empty: nothing.
[[nodiscard]] std::string caution(const KernelFacts& facts);

// The sentence, with the fix, about a scheduler that is in our way.
[[nodiscard]] std::string other_scheduler_sentence(const std::string& name);

// Capabilities in the effective set of this process (CAP_SYS_ADMIN implies both).
[[nodiscard]] Capabilities own_capabilities(const std::filesystem::path& root);

}  // namespace slo
