// SPDX-License-Identifier: GPL-2.0-only
// The scheduler on a simulated machine: what it does to units with budgets, and to their neighbours.
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <format>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "base/time_span.h"
#include "callback_log/difference.h"
#include "command_line.h"
#include "comparison.h"
#include "fuzz/fuzzer.h"
#include "fuzz/story.h"
#include "random_comparison.h"
#include "random_set.h"
#include "report.h"
#include "rt_app.h"
#include "sets.h"
#include "simulate.h"
#include "timeline.h"
#include "trace_set.h"

namespace slo::sim {
namespace {

struct Options {
  bool table = false;
  bool json = false;
  bool speed = false;
  std::string set;
  std::string trace;
  std::vector<std::string> rt_app;
  std::string callbacks;
  std::string timeline;
  std::string story;
  std::optional<double> fuzz;  // seconds
  std::uint64_t runs = 0;      // stories; 0: any number
  bool brief = false;
  std::uint32_t cpus = 0;  // 0: one, or as many as a trace says
  double seconds = 0;      // 0: ten, or as long as a trace lasts
  std::uint64_t seed = 1;
  std::uint32_t hogs = 0;
};

constexpr double default_seconds = 10;

std::vector<std::string> set_names() {
  std::vector<std::string> names;
  for (const NamedSet& set : named_sets()) names.emplace_back(set.name);
  names.emplace_back("random");
  return names;
}

// What is to be done: one of them at a time.
std::vector<CLI::Option*> declare_deeds(CLI::App& app, Options& options) {
  return {
      app.add_flag("--table", options.table, "All comparisons that justify the defaults"),
      app.add_option("--set", options.set, "One workload under several schedulers")
          ->check(CLI::IsMember(set_names())),
      app.add_option("--trace", options.trace, "A file of `scx-slo record`, replayed")
          ->check(CLI::ExistingFile),
      app.add_option("--rt-app", options.rt_app,
                     "A workload of rt-app, as a unit; with FILE,5ms it has that budget. Repeatable")
          ->type_name("FILE[,BUDGET]"),
      app.add_option("--callbacks", options.callbacks,
                     "What callback_log logged on a kernel, held against the model")
          ->check(CLI::ExistingFile),
      app.add_flag("--speed", options.speed,
                   "How many callbacks a second the simulator makes on this machine"),
      app.add_option("--fuzz", options.fuzz, "Stories that are drawn from --seed on, for so many seconds")
          ->expected(0, 1)
          ->default_str("60")
          ->check(CLI::Range(1.0, 86400.0)),
      app.add_option("--story", options.story, "A file with a story, as --fuzz prints it, played")
          ->check(CLI::ExistingFile),
  };
}

void declare(CLI::App& app, Options& options) {
  const auto deeds = declare_deeds(app, options);
  for (CLI::Option* one : deeds)
    for (CLI::Option* other : deeds)
      if (one != other) one->excludes(other);
  app.add_option("--runs", options.runs, "With --fuzz: so many stories, however long it takes")
      ->check(CLI::PositiveNumber)
      ->needs("--fuzz");
  app.add_flag("--brief", options.brief, "With --fuzz: do not look for a short story that shows the same")
      ->needs("--fuzz");
  app.add_option("--cpus", options.cpus, "CPUs (default: 1; of a trace: those it was recorded on)")
      ->check(CLI::Range(1, 256));
  app.add_option("--seconds", options.seconds, "Simulated time (default: 10; of a trace: all of it)")
      ->check(CLI::Range(0.001, 3600.0));
  app.add_option("--seed", options.seed, "What is drawn; 0: all units begin at once (default: 1)");
  app.add_option("--hogs", options.hogs,
                 "CPU hogs to add to a trace or to rt-app's, which have their own units alone");
  app.add_flag("--json", options.json, "JSON instead of tables");
  app.add_option("--timeline", options.timeline,
                 "Also write what ran where as shipped to this file, for ui.perfetto.dev")
      ->excludes("--table");
}

std::uint64_t to_ns(double seconds) {
  return static_cast<std::uint64_t>(std::llround(seconds * 1e9));
}

std::vector<Arm> run_arms(const Experiment& experiment) {
  Policy tick;
  tick.kicks_wait_for_tick = true;
  std::vector<Arm> arms;
  arms.push_back({.name = "as shipped", .record = run_policy(experiment, {})});
  arms.push_back({.name = "no kicks", .record = run_policy(experiment, tick)});
  arms.push_back({.name = "ideal EDF", .record = run_edf(experiment, {})});
  arms.push_back({.name = "the kernel's", .record = run_fair(experiment)});
  return arms;
}

void print_json(const nlohmann::json& json) {
  std::cout << json.dump(2) << '\n';
}

// False: it cannot be written.
bool write_timeline(const Experiment& experiment, const std::string& path) {
  System system(experiment, {});
  Timeline timeline(system.kernel(), experiment.workload);
  system.daemon().attach();
  static_cast<void>(system.run(experiment.span_ns));
  std::ofstream file(path);
  file << timeline.finish() << '\n';
  file.close();
  if (file) return true;
  std::cerr << "sim: " << path << " cannot be written: " << std::strerror(errno) << '\n';
  return false;
}

int print_run(const Experiment& experiment, const Options& options) {
  if (!options.timeline.empty() && !write_timeline(experiment, options.timeline)) return 2;
  const auto arms = run_arms(experiment);
  if (options.json)
    print_json(json_report(experiment.workload, arms));
  else
    std::cout << text_report(experiment.workload, arms);
  return 0;
}

std::optional<Workload> make_set(const Options& options, const Machine& machine) {
  for (const NamedSet& set : named_sets())
    if (set.name == options.set) return set.make(machine.cpus, options.seed);
  Random random(options.seed);
  return random_set(random, machine, {}, {});
}

int run_set(const Options& options) {
  const Machine machine{.cpus = options.cpus != 0 ? options.cpus : 1};
  auto workload = make_set(options, machine);
  if (!workload) {
    std::cerr << "sim: no random set was feasible; try another --seed\n";
    return 1;
  }
  return print_run({.machine = machine,
                    .workload = std::move(*workload),
                    .span_ns = to_ns(options.seconds > 0 ? options.seconds : default_seconds),
                    .seed = options.seed},
                   options);
}

int run_trace(const Options& options) {
  auto set = load_trace(options.trace);
  if (!set) {
    std::cerr << "sim: " << set.error().message() << '\n';
    return 2;
  }
  if (!options.json) {
    std::cout << "recorded on " << set->cpus << " CPUs, kernel " << set->kernel << ", " << set->state << "; "
              << set->left_out << " jobs left out\n";
    for (std::size_t i = 0; i < set->jobs.size(); ++i)
      std::cout << "  " << set->workload.units[i].name << ": " << set->jobs[i] << " jobs, " << set->misses[i]
                << " over their budget\n";
    std::cout << '\n';
  }
  if (options.hogs != 0) add_hogs(set->workload, options.hogs);
  return print_run({.machine = {.cpus = options.cpus != 0 ? options.cpus : set->cpus},
                    .workload = std::move(set->workload),
                    .span_ns = options.seconds > 0 ? to_ns(options.seconds) : set->span_ns,
                    .seed = options.seed},
                   options);
}

// What comes after the last comma is a budget, if it is a time.
Result<void> add_rt_app_unit(Workload& workload, const std::string& argument) {
  std::string path = argument;
  std::uint64_t budget_ns = 0;
  if (const auto comma = argument.rfind(','); comma != std::string::npos)
    if (const auto time = parse_time_span_ns(argument.substr(comma + 1))) {
      path.resize(comma);
      budget_ns = *time;
    }
  const std::string name = std::filesystem::path(path).stem().string();
  return add_rt_app(workload, {.name = name, .budget_ns = budget_ns}, path);
}

int run_rt_app(const Options& options) {
  Workload workload;
  workload.name = "rt-app";
  for (const std::string& argument : options.rt_app)
    if (const auto added = add_rt_app_unit(workload, argument); !added) {
      std::cerr << "sim: " << added.error().message() << '\n';
      return 2;
    }
  if (options.hogs != 0) add_hogs(workload, options.hogs);
  return print_run({.machine = {.cpus = options.cpus != 0 ? options.cpus : 1},
                    .workload = std::move(workload),
                    .span_ns = to_ns(options.seconds > 0 ? options.seconds : default_seconds),
                    .seed = options.seed},
                   options);
}

// A machine with enough to do that its events are of all kinds.
int run_speed(const Options& options) {
  const Machine machine{.cpus = options.cpus != 0 ? options.cpus : 4};
  const std::uint64_t span_ns = to_ns(options.seconds > 0 ? options.seconds : default_seconds);
  System system(
      {.machine = machine, .workload = three_units(machine.cpus, options.seed), .seed = options.seed}, {});
  system.daemon().attach();
  const auto begin = std::chrono::steady_clock::now();
  static_cast<void>(system.run(span_ns));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto callbacks = static_cast<double>(system.ext().callbacks().count());
  std::cout << std::format("{:.0f} callbacks in {:.2f} s: {:.0f} a second\n", callbacks, took.count(),
                           callbacks / took.count());
  return 0;
}

// Status 1: something is wrong that was not known.
int run_fuzz(const Options& options) {
  FuzzSpan span{.seed = options.seed};
  if (options.runs != 0)
    span.runs = options.runs;
  else
    span.seconds = options.fuzz.value_or(0);
  const FuzzResult result = fuzz(span);
  std::cout << std::format("{} stories from seed {} on, {} callbacks in {:.2f} s: {:.0f} a second\n",
                           result.runs, options.seed, result.callbacks, result.seconds,
                           static_cast<double>(result.callbacks) / result.seconds)
            << std::flush;
  if (!result.finding) return 0;
  std::cout << std::format("seed {}: {}\n", result.finding->seed, to_text(result.finding->complaint))
            << std::flush;
  if (!options.brief) std::cout << '\n' << short_story(*result.finding);
  return 1;
}

int run_story(const Options& options) {
  std::ifstream file(options.story);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto story = parse_story(text);
  if (!story) {
    std::cerr << "sim: " << options.story << ", " << story.error() << '\n';
    return 2;
  }
  const Verdict verdict = play(*story);
  for (const Complaint& complaint : verdict.complaints) std::cout << to_text(complaint) << '\n';
  return new_complaint(verdict) ? 1 : 0;
}

// Status 1: they differ.
int run_callbacks(const Options& options) {
  const auto log = load_callback_log(options.callbacks);
  const auto replayed = log ? replay_best(*log, options.callbacks) : std::unexpected(log.error());
  if (!replayed) {
    std::cerr << "sim: " << replayed.error().message() << '\n';
    return 2;
  }
  const Difference difference = difference_of(*replayed);
  std::cout << to_text(*log, *replayed, difference);
  return difference.equal(false) == difference.tasks.size() ? 0 : 1;
}

int run_table(const Options& options) {
  const ComparisonSpan span{.span_ns = to_ns(options.seconds > 0 ? options.seconds : default_seconds),
                            .seed = options.seed};
  nlohmann::json all = nlohmann::json::array();
  for (const Comparison& comparison : all_comparisons()) {
    const auto summaries = compare(comparison, span);
    if (options.json)
      all.push_back(to_json(comparison, summaries));
    else
      std::cout << to_text(comparison, summaries) << '\n' << std::flush;
  }
  const auto rows = compare_random_sets({.seed = options.seed});
  if (options.json) {
    all.push_back(to_json(rows));
    print_json(all);
  } else {
    std::cout << to_text(rows);
  }
  return 0;
}

int run(const Options& options) {
  if (options.table) return run_table(options);
  if (options.speed) return run_speed(options);
  if (options.fuzz) return run_fuzz(options);
  if (!options.story.empty()) return run_story(options);
  if (!options.callbacks.empty()) return run_callbacks(options);
  if (!options.trace.empty()) return run_trace(options);
  if (!options.set.empty()) return run_set(options);
  if (!options.rt_app.empty()) return run_rt_app(options);
  std::cerr << "sim: one of --table, --set, --trace, --rt-app, --callbacks, --speed, --fuzz and --story is "
               "needed; see --help\n";
  return 2;
}

}  // namespace
}  // namespace slo::sim

int main(int argc, char** argv) {
  slo::sim::Options options;
  CLI::App app{"The scheduler of scx-slo on a simulated machine."};
  slo::sim::declare(app, options);
  return slo::sim::answer("sim", app, argc, argv, [&] { return slo::sim::run(options); });
}
