// SPDX-License-Identifier: GPL-2.0-only
// The scheduler in the exaggerated mode: many seeds, each with a machine and a load of its own.
#include <chrono>
#include <cstdint>
#include <format>
#include <iostream>
#include <string>

#include "../command_line.h"
#include "../sets.h"
#include "accesses.h"
#include "load.h"

namespace slo::sim {
namespace {

struct Options {
  std::uint64_t events = 1'000'000;
  std::uint64_t events_per_seed = 20'000;
  std::uint32_t cpus = 4;
  std::uint64_t seed = 1;
  bool weak = false;
  bool no_changes = false;
  bool accesses = false;
};

void declare(CLI::App& app, Options& options) {
  app.add_option("--events", options.events, "Events in all (default: 1000000)");
  app.add_option("--events-per-seed", options.events_per_seed, "Events of each seed (default: 20000)")
      ->check(CLI::PositiveNumber);
  app.add_option("--cpus", options.cpus, "CPUs (default: 4)")->check(CLI::Range(1, 256));
  app.add_option("--seed", options.seed, "The first seed (default: 1); the next ones follow it");
  app.add_flag(
      "--weak", options.weak,
      "As on machines with weak memory: stores in any order, and atomics without a result are no barrier");
  app.add_flag("--accesses", options.accesses,
               "Instead: what callbacks access of shared memory, of units with budgets beside hogs");
  app.add_flag("--no-changes", options.no_changes, "Work alone; then idle CPUs are judged too");
}

// By what the scheduler does when nothing is exaggerated.
void print_accesses(const Options& options) {
  System system({.machine = {.cpus = options.cpus}, .workload = three_units(options.cpus, options.seed)}, {});
  system.daemon().attach();
  const AccessCounts counts(system.kernel());
  system.kernel().run(SLO_NSEC_PER_SEC);
  std::cout << std::format("{:12} {:>10} {:>10} {:>10}\n", "in a second", "reads", "writes", "atomics");
  for (std::size_t op = 1; op < op_names.size(); ++op) {
    const AccessCounts::ByKind& of = counts.of(static_cast<Op>(op));
    std::cout << std::format("{:12} {:>10} {:>10} {:>10}\n", op_names[op], of[0], of[1], of[2]);
  }
  std::cout << std::format("{} callbacks\n", system.ext().callbacks().count());
}

// How many seeds had a complaint.
int run_seeds(const Options& options) {
  int failed = 0;
  Interleaving::Counts all = {};
  std::uint64_t callbacks = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t seed = options.seed; all.events < options.events; ++seed) {
    const ExaggeratedRun run = run_exaggerated({.seed = seed,
                                                .cpus = options.cpus,
                                                .events = options.events_per_seed,
                                                .is_weak = options.weak,
                                                .has_changes = !options.no_changes});
    all.events += run.counts.events;
    all.switches += run.counts.switches;
    all.waits += run.counts.waits;
    callbacks += run.callbacks;
    if (run.complaints.empty()) continue;
    ++failed;
    std::cout << std::format("seed {}:\n", seed);
    for (const std::string& complaint : run.complaints) std::cout << "  " << complaint << '\n';
    for (const std::string& line : run.story) std::cout << "    " << line << '\n';
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::cout << std::format(
      "exaggerated: {} events, {} callbacks, {} switches, {} waits for locks in {:.1f} s, {:.0f} events a "
      "second; {} seeds with a complaint\n",
      all.events, callbacks, all.switches, all.waits, took.count(),
      static_cast<double>(all.events) / took.count(), failed);
  return failed;
}

int run(const Options& options) {
  if (options.accesses) {
    print_accesses(options);
    return 0;
  }
  return run_seeds(options) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace slo::sim

int main(int argc, char** argv) {
  slo::sim::Options options;
  CLI::App app{
      "The scheduler of scx-slo in the exaggerated mode: what happens to several CPUs at nearly the same "
      "time "
      "is interleaved at each access to shared memory, in ways that a real machine need not ever show. For "
      "races; figures come from `sim`."};
  slo::sim::declare(app, options);
  return slo::sim::answer("sim_exaggerated", app, argc, argv, [&] { return slo::sim::run(options); });
}
