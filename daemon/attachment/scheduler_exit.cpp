// SPDX-License-Identifier: GPL-2.0-only
#include "attachment/scheduler_exit.h"

#include <cstddef>

#include "base/printable.h"

namespace slo {
namespace {

// enum scx_exit_kind and scx_exit_code of the kernel.
constexpr std::uint32_t exit_unregistered = 64;
constexpr std::uint32_t exit_by_bpf = 65;
constexpr std::uint32_t exit_by_kernel = 66;
constexpr std::uint32_t exit_sysrq = 67;
constexpr std::uint32_t exit_first_error = 1024;
constexpr std::uint64_t exit_code_hotplug = std::uint64_t{1} << 32U;
constexpr std::uint64_t exit_code_restart = std::uint64_t{1} << 48U;

constexpr std::size_t max_kernel_text = 200;

std::string kernel_words(const SchedulerExit& exit) {
  std::string words = printable(exit.reason, max_kernel_text);
  if (exit.message.empty()) return words;
  const std::string message = printable(exit.message, max_kernel_text);
  return words.empty() ? message : words + " (" + message + ")";
}

std::string with_words(const std::string& sentence, const SchedulerExit& exit) {
  const std::string words = kernel_words(exit);
  return words.empty() ? sentence : sentence + ": " + words;
}

}  // namespace

SchedulerExit printable(SchedulerExit exit) {
  exit.reason = printable(exit.reason);
  exit.message = printable(exit.message);
  exit.dump = printable_lines(exit.dump);
  return exit;
}

EndKind kind_of(const SchedulerExit& exit) {
  if (exit.kind >= exit_first_error) return EndKind::failure;
  if (exit.kind == exit_sysrq) return EndKind::sysrq;
  return (exit.exit_code & exit_code_restart) != 0 ? EndKind::restart : EndKind::failure;
}

std::string why_ended(const SchedulerExit& exit) {
  if (exit.kind >= exit_first_error) return with_words("the kernel ended the scheduler", exit);
  if (exit.kind == exit_sysrq) return "an operator ended the scheduler with sysrq-S";
  if ((exit.exit_code & exit_code_hotplug) != 0)
    return with_words("a CPU came or went, which ended the scheduler", exit);
  if (exit.kind == exit_by_kernel) return with_words("the kernel asked the scheduler to end", exit);
  if (exit.kind == exit_by_bpf) return with_words("the scheduler asked to be ended", exit);
  if (exit.kind == exit_unregistered)
    return with_words("something outside scx-slo detached the scheduler", exit);
  return with_words("the scheduler ended (exit kind " + std::to_string(exit.kind) + ")", exit);
}

}  // namespace slo
