// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "workload.h"

// The workloads that the policy is held against. A seed draws where units begin; 0: all at once.
namespace slo::sim {

// Budgets of 2, 10 and 50 ms, 90% of one CPU, threads of a unit staggered by period/threads, once per CPU;
// and hogs. The same as the test on the machine has.
[[nodiscard]] Workload three_units(std::uint32_t cpus, std::uint64_t seed, std::uint32_t hogs_per_cpu = 4);

// A unit that wants 150% of the machine at a budget of 2 ms, an honest one (30%, 10 ms), and two hogs per
// CPU; and the same with reserves of 50% of the machine each.
[[nodiscard]] Workload abuse(std::uint32_t cpus, std::uint64_t seed);
[[nodiscard]] Workload abuse_with_reserves(std::uint32_t cpus, std::uint64_t seed);

// The same, but the abuser takes all it gets in jobs of 1 ms.
[[nodiscard]] Workload greed(std::uint32_t cpus, std::uint64_t seed);
[[nodiscard]] Workload greed_with_reserves(std::uint32_t cpus, std::uint64_t seed);

// Two units of importance 1000 and 100 that want 60% each of the machine, so 120% in all, and two hogs per
// CPU; the same with one thread per CPU and unit instead of two; and three of importance 1000, 100 and 10
// that want 40% each.
[[nodiscard]] Workload overload(std::uint32_t cpus, std::uint64_t seed);
[[nodiscard]] Workload overload_of_single_threads(std::uint32_t cpus, std::uint64_t seed);
[[nodiscard]] Workload overload_of_three(std::uint32_t cpus, std::uint64_t seed);

// A unit that is quiet for 200 ms and busy for 100 ms, with an honest neighbour and two hogs per CPU.
[[nodiscard]] Workload bursts(std::uint32_t cpus, std::uint64_t seed);

// "s2", "abuse", "abuse-reserves", "greed", "greed-reserves", "overload", "overload1", "overload3", "bursts".
struct NamedSet {
  std::string_view name;
  Workload (*make)(std::uint32_t cpus, std::uint64_t seed);
};
[[nodiscard]] std::span<const NamedSet> named_sets();

}  // namespace slo::sim
