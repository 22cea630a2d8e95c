// SPDX-License-Identifier: GPL-2.0-only
#include "sets.h"

#include <array>
#include <string>

#include "bpf/abi/slo_abi.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t us = SLO_NSEC_PER_USEC;
constexpr std::uint64_t ms = SLO_NSEC_PER_MSEC;

struct UnitSpec {
  const char* name;
  std::uint64_t budget_ns;
  std::uint32_t threads;  // per CPU
  std::uint64_t exec_ns;
  std::uint64_t period_ns;
  std::uint32_t importance = 100;
};

constexpr UnitSpec honest = {"honest", 10 * ms, 1, 3 * ms, 10 * ms};

std::uint32_t add_unit(Workload& workload, const UnitSpec& spec) {
  workload.units.push_back({.name = spec.name, .budget_ns = spec.budget_ns, .importance = spec.importance});
  return static_cast<std::uint32_t>(workload.units.size() - 1);
}

// Once per CPU, each with a beginning of its own.
void add_periodic(Workload& workload, const UnitSpec& spec, std::uint32_t cpus, Random& random,
                  bool is_drawn) {
  const std::uint32_t unit = add_unit(workload, spec);
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    const std::uint64_t start_ns = is_drawn ? below(random, spec.period_ns) : 0;
    for (std::uint32_t thread = 0; thread < spec.threads; ++thread)
      workload.tasks.push_back(
          {.unit = unit,
           .behaviour = Periodic{.exec_ns = spec.exec_ns,
                                 .period_ns = spec.period_ns,
                                 .phase_ns = start_ns + thread * (spec.period_ns / spec.threads)}});
  }
}

Workload periodic_set(const char* name, std::span<const UnitSpec> specs, std::uint32_t cpus,
                      std::uint64_t seed, std::uint32_t hogs_per_cpu) {
  Workload workload{.name = name, .units = {}, .tasks = {}};
  Random random(seed);
  for (const UnitSpec& spec : specs) add_periodic(workload, spec, cpus, random, seed != 0);
  add_hogs(workload, hogs_per_cpu * cpus);
  return workload;
}

// Both units have a reserve of half the machine.
Workload with_halves(Workload workload, std::uint32_t cpus) {
  for (Unit& unit : workload.units)
    if (unit.budget_ns != 0) unit.reserve_permille = std::uint64_t{500} * cpus;
  return workload;
}

Workload with_default_hogs(std::uint32_t cpus, std::uint64_t seed) {
  return three_units(cpus, seed);
}

constexpr std::array all_sets = {NamedSet{"s2", with_default_hogs},
                                 NamedSet{"abuse", abuse},
                                 NamedSet{"abuse-reserves", abuse_with_reserves},
                                 NamedSet{"greed", greed},
                                 NamedSet{"greed-reserves", greed_with_reserves},
                                 NamedSet{"overload", overload},
                                 NamedSet{"overload1", overload_of_single_threads},
                                 NamedSet{"overload3", overload_of_three},
                                 NamedSet{"bursts", bursts}};

}  // namespace

Workload three_units(std::uint32_t cpus, std::uint64_t seed, std::uint32_t hogs_per_cpu) {
  static constexpr std::array specs = {UnitSpec{"slo-fast", 2 * ms, 1, 1 * ms, 5 * ms},
                                       UnitSpec{"slo-middle", 10 * ms, 2, 3 * ms, 20 * ms},
                                       UnitSpec{"slo-slow", 50 * ms, 2, 20 * ms, 100 * ms}};
  return periodic_set("three units", specs, cpus, seed, hogs_per_cpu);
}

Workload abuse(std::uint32_t cpus, std::uint64_t seed) {
  static constexpr std::array specs = {UnitSpec{"abuser", 2 * ms, 3, 2 * ms, 4 * ms}, honest};
  return periodic_set("abuse", specs, cpus, seed, 2);
}

Workload abuse_with_reserves(std::uint32_t cpus, std::uint64_t seed) {
  return with_halves(abuse(cpus, seed), cpus);
}

Workload greed(std::uint32_t cpus, std::uint64_t seed) {
  static constexpr UnitSpec greedy = {"greedy", 2 * ms, 0, 0, 0};
  Workload workload = periodic_set("greed", std::span(&honest, 1), cpus, seed, 2);
  const std::uint32_t unit = add_unit(workload, greedy);
  for (std::uint32_t i = 0; i < 2 * cpus; ++i)
    workload.tasks.push_back({.unit = unit, .behaviour = BackToBack{.exec_ns = 1 * ms, .pause_ns = 10 * us}});
  return workload;
}

Workload greed_with_reserves(std::uint32_t cpus, std::uint64_t seed) {
  return with_halves(greed(cpus, seed), cpus);
}

Workload overload(std::uint32_t cpus, std::uint64_t seed) {
  static constexpr std::array specs = {UnitSpec{"important", 10 * ms, 2, 6 * ms, 20 * ms, 1000},
                                       UnitSpec{"unimportant", 10 * ms, 2, 6 * ms, 20 * ms, 100}};
  return periodic_set("overload", specs, cpus, seed, 2);
}

Workload overload_of_single_threads(std::uint32_t cpus, std::uint64_t seed) {
  static constexpr std::array specs = {UnitSpec{"important", 10 * ms, 1, 6 * ms, 10 * ms, 1000},
                                       UnitSpec{"unimportant", 10 * ms, 1, 6 * ms, 10 * ms, 100}};
  return periodic_set("overload of single threads", specs, cpus, seed, 2);
}

Workload overload_of_three(std::uint32_t cpus, std::uint64_t seed) {
  static constexpr std::array specs = {UnitSpec{"important", 10 * ms, 2, 4 * ms, 20 * ms, 1000},
                                       UnitSpec{"usual", 10 * ms, 2, 4 * ms, 20 * ms, 100},
                                       UnitSpec{"unimportant", 10 * ms, 2, 4 * ms, 20 * ms, 10}};
  return periodic_set("overload of three", specs, cpus, seed, 2);
}

Workload bursts(std::uint32_t cpus, std::uint64_t seed) {
  static constexpr UnitSpec bursting = {"bursting", 5 * ms, 0, 0, 0};
  Workload workload = periodic_set("bursts", std::span(&honest, 1), cpus, seed, 2);
  const std::uint32_t unit = add_unit(workload, bursting);
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu)
    workload.tasks.push_back(
        {.unit = unit,
         .behaviour = Bursts{.exec_ns = 2 * ms, .period_ns = 4 * ms, .on_ns = 100 * ms, .off_ns = 200 * ms}});
  return workload;
}

std::span<const NamedSet> named_sets() {
  return all_sets;
}

}  // namespace slo::sim
