// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string_view>

namespace slo::sim {

// Where kernels differ. As of 7.3 where nothing is said.
struct Rules {
  bool has_new_kfuncs = true;        // of 6.13 to 7.1, instead of those of 6.12
  bool has_immed = true;             // 7.1: SCX_ENQ_IMMED
  std::uint64_t enq_head = 0x10000;  // 6.19; 0x10 before
  bool tells_idle_again = false;     // 6.12: update_idle() also when an idle CPU found nothing to do
  bool asks_for_migration_disabled =
      true;  // SCX_OPS_ENQ_MIGRATION_DISABLED is set; 6.12 has no such flag and asks
  bool callbacks_disable_migration = true;  // PREEMPT_RCU, and all before 6.18: see is_migration_disabled()
};

[[nodiscard]] inline Rules rules_of_6_12() {
  return {.has_new_kfuncs = false, .has_immed = false, .enq_head = 0x10, .tells_idle_again = true};
}

// Whether the kernel has a function or variable that the scheduler calls by this name; libbpf strips a
// ___suffix.
[[nodiscard]] bool has_symbol(const Rules& rules, std::string_view name);

// kernel/sched/ext.c, what the scheduler has no need to know
inline constexpr std::uint64_t enq_wakeup = 1;
inline constexpr std::uint64_t enq_preempt = std::uint64_t{1} << 32;
inline constexpr std::uint64_t enq_immed_flag = std::uint64_t{1} << 33;
inline constexpr std::uint64_t enq_reenq = std::uint64_t{1} << 40;
inline constexpr std::uint64_t enq_last = std::uint64_t{1} << 41;
inline constexpr std::uint64_t ops_enq_last = 1 << 1;
inline constexpr std::uint64_t slice_default_ns = 20'000'000;
inline constexpr int dispatch_loops_max = 32;
// The machine has been up for that long when a run begins: no instant is 0 for the scheduler.
inline constexpr std::uint64_t boot_ns = 1'000'000'000;

}  // namespace slo::sim
