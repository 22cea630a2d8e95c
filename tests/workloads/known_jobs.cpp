// SPDX-License-Identifier: GPL-2.0-only
// Plays one scenario whose jobs are known, between two moments at which nothing of it runs, and says how many
// jobs and misses there have been, and what the kernel itself has counted.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "guarded_main.h"
#include "known_scenarios.h"
#include "known_stage.h"

namespace slo::workload {
namespace {

namespace fs = std::filesystem;
using Play = void (*)(const Subject&, int rounds);

// Has short jobs until it is held, sleeps until its cue, plays, says so and sleeps again.
[[noreturn]] void perform(const Stage& stage, const Channel& cue, const scenario& played, Play play,
                          bool is_subject) {
  const Subject subject(stage);
  const timespec pause{.tv_sec = 0, .tv_nsec = 50 * nsec_per_msec};
  while (!stage.memory().is_held.load()) nanosleep(&pause, nullptr);
  is_subject ? subject.about_to_sleep() : subject.rival_about_to_sleep();
  cue.receive();
  play(subject, played.rounds);
  is_subject ? subject.about_to_sleep() : subject.rival_about_to_sleep();
  if (is_subject) stage.done.send();
  for (;;) cue.receive();
}

// All that is not the scenario's happens before it sleeps the first time: no job of it waits for a disk.
pid_t start(const Stage& stage, const Channel& cue, const scenario& played, Play play, bool is_subject) {
  const auto pid = fork();
  if (pid < 0) fail("fork");
  if (pid != 0) return pid;
  try {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) fail("mlockall");
    perform(stage, cue, played, play, is_subject);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "known_jobs: %s: %s\n", played.name, error.what());
    kill(getppid(), SIGKILL);
    std::_Exit(1);
  }
}

void move_to_a_cgroup_of_its_own(pid_t pid) {
  const auto group = subject_cgroup();
  fs::create_directory(group);
  write_file(group + "/cgroup.procs", std::to_string(pid));
}

nlohmann::ordered_json describe(const scenario& played, const task_count& kernel,
                                const stage_memory& memory) {
  const auto expected = played.expected(played.rounds);
  const auto of_kernel = [&](bool is_known, std::int64_t value) {
    return is_known ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
  };
  const bool has_jobs = played.kernel != comparable::nothing;
  return {
      {"scenario", played.name},
      {"jobs", of_kernel(expected.jobs >= 0, expected.jobs)},
      {"late_start", expected.late_start},
      {"preempted", expected.preempted},
      {"overlong", expected.overlong},
      {"overrun", expected.overrun},
      {"kernel_jobs", of_kernel(has_jobs, kernel.sleeps + memory.child_jobs.load())},
      {"kernel_runs", kernel.runs + 2 * memory.child_jobs.load()},  // of children: about
      {"kernel_exec_ns", of_kernel(has_jobs, kernel.exec + memory.child_exec.load())},
      {"kernel_wait_ns", of_kernel(played.kernel == comparable::all, kernel.wait + memory.child_wait.load())},
      {"kernel_unseen_wait_ns", memory.child_unseen.load()}};  // of children: at most
}

void await_file(const fs::path& path) {
  while (!fs::exists(path)) nap();
}

void play(const scenario& played, const fs::path& directory) {
  const Stage stage;
  if (!played.is_anywhere) pin_to(last_cpu());
  const auto rival = played.rival == nullptr ? 0 : start(stage, stage.rival_cue, played, played.rival, false);
  const auto subject = start(stage, stage.cue, played, played.play, true);
  become_real_time(50);
  move_to_a_cgroup_of_its_own(subject);
  await_file(directory / "hold");
  Director director(stage, subject, rival);
  stage.memory().is_held.store(true);
  director.await_step();
  director.await_announced_sleep(subject);
  director.await_rival_sleep();

  write_file(directory / "ready", "");
  await_file(directory / "go");
  const auto before = director.count();
  stage.memory().rival_sleeps.store(INT64_MAX);
  if (rival != 0) stage.rival_cue.send();
  stage.cue.send();
  played.direct(director, played.rounds);
  stage.done.receive();
  director.await_announced_sleep(subject);
  director.await_rival_sleep();
  write_file(directory / "result.new", describe(played, director.count() - before, stage.memory()).dump());
  fs::rename(directory / "result.new", directory / "result");
  for (;;) pause();
}

int run(int argc, char** argv) {
  if (argc == 3)
    for (const auto& known : scenarios())
      if (std::string_view(known.name) == argv[1]) {
        play(known, argv[2]);
        return 0;
      }
  std::fprintf(
      stderr,
      "usage: known_jobs SCENARIO DIRECTORY\n"
      "Has short jobs until somebody makes `hold` in DIRECTORY; makes `ready` there, plays when somebody\n"
      "makes `go`, and leaves `result`, one line of JSON; then it stays until it is ended. Needs root and\n"
      "a cgroup of its own. Scenarios:\n");
  for (const auto& known : scenarios()) std::fprintf(stderr, "  %-18s %s\n", known.name, known.about);
  return 2;
}

}  // namespace
}  // namespace slo::workload

int main(int argc, char** argv) {
  return slo::workload::guarded_main("known_jobs", [&] { return slo::workload::run(argc, argv); });
}
