// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "attachment/requirements.h"
#include "base/error.h"

struct btf;

namespace slo {

// Tells before anything is loaded whether a kernel has the kernel functions that a BPF object of ours calls,
// from the type information of both. What the object needs stands in the names of its externs
// (bpf/kernel/kfuncs.h): one without a ___flavour is needed; of those that share a flavour one is enough; the
// flavour "optional" is never needed.
class KfuncCheck {
 public:
  // `kernel_btf`: raw type information, as the kernel shows it in /sys/kernel/btf/vmlinux. Errors: it cannot
  // be read.
  [[nodiscard]] static Result<KfuncCheck> of(const std::filesystem::path& kernel_btf);

  // `object`: an ELF file made by clang for BPF. Errors: it has no type information.
  [[nodiscard]] Result<KfuncVerdict> judge(std::span<const std::byte> object) const;

  // Functions of sched_ext that this kernel describes wrongly.
  [[nodiscard]] std::size_t malformed() const;

  // Whether the kernel keeps a share of each CPU back for tasks of a sched_ext scheduler, beside real-time
  // tasks that never sleep: `ext_server` of struct rq, since Linux 7.0.
  [[nodiscard]] bool guards_against_real_time() const;

  // Whether a scheduler can read off the kernel where CPUQuota= holds: `hierarchical_quota` of struct
  // cfs_bandwidth, which a kernel without CONFIG_CFS_BANDWIDTH does not have.
  [[nodiscard]] bool shows_limits() const;

 private:
  using Types = std::unique_ptr<btf, void (*)(btf*)>;
  explicit KfuncCheck(Types kernel) : kernel_(std::move(kernel)) {}
  [[nodiscard]] bool has_member(const char* structure, std::string_view member) const;

  Types kernel_;
};

}  // namespace slo
