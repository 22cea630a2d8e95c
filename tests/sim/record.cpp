// SPDX-License-Identifier: GPL-2.0-only
#include "record.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace slo::sim {
namespace {

double cpu_time_ns(const Record& record) {
  return static_cast<double>(record.span_ns) * static_cast<double>(record.cpus.size());
}

std::uint64_t sum(const Record& record, std::uint64_t CpuRecord::* member) {
  return std::accumulate(
      record.cpus.begin(), record.cpus.end(), std::uint64_t{0},
      [member](std::uint64_t so_far, const CpuRecord& cpu) { return so_far + cpu.*member; });
}

}  // namespace

double best_effort_share(const Workload& workload, const Record& record) {
  std::uint64_t exec_ns = 0;
  for (std::size_t i = 0; i < workload.units.size(); ++i)
    if (workload.units[i].budget_ns == 0) exec_ns += record.units[i].exec_ns;
  return static_cast<double>(exec_ns) / cpu_time_ns(record);
}

double share(const Record& record, Doing doing) {
  std::uint64_t time_ns = 0;
  for (const CpuRecord& cpu : record.cpus) time_ns += cpu.time_ns[static_cast<std::size_t>(doing)];
  return static_cast<double>(time_ns) / cpu_time_ns(record);
}

std::uint64_t kicks(const Record& record) {
  return sum(record, &CpuRecord::kicks);
}

std::uint64_t switches(const Record& record) {
  return sum(record, &CpuRecord::switches);
}

std::uint64_t quantile_ns(std::span<const std::uint64_t> values_ns, double q) {
  if (values_ns.empty()) return 0;
  std::vector<std::uint64_t> sorted(values_ns.begin(), values_ns.end());
  const double rank = std::ceil(q * static_cast<double>(sorted.size()));
  const std::size_t index = rank < 1 ? 0 : std::min(static_cast<std::size_t>(rank), sorted.size()) - 1;
  const auto nth = sorted.begin() + static_cast<std::ptrdiff_t>(index);
  std::nth_element(sorted.begin(), nth, sorted.end());
  return *nth;
}

}  // namespace slo::sim
