// SPDX-License-Identifier: GPL-2.0-only
// Periodic threads that each need some CPU time per period, and how long they took to get it.
#include <pthread.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "guarded_main.h"
#include "job_log.h"

namespace slo::workload {
namespace {

constexpr std::int64_t kNsecPerSec = 1'000'000'000;

std::int64_t now_ns(clockid_t clock) {
  timespec ts{};
  if (clock_gettime(clock, &ts) != 0) throw std::system_error(errno, std::system_category(), "clock_gettime");
  return ts.tv_sec * kNsecPerSec + ts.tv_nsec;
}

// Returns early when a signal was handled.
void sleep_until(std::int64_t instant) {
  const timespec ts{.tv_sec = instant / kNsecPerSec, .tv_nsec = instant % kNsecPerSec};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, nullptr);
}

void spin(std::uint64_t turns) {
  for (std::uint64_t turn = 0; turn < turns; ++turn) asm volatile("" : "+r"(turn));
}

void burn(std::int64_t exec_ns, double turns_per_ns) {
  const auto end = now_ns(CLOCK_THREAD_CPUTIME_ID) + exec_ns;
  for (;;) {
    const auto remaining = end - now_ns(CLOCK_THREAD_CPUTIME_ID);
    if (remaining <= 0) return;
    spin(next_turns(remaining, turns_per_ns));
  }
}

// The slowest of several samples: one that was too fast would make jobs overshoot, one too slow costs a few
// looks. Where the TSCs of the CPUs differ, the clock of CPU time may stand still until the next tick, and
// all samples with it: none took less than the fastest by the wall clock.
double calibrate() {
  constexpr std::uint64_t turns = 200'000;
  auto slowest = std::int64_t{1};
  auto fastest_wall = std::numeric_limits<std::int64_t>::max();
  spin(turns);
  for (int sample = 0; sample < 5; ++sample) {
    const auto wall_begin = now_ns(CLOCK_MONOTONIC);
    const auto begin = now_ns(CLOCK_THREAD_CPUTIME_ID);
    spin(turns);
    slowest = std::max(slowest, now_ns(CLOCK_THREAD_CPUTIME_ID) - begin);
    fastest_wall = std::min(fastest_wall, now_ns(CLOCK_MONOTONIC) - wall_begin);
  }
  slowest = std::max(slowest, fastest_wall);
  return static_cast<double>(turns) / static_cast<double>(slowest);
}

struct options {
  std::string name = "deadline_jobs";
  std::size_t threads = 1;
  std::int64_t exec = 1'000'000;
  std::int64_t period = 5'000'000;
  std::int64_t limit = 3'000'000;
  std::int64_t seconds = 10;
  std::int64_t warmup = 0;               // ns
  std::int64_t offset = 0;               // ns
  std::optional<std::int64_t> start_at;  // s on CLOCK_MONOTONIC
  bool together = false;
  bool json = false;
};

// Set by main when a signal asks to end early; the instant is when it was asked.
std::atomic<std::int64_t> stop_at{INT64_MAX};

void run_jobs(const options& opts, const release_grid& grid, std::int64_t measure_from, double turns_per_ns,
              job_log& log) {
  std::size_t job = 0;
  for (; job < grid.count(); ++job) {
    const auto release = grid.release(job);
    auto now = now_ns(CLOCK_MONOTONIC);
    while (now < release && stop_at.load() == INT64_MAX) {
      sleep_until(release);
      now = now_ns(CLOCK_MONOTONIC);
    }
    if (now >= grid.end || stop_at.load() != INT64_MAX) break;
    burn(opts.exec, turns_per_ns);
    if (release >= measure_from) log.finished(now_ns(CLOCK_MONOTONIC) - release, opts.limit);
  }
  close_log(log, grid, job, measure_from, std::min(stop_at.load(), grid.end), opts.limit);
}

// Runs all threads to their end, or until SIGTERM or SIGINT.
class Run {
 public:
  explicit Run(const options& opts)
      : opts_(opts), turns_per_ns_(calibrate()), ready_(count() + 1), left_(count()) {
    logs_.resize(opts.threads);
    const auto jobs = static_cast<std::size_t>(opts.seconds * kNsecPerSec / opts.period) + 2;
    // Touched here, so that no job pays for a page fault of the log.
    for (auto& log : logs_) log.responses.assign(jobs, 0), log.responses.clear();
  }

  summary execute() {
    sigset_t waited;
    sigemptyset(&waited);
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&waited, signal);
    pthread_sigmask(SIG_BLOCK, &waited, nullptr);

    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < opts_.threads; ++i) threads.emplace_back([this, i] { work(i); });
    // The start is chosen when every thread exists: creating them takes long on a busy machine.
    const auto start = opts_.start_at ? *opts_.start_at * kNsecPerSec : now_ns(CLOCK_MONOTONIC) + 20'000'000;
    const auto end = start + opts_.warmup + opts_.seconds * kNsecPerSec;
    for (std::size_t i = 0; i < opts_.threads; ++i) {
      const auto stagger = opts_.together ? 0 : stagger_offset(i, opts_.threads, opts_.period);
      grids_.push_back({start + opts_.offset + stagger, opts_.period, end});
    }
    measure_from_ = start + opts_.warmup;
    ready_.arrive_and_wait();

    wait_for_end(waited, threads);
    for (auto& thread : threads) thread.join();
    std::size_t measured = 0;
    for (const auto& grid : grids_)
      measured += measured_jobs(grid, measure_from_, std::min(stop_at.load(), end));
    return summarize(logs_, measured);
  }

 private:
  [[nodiscard]] std::ptrdiff_t count() const { return static_cast<std::ptrdiff_t>(opts_.threads); }

  void work(std::size_t index) {
    ready_.arrive_and_wait();
    run_jobs(opts_, grids_[index], measure_from_, turns_per_ns_, logs_[index]);
    if (left_.fetch_sub(1) == 1) kill(getpid(), SIGUSR1);
  }

  // SIGUSR1 is the last thread's word that all is done; SIGUSR2 gets a thread out of its sleep.
  void wait_for_end(const sigset_t& waited, std::vector<std::thread>& threads) {
    int signal = 0;
    sigwait(&waited, &signal);
    if (signal == SIGUSR1) return;
    stop_at.store(now_ns(CLOCK_MONOTONIC));
    // Again and again: one that arrives just before a thread falls asleep is without effect.
    const timespec pause{.tv_sec = 0, .tv_nsec = 20'000'000};
    sigset_t done;
    sigemptyset(&done);
    sigaddset(&done, SIGUSR1);
    do {
      for (auto& thread : threads) pthread_kill(thread.native_handle(), SIGUSR2);
    } while (sigtimedwait(&done, nullptr, &pause) != SIGUSR1);
  }

  options opts_;
  double turns_per_ns_;
  std::barrier<> ready_;
  std::atomic<std::ptrdiff_t> left_;
  std::vector<release_grid> grids_;
  std::vector<job_log> logs_;
  std::int64_t measure_from_ = 0;
};

void print_text(const options& opts, const summary& result) {
  const auto ms = [](std::int64_t ns) { return static_cast<double>(ns) / 1e6; };
  const auto percent =
      result.n == 0 ? 0.0 : 100.0 * static_cast<double>(result.misses) / static_cast<double>(result.n);
  std::printf("%s: %zu thread%s, %.3f ms every %.3f ms, limit %.3f ms\n", opts.name.c_str(), opts.threads,
              opts.threads == 1 ? "" : "s", ms(opts.exec), ms(opts.period), ms(opts.limit));
  std::printf("  jobs %zu  misses %zu (%.2f%%)  unfinished %zu  open %zu  skipped %zu\n", result.n,
              result.misses, percent, result.unfinished, result.open, result.skipped);
  if (result.n == 0) return;
  std::printf("  response  p50 %.3f ms  p99 %.3f ms  p99.9 %.3f ms  max %.3f ms\n", ms(result.p50),
              ms(result.p99), ms(result.p999), ms(result.max));
}

void print_json(const options& opts, const summary& result) {
  nlohmann::ordered_json out = {
      {"name", opts.name},         {"threads", opts.threads},         {"exec_ns", opts.exec},
      {"period_ns", opts.period},  {"limit_ns", opts.limit},          {"n", result.n},
      {"misses", result.misses},   {"unfinished", result.unfinished}, {"open", result.open},
      {"skipped", result.skipped},
  };
  const auto known = [&](std::int64_t value) {
    return result.n == 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(value);
  };
  out["p50_ns"] = known(result.p50);
  out["p99_ns"] = known(result.p99);
  out["p999_ns"] = known(result.p999);
  out["max_ns"] = known(result.max);
  std::printf("%s\n", out.dump().c_str());
}

// A whole number with its unit: a bare one could be anything.
std::string to_ns(std::string& text) {
  constexpr std::int64_t most = 3600;
  for (const auto& [unit, factor] :
       std::map<std::string, std::int64_t>{{"us", 1'000}, {"ms", 1'000'000}, {"s", kNsecPerSec}}) {
    std::int64_t value = 0;
    const auto* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || value < 0 || std::string_view(rest, end) != unit) continue;
    if (value > most * kNsecPerSec / factor) break;
    text = std::to_string(value * factor);
    return {};
  }
  return "'" + text +
         "' is not accepted; give a whole number with its unit us, ms or s, such as 500us, up to 3600s";
}

void define(CLI::App& app, options& opts) {
  const CLI::Validator span(to_ns, "TIME(us|ms|s)", "time");
  app.add_option("--name", opts.name, "Name shown in the output");
  app.add_option("--threads", opts.threads, "Number of threads")->check(CLI::Range(1, 256));
  app.add_option("--exec", opts.exec, "CPU time of each job")->transform(span);
  app.add_option("--period", opts.period, "Time between two releases of a thread")->transform(span);
  app.add_option("--limit", opts.limit, "A job whose response is longer is a miss")->transform(span);
  app.add_option("--seconds", opts.seconds, "Measured time in seconds")->check(CLI::Range(1, 3600));
  app.add_option("--warmup", opts.warmup, "Time before that whose jobs are not counted")->transform(span);
  app.add_option("--offset", opts.offset, "Time from the start to the first release")->transform(span);
  app.add_option("--start-at", opts.start_at, "Common start, in seconds of CLOCK_MONOTONIC")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 32));
  auto* together = app.add_flag("--together", opts.together, "Release all threads at the same instants");
  app.add_flag("--staggered", "Release thread i at i * period / threads (default)")->excludes(together);
  app.add_flag("--json", opts.json, "Print one line of JSON");
  app.footer(
      "Jobs are released on a fixed grid. One that comes due while the thread still works on an earlier job "
      "starts\n"
      "right after it, and its response counts from its own release. Jobs not finished at the end count as "
      "misses\n"
      "when their limit has passed. SIGTERM and SIGINT end the run early; the figures are printed all the "
      "same.");
  app.callback([&] {
    if (opts.exec <= 0) throw CLI::ValidationError("--exec", "must be above zero");
    if (opts.period < 10'000) throw CLI::ValidationError("--period", "must be at least 10us");
    if (opts.limit <= 0) throw CLI::ValidationError("--limit", "must be above zero");
    if (opts.exec > opts.period) throw CLI::ValidationError("--exec", "must not be above --period");
    if (opts.start_at && *opts.start_at * kNsecPerSec < now_ns(CLOCK_MONOTONIC))
      throw CLI::ValidationError("--start-at", "is in the past");
  });
}

int run(int argc, char** argv) {
  options opts;
  CLI::App app{"Periodic threads that each need some CPU time per period, and how long they took to get it."};
  define(app, opts);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  // A timer may otherwise fire 50 us late, which would be counted as response.
  if (prctl(PR_SET_TIMERSLACK, 1UL) != 0) throw std::system_error(errno, std::system_category(), "prctl");
  struct sigaction wake{};
  wake.sa_handler = [](int) {};
  if (sigaction(SIGUSR2, &wake, nullptr) != 0)
    throw std::system_error(errno, std::system_category(), "sigaction");

  const auto result = Run(opts).execute();
  opts.json ? print_json(opts, result) : print_text(opts, result);
  return 0;
}

}  // namespace
}  // namespace slo::workload

int main(int argc, char** argv) {
  return slo::workload::guarded_main("deadline_jobs", [&] { return slo::workload::run(argc, argv); });
}
