// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

// What known_jobs plays with: a subject, whose jobs are counted, and a director of a real-time class, whose
// jobs are nobody's, on the same CPU. The director sees the subject only while the subject does not run, so
// what it does happens at a known place of the subject's job. Times are nanoseconds.
namespace slo::workload {

// What the kernel itself counts of a task.
struct task_count {
  std::int64_t sleeps = 0;  // voluntary switches: each ends a job
  std::int64_t runs = 0;    // all switches
  std::int64_t exec = 0;
  std::int64_t wait = 0;  // runnable, not running

  task_count& operator+=(const task_count& other);
  friend task_count operator-(const task_count& a, const task_count& b);
};

[[nodiscard]] task_count count_of(pid_t pid);
[[nodiscard]] std::int64_t own_sleeps();  // of the calling thread, so far

// In memory that both sides and the subject's children share.
struct stage_memory {
  std::atomic<std::uint32_t> step;         // how often somebody waited for the director
  std::atomic<std::uint32_t> acted;        // up to which step it has acted
  std::atomic<std::int64_t> sleeps;        // of the one that is about to sleep, before that
  std::atomic<std::int64_t> rival_sleeps;  // of the rival, when it is about to
  std::atomic<bool> is_held;               // nobody begins anything
  std::atomic<pid_t> child;                // of the subject, the last one
  std::atomic<std::int64_t> child_jobs;    // of children that have ended
  std::atomic<std::int64_t> child_exec;    // theirs
  std::atomic<std::int64_t> child_wait;    // theirs, as they saw it just before they ended
  std::atomic<std::int64_t> child_unseen;  // what they may have waited after that, at most
  std::atomic<std::int64_t>
      child_away;  // when the last child looked, less what it had executed; 0: it did not
  std::atomic<bool> rival_may_sleep;
};

class Channel {
 public:
  Channel();
  void send() const;
  void receive() const;

 private:
  std::array<int, 2> ends_{};
};

class Stage {
 public:
  Stage();
  [[nodiscard]] stage_memory& memory() const { return *memory_; }
  Channel cue;        // to the subject
  Channel rival_cue;  // to the rival
  Channel done;       // to the director

 private:
  stage_memory* memory_;
};

// The side that is counted.
class Subject {
 public:
  explicit Subject(const Stage& stage) : stage_(stage) {}
  void rest() const;                   // sleeps for a millisecond
  void spin(std::int64_t exec) const;  // needs that much CPU time
  void spin_until(const std::atomic<bool>& flag) const;
  void meet() const;            // runs on until the director has acted
  void await_cue() const;       // sleeps until the director sends a cue
  void about_to_sleep() const;  // the director may wait until that is so
  void rival_about_to_sleep() const;
  [[nodiscard]] pid_t fork_child(const std::function<void()>& work) const;  // which ends after its work
  void await_end_of(pid_t child) const;
  [[nodiscard]] stage_memory& memory() const { return stage_.memory(); }
  [[nodiscard]] const Stage& stage() const { return stage_; }

 private:
  const Stage& stage_;
};

// The side that acts.
class Director {
 public:
  Director(const Stage& stage, pid_t subject, pid_t rival)
      : stage_(stage), subject_(subject), rival_(rival) {}
  // Runs `act` at each of the subject's next `rounds` meetings, and lets it go on.
  void at_each_meeting(int rounds, const std::function<void()>& act);
  void occupy(std::int64_t time) const;         // keeps the CPU from everybody else
  void await_step();                            // until somebody waits
  void acted() const;                           // whoever waits goes on
  void await_announced_sleep(pid_t pid) const;  // after about_to_sleep()
  void await_rival_sleep() const;
  void await_sleep_after(pid_t pid, const std::function<void()>& cause) const;
  [[nodiscard]] task_count count() const;  // of all that are counted and still there
  [[nodiscard]] const Stage& stage() const { return stage_; }
  [[nodiscard]] pid_t subject() const { return subject_; }

 private:
  const Stage& stage_;
  pid_t subject_;
  pid_t rival_;
  std::uint32_t steps_ = 0;
};

constexpr std::int64_t nsec_per_msec = 1'000'000;

void pin_to(int cpu, pid_t pid = 0);
[[nodiscard]] int last_cpu();
void become_real_time(int priority, pid_t pid = 0);
void become_ordinary(pid_t pid = 0);
void nap();                                  // a millisecond
[[nodiscard]] std::string subject_cgroup();  // below the caller's own
void write_file(const std::string& path, const std::string& text);
[[noreturn]] void fail(const std::string& what);

}  // namespace slo::workload
