// SPDX-License-Identifier: GPL-2.0-only
#include <format>
#include <initializer_list>

#include "comparison.h"
#include "sets.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t us = SLO_NSEC_PER_USEC;
constexpr std::uint64_t ms = SLO_NSEC_PER_MSEC;

Workload three_units_with_hogs(std::uint32_t cpus, std::uint64_t seed) {
  return three_units(cpus, seed);
}

Case shipped(std::uint32_t cpus = 1) {
  return {.label = "as shipped", .machine = {.cpus = cpus}};
}

Case reference(std::uint32_t cpus = 1) {
  return {.label = "ideal EDF", .machine = {.cpus = cpus}, .is_reference = true};
}

Case without_kicks(std::uint64_t tick_ns) {
  Case one{.label = std::format("no kicks, a tick every {}ms", tick_ns / ms)};
  one.machine.tick_ns = tick_ns;
  one.policy.kicks_wait_for_tick = true;
  return one;
}

Case with_floor(std::uint32_t permille) {
  Case one{.label = std::format("floor of {}%", permille / 10)};
  one.policy.tunables.best_effort_floor_permille = permille;
  return one;
}

Case without_demotion() {
  Case one{.label = "no demotion"};
  one.policy.has_demotion = false;
  return one;
}

Case varied(const char* label, void (*vary)(Policy& policy)) {
  Case one{.label = label};
  vary(one.policy);
  return one;
}

Case plain() {
  Case one = with_floor(10);
  one.label = "no demotion, floor of 1%";
  one.policy.has_demotion = false;
  return one;
}

Case plain_edf() {
  Case one = plain();
  one.label = "ideal EDF, no demotion, floor of 1%";
  one.is_reference = true;
  return one;
}

Comparison parts() {
  return {.title = "Parts of the policy: three units, one CPU, four hogs",
          .make = three_units_with_hogs,
          .cases = {shipped(), without_kicks(1 * ms), without_kicks(4 * ms), without_kicks(10 * ms),
                    without_demotion(), with_floor(10), with_floor(100), with_floor(200), reference()}};
}

Comparison ticks() {
  Comparison all{
      .title = "Ticks: three units, one CPU, four hogs", .make = three_units_with_hogs, .cases = {}};
  for (const std::uint64_t tick_ns : {1 * ms, 4 * ms, 10 * ms}) {
    Case one{.label = std::format("{}ms", tick_ns / ms)};
    one.machine.tick_ns = tick_ns;
    all.cases.push_back(one);
  }
  return all;
}

Comparison min_runs() {
  Comparison all{.title = "MinRun= and KickRate=: three units, one CPU, four hogs",
                 .make = three_units_with_hogs,
                 .cases = {}};
  for (const std::uint64_t min_run_ns : {0 * us, 100 * us, 500 * us, 1000 * us, 2000 * us}) {
    Case one{.label = std::format("MinRun={}us", min_run_ns / us)};
    one.policy.tunables.min_run_ns = min_run_ns;
    all.cases.push_back(one);
  }
  for (const std::uint64_t rate : {100'000, 1'000, 200}) {
    Case one{.label = std::format("KickRate={}", rate)};
    one.policy.tunables.kick_interval_ns = SLO_NSEC_PER_SEC / rate;
    all.cases.push_back(one);
  }
  return all;
}

Comparison slices() {
  Comparison all{.title = "Slices: bursts of one unit, an honest one, two hogs", .make = bursts, .cases = {}};
  for (const std::uint64_t slice_ns : {4 * ms, 20 * ms, 100 * ms}) {
    Case one{.label = std::format("BestEffortSlice={}ms", slice_ns / ms)};
    one.policy.tunables.best_effort_slice_ns = slice_ns;
    all.cases.push_back(one);
  }
  for (const std::uint64_t slice_ns : {4 * ms, 20 * ms, 100 * ms}) {
    Case one{.label = std::format("SloSliceMax={}ms", slice_ns / ms)};
    one.policy.tunables.slo_slice_max_ns = slice_ns;
    all.cases.push_back(one);
  }
  return all;
}

Comparison sizes() {
  Comparison all{
      .title = "CPUs: three units and four hogs on each", .make = three_units_with_hogs, .cases = {}};
  for (const std::uint32_t cpus : {1, 2, 4, 8, 16, 32}) {
    for (Case one : {shipped(cpus), reference(cpus)}) {
      one.label = std::format("CPUs={}, {}", cpus, one.label);
      all.cases.push_back(one);
    }
  }
  return all;
}

Comparison trouble(const char* title, Workload (*make)(std::uint32_t, std::uint64_t)) {
  return {.title = title,
          .make = make,
          .cases = {shipped(), varied("no shedding", [](Policy& with) { with.has_shedding = false; }),
                    without_demotion(), plain(), reference(), plain_edf()}};
}

Comparison reserved(const char* title, Workload (*make)(std::uint32_t, std::uint64_t)) {
  return {.title = title,
          .make = make,
          .cases = {shipped(), varied("no reserves", [](Policy& with) { with.has_servers = false; }),
                    varied("no reserves, no shedding",
                           [](Policy& with) { with.has_servers = with.has_shedding = false; }),
                    varied("no shedding", [](Policy& with) { with.has_shedding = false; }), reference()}};
}

}  // namespace

std::vector<Comparison> all_comparisons() {
  return {
      parts(),
      ticks(),
      min_runs(),
      slices(),
      sizes(),
      trouble("Abuse: one unit wants 150% of a CPU at 2 ms, one an honest 30% at 10 ms, two hogs", abuse),
      reserved("Abuse, with reserves of 50% each", abuse_with_reserves),
      trouble("Greed: one unit takes all it gets in jobs of 1 ms, one wants an honest 30%, two hogs", greed),
      reserved("Greed, with reserves of 50% each", greed_with_reserves),
      trouble("Overload: two units of importance 10:1 want 60% of a CPU each, two hogs", overload),
      trouble("Overload: the same with one thread each instead of two", overload_of_single_threads),
      trouble("Overload: three units of importance 100:10:1 want 40% of a CPU each, two hogs",
              overload_of_three),
      trouble("Bursts: one unit wants 50% of a CPU a third of the time, one an honest 30%, two hogs",
              bursts)};
}

}  // namespace slo::sim
