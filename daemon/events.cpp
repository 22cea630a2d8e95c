// SPDX-License-Identifier: GPL-2.0-only
#include "events.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "bpf/rate_limit.h"

namespace slo {
namespace {

constexpr std::uint64_t unit_interval_ns = SLO_NSEC_PER_SEC;

std::uint32_t burst_of(std::uint64_t interval_ns) {
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, SLO_NSEC_PER_SEC / interval_ns));
}

void describe(MissReport& report, const deadline_event& event) {
  report.cause = cause_name(event.cause);
  report.timestamp_ns = event.timestamp_ns;
  report.budget_ns = event.budget_ns;
  report.wait_ns = event.wait_ns;
  report.exec_ns = event.exec_ns;
}

}  // namespace

std::string_view cause_name(std::uint32_t cause) {
  switch (cause) {
    case SLO_CAUSE_LATE_START:
      return "late-start";
    case SLO_CAUSE_PREEMPTED:
      return "preempted";
    case SLO_CAUSE_OVERLONG:
      return "overlong";
    case SLO_CAUSE_OVERRUN:
      return "overrun";
    default:
      return "unknown";
  }
}

std::optional<deadline_event> decode_event(std::span<const std::byte> record) {
  deadline_event event{};
  if (record.size() < sizeof(event)) return std::nullopt;
  std::memcpy(&event, record.data(), sizeof(event));
  const bool is_cause = event.cause != SLO_CAUSE_NONE && event.cause < SLO_CAUSES;
  if (!is_cause || event.deadline_miss_ns == 0) return std::nullopt;
  event.comm[SLO_COMM_LEN - 1] = '\0';
  return event;
}

void MissReports::take(std::span<const std::byte> record, const UnitOfSlot& unit_of_slot) {
  const auto event = decode_event(record);
  if (!event) {
    ++malformed_;
    return;
  }
  const std::string unit = unit_of_slot(event->slot);
  if (unit.empty()) return;
  Pending& pending = pending_[unit];
  MissReport& report = pending.report;
  if (pending.since == 0) pending.since = next_since_++;
  report.unit = unit;
  report.count += 1 + event->suppressed;
  report.miss_ns =
      std::max<std::uint64_t>({report.miss_ns, event->deadline_miss_ns, event->suppressed_worst_ns});
  if (event->deadline_miss_ns <= pending.worst_event_ns) return;
  pending.worst_event_ns = event->deadline_miss_ns;
  describe(report, *event);
}

std::vector<MissReport> MissReports::due(std::uint64_t now_ns) {
  std::vector<Pending*> waiting;
  for (auto& [unit, pending] : pending_) {
    const bool may = pending.told_ns == 0 || now_ns - pending.told_ns >= unit_interval_ns;
    if (pending.since != 0 && may) waiting.push_back(&pending);
  }
  std::ranges::sort(waiting, {}, &Pending::since);

  std::vector<MissReport> reports;
  for (Pending* const pending : waiting) {
    const auto full_at_ns =
        slo_rate_take(global_full_at_ns_, now_ns, global_interval_ns_, burst_of(global_interval_ns_));
    if (full_at_ns == 0) break;
    global_full_at_ns_ = full_at_ns;
    reports.push_back(std::exchange(*pending, {}).report);
    pending->told_ns = now_ns;
  }
  // Only what waits, or was told within the second, needs to be remembered.
  std::erase_if(pending_, [now_ns](const auto& entry) {
    return entry.second.since == 0 && now_ns - entry.second.told_ns >= unit_interval_ns;
  });
  return reports;
}

}  // namespace slo
