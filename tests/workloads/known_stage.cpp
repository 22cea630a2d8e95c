// SPDX-License-Identifier: GPL-2.0-only
#include "known_stage.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace slo::workload {
namespace {

std::int64_t now(clockid_t clock) {
  timespec ts{};
  if (clock_gettime(clock, &ts) != 0) fail("clock_gettime");
  return ts.tv_sec * 1'000'000'000 + ts.tv_nsec;
}

std::int64_t in_ns(const timeval& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_usec * 1'000;
}

}  // namespace

void fail(const std::string& what) {
  throw std::system_error(errno, std::system_category(), what);
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  if (!(file << text << std::flush)) fail("write " + path);
}

std::string subject_cgroup() {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  if (!std::getline(file, line) || !line.starts_with("0::")) fail("read /proc/self/cgroup");
  return "/sys/fs/cgroup" + line.substr(3) + "/subject";
}

void nap() {
  const timespec pause{.tv_sec = 0, .tv_nsec = nsec_per_msec};
  nanosleep(&pause, nullptr);
}

void pin_to(int cpu, pid_t pid) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<unsigned>(cpu), &cpus);
  if (sched_setaffinity(pid, sizeof(cpus), &cpus) != 0) fail("sched_setaffinity");
}

int last_cpu() {
  return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)) - 1;
}

void become_real_time(int priority, pid_t pid) {
  const sched_param param{.sched_priority = priority};
  if (sched_setscheduler(pid, SCHED_FIFO, &param) != 0) fail("sched_setscheduler");
}

void become_ordinary(pid_t pid) {
  const sched_param param{.sched_priority = 0};
  if (sched_setscheduler(pid, SCHED_OTHER, &param) != 0) fail("sched_setscheduler");
}

task_count& task_count::operator+=(const task_count& other) {
  sleeps += other.sleeps;
  runs += other.runs;
  exec += other.exec;
  wait += other.wait;
  return *this;
}

task_count operator-(const task_count& a, const task_count& b) {
  return {a.sleeps - b.sleeps, a.runs - b.runs, a.exec - b.exec, a.wait - b.wait};
}

task_count count_of(pid_t pid) {
  const auto directory = "/proc/" + std::to_string(pid);
  task_count count;
  std::ifstream times(directory + "/schedstat");
  if (!(times >> count.exec >> count.wait)) fail("read " + directory + "/schedstat");
  std::ifstream status(directory + "/status");
  std::int64_t preemptions = 0;
  for (std::string word; status >> word;) {
    if (word == "voluntary_ctxt_switches:") status >> count.sleeps;
    if (word != "nonvoluntary_ctxt_switches:" || !(status >> preemptions)) continue;
    count.runs = count.sleeps + preemptions;
    return count;
  }
  fail("read " + directory + "/status");
}

std::int64_t own_sleeps() {
  rusage usage{};
  if (getrusage(RUSAGE_THREAD, &usage) != 0) fail("getrusage");
  return usage.ru_nvcsw;
}

Channel::Channel() {
  if (pipe(ends_.data()) != 0) fail("pipe");
}

void Channel::send() const {
  const char byte = 1;
  if (write(ends_[1], &byte, 1) != 1) fail("write to a pipe");
}

void Channel::receive() const {
  char byte = 0;
  ssize_t got = 0;
  do got = read(ends_[0], &byte, 1);
  while (got < 0 && errno == EINTR);
  if (got != 1) fail("read from a pipe");
}

Stage::Stage() {
  void* const memory =
      mmap(nullptr, sizeof(stage_memory), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  memory_ = new (memory) stage_memory{};
  memory_->rival_sleeps.store(INT64_MAX);
}

void Subject::rest() const {
  nap();
}

void Subject::spin(std::int64_t exec) const {
  const auto end = now(CLOCK_THREAD_CPUTIME_ID) + exec;
  while (now(CLOCK_THREAD_CPUTIME_ID) < end) {
  }
}

void Subject::spin_until(const std::atomic<bool>& flag) const {
  while (!flag.load()) {
  }
}

void Subject::meet() const {
  const auto step = memory().step.fetch_add(1) + 1;
  while (memory().acted.load() < step) {
  }
}

void Subject::about_to_sleep() const {
  memory().sleeps.store(own_sleeps());
  memory().step.fetch_add(1);
}

void Subject::rival_about_to_sleep() const {
  memory().rival_sleeps.store(own_sleeps());
}

void Subject::await_cue() const {
  about_to_sleep();
  stage_.cue.receive();
}

pid_t Subject::fork_child(const std::function<void()>& work) const {
  const auto child = fork();
  if (child < 0) fail("fork");
  if (child != 0) return child;
  work();
  const auto count = count_of(getpid());
  memory().child_wait.fetch_add(count.wait);
  memory().child_away.store(now(CLOCK_MONOTONIC) - count.exec);
  std::_Exit(0);
}

void Subject::await_end_of(pid_t child) const {
  rusage usage{};
  if (wait4(child, nullptr, 0, &usage) != child) fail("wait4");
  const auto exec = in_ns(usage.ru_utime) + in_ns(usage.ru_stime);
  memory().child_exec.fetch_add(exec);
  // What has passed since it looked and was not execution: all that is known once a child is gone.
  if (const auto away = memory().child_away.exchange(0); away != 0)
    memory().child_unseen.fetch_add(std::max<std::int64_t>(0, now(CLOCK_MONOTONIC) - exec - away));
}

void Director::await_step() {
  ++steps_;
  while (stage_.memory().step.load() < steps_) nap();
}

void Director::acted() const {
  stage_.memory().acted.store(steps_);
}

void Director::at_each_meeting(int rounds, const std::function<void()>& act) {
  for (int round = 0; round < rounds; ++round) {
    await_step();
    act();
    acted();
  }
}

void Director::occupy(std::int64_t time) const {
  const auto end = now(CLOCK_MONOTONIC) + time;
  while (now(CLOCK_MONOTONIC) < end) {
  }
}

void Director::await_announced_sleep(pid_t pid) const {
  while (count_of(pid).sleeps <= stage_.memory().sleeps.load()) nap();
}

void Director::await_rival_sleep() const {
  while (rival_ != 0 && count_of(rival_).sleeps <= stage_.memory().rival_sleeps.load()) nap();
}

void Director::await_sleep_after(pid_t pid, const std::function<void()>& cause) const {
  const auto before = count_of(pid).sleeps;
  cause();
  while (count_of(pid).sleeps <= before) nap();
}

task_count Director::count() const {
  auto count = count_of(subject_);
  if (rival_ != 0) count += count_of(rival_);
  return count;
}

}  // namespace slo::workload
