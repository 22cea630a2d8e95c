// SPDX-License-Identifier: GPL-2.0-only
#include "base/active_scheduler.h"

#include <utility>

#include "base/file.h"

namespace slo {

Result<std::optional<ActiveScheduler>> read_active_scheduler(const std::filesystem::path& root) {
  const auto directory = root / "sys/kernel/sched_ext";
  auto state = read_kernel_file(directory / "state");
  if (!state) return std::unexpected(state.error());
  if (*state == "disabled") return std::nullopt;
  return ActiveScheduler{.state = *std::move(state),
                         .name = read_kernel_file(directory / "root/ops").value_or("")};
}

std::string active_scheduler_text(const std::filesystem::path& root) {
  const auto active = read_active_scheduler(root);
  if (!active || !*active || (*active)->state.empty()) return {};
  return (*active)->name.empty() ? "(" + (*active)->state + ")" : (*active)->name;
}

}  // namespace slo
