// SPDX-License-Identifier: GPL-2.0-only
#include "figures/misses.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/printable.h"
#include "base/time_span.h"
#include "bpf/policy/rate_limit.h"

namespace slo {
namespace {

constexpr std::uint64_t unit_interval_ns = SLO_NSEC_PER_SEC;

std::uint32_t burst_of(std::uint64_t interval_ns) {
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, SLO_NSEC_PER_SEC / interval_ns));
}

// A name as the kernel has it, which need not end where its room does.
template <std::size_t N>
std::string name_of(const char (&text)[N]) {
  return printable({text, strnlen(text, N)}, 4 * N);
}

void describe(MissReport& report, const deadline_event& event) {
  report.miss_ns = event.deadline_miss_ns;
  report.cause = cause_name(event.cause);
  report.timestamp_ns = event.timestamp_ns;
  report.key_ns = event.key_ns;
  report.budget_ns = event.budget_ns;
  report.wait_ns = event.wait_ns;
  report.exec_ns = event.exec_ns;
  report.tid = event.tid;
  report.cpu = event.cpu;
  report.comm = name_of(event.comm);
  report.rival = {};
  if (event.rival.ran_ns != 0)
    report.rival = {event.rival.ran_ns, event.rival.tid, name_of(event.rival.comm),
                    name_of(event.rival.cgroup)};
}

std::string task_name(const std::string& comm, std::uint32_t tid) {
  return comm + "[" + std::to_string(tid) + "]";
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
    case SLO_CAUSE_THROTTLED:
      return "throttled";
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
  return event;
}

std::string to_sentence(const MissReport& report, std::uint64_t count) {
  const std::string jobs = std::to_string(count) + (count == 1 ? " job" : " jobs");
  const std::string budget = format_time_span_ns(report.budget_ns);
  // How many of them were of which unit is not known.
  std::string text = report.unit == report.job_unit
                         ? report.unit + ": " + jobs + " over the budget of " + budget + ", lately by "
                         : report.unit + " and units counted with it: " + jobs +
                               " over budget, lately one of " + report.job_unit + " over its " + budget +
                               " by ";
  text += format_latency_ns(report.miss_ns) + " (" + report.cause +
          "): " + task_name(report.comm, report.tid) + " waited " + format_latency_ns(report.wait_ns) +
          " and ran " + format_latency_ns(report.exec_ns);
  const Rival& rival = report.rival;
  if (rival.ran_ns == 0) return text;
  text += "; meanwhile " + (rival.cgroup.empty() ? "" : rival.cgroup + ", mostly ") +
          task_name(rival.comm, rival.tid) + ", ran " + format_latency_ns(rival.ran_ns) + " on CPU " +
          std::to_string(report.cpu);
  return text;
}

void MissReports::take(std::span<const std::byte> record, const Find& find) {
  const auto event = decode_event(record);
  if (!event) {
    ++malformed_;
    return;
  }
  const auto whose = find(event->slot, event->unit);
  if (!whose) return;
  Pending& pending = pending_[whose->counted];
  MissReport& report = pending.report;
  if (pending.since == 0) pending.since = next_since_++;
  report.unit = whose->counted;
  report.count += 1 + event->suppressed;
  if (event->deadline_miss_ns <= report.miss_ns) return;
  report.job_unit = whose->unit;
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
