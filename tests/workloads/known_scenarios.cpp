// SPDX-License-Identifier: GPL-2.0-only
#include "known_scenarios.h"

#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <string>

// A subject's jobs are those between its sleeps: the first begins with the cue to play, the last ends with
// its sleep when it has played.
namespace slo::workload {
namespace {

// Longer than any budget the scenarios are played with (10 ms); shorter than the kernel lets real-time tasks
// run.
constexpr auto too_long_ns = 30 * nsec_per_msec;

void nothing(Director& /*director*/, int /*rounds*/) {}

void sleeps(const Subject& subject, int rounds) {
  for (int i = 0; i < rounds; ++i) subject.rest();
}

void spins(const Subject& subject, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    subject.spin(3 * nsec_per_msec);
    subject.rest();
  }
}

void runs_on_cue(const Subject& subject, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    subject.await_cue();
    subject.spin(2 * nsec_per_msec);
  }
}

void keep_from_starting(Director& director, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    director.await_step();
    director.await_announced_sleep(director.subject());
    director.stage().cue.send();
    director.occupy(too_long_ns);
  }
}

void meets_and_rests(const Subject& subject, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    subject.spin(2 * nsec_per_msec);
    subject.meet();
    subject.rest();
  }
}

void executes_too_long(const Subject& subject, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    subject.spin(25 * nsec_per_msec);
    subject.meet();
    subject.rest();
  }
}

void preempt(Director& director, int rounds) {
  director.at_each_meeting(rounds, [&] { director.occupy(too_long_ns); });
}

void executes_over_its_budget(const Subject& subject, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    subject.spin(15 * nsec_per_msec);
    subject.rest();
  }
}

void yields(const Subject& subject, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    subject.spin(nsec_per_msec / 2);
    sched_yield();
  }
  subject.memory().rival_may_sleep.store(true);
}

void spins_beside(const Subject& rival, int /*rounds*/) {
  rival.spin_until(rival.memory().rival_may_sleep);
}

void forks(const Subject& subject, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    subject.memory().child_jobs.fetch_add(1);
    subject.await_end_of(subject.fork_child([&] { subject.spin(2 * nsec_per_msec); }));
  }
}

// One child is killed where it spins, after one job; the next where it sleeps, after two.
void has_children_killed(const Subject& subject, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    auto& memory = subject.memory();
    memory.child_jobs.fetch_add(3);
    auto child = subject.fork_child([&] {
      memory.child.store(getpid());
      memory.step.fetch_add(1);
      for (;;) subject.spin(nsec_per_msec);
    });
    subject.await_end_of(child);
    child = subject.fork_child([&] {
      memory.child.store(getpid());
      subject.about_to_sleep();
      for (;;) pause();
    });
    subject.await_end_of(child);
  }
}

void kill_children(Director& director, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    const auto& child = director.stage().memory().child;
    director.await_step();
    if (kill(child.load(), SIGKILL) != 0) fail("kill");
    director.await_step();
    director.await_announced_sleep(child.load());
    if (kill(child.load(), SIGKILL) != 0) fail("kill");
  }
}

void signal_subject(const Director& director, int signal) {
  if (kill(director.subject(), signal) != 0) fail("kill");
}

void stop_and_continue(Director& director, int rounds) {
  director.at_each_meeting(rounds, [&] {
    director.await_sleep_after(director.subject(), [&] { signal_subject(director, SIGSTOP); });
    signal_subject(director, SIGCONT);
  });
}

void freeze_and_thaw(Director& director, int rounds) {
  const auto freezer = subject_cgroup() + "/cgroup.freeze";
  director.at_each_meeting(rounds, [&] {
    director.await_sleep_after(director.subject(), [&] { write_file(freezer, "1"); });
    write_file(freezer, "0");
  });
}

void trace(Director& director, int rounds) {
  const auto pid = director.subject();
  if (ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) fail("PTRACE_SEIZE");
  director.at_each_meeting(rounds, [&] {
    director.await_sleep_after(pid, [&] {
      if (ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0) fail("PTRACE_INTERRUPT");
      if (waitpid(pid, nullptr, __WALL) != pid) fail("waitpid");
    });
    if (ptrace(PTRACE_CONT, pid, nullptr, nullptr) != 0) fail("PTRACE_CONT");
  });
}

void meets(const Subject& subject, int rounds) {
  for (int i = 0; i < rounds; ++i) subject.meet();
}

// From one CPU to the other while it runs; the meeting goes on where it has arrived.
void migrate(Director& director, int rounds) {
  int round = 0;
  director.at_each_meeting(rounds, [&] { pin_to(++round % 2 == 0 ? last_cpu() : 0, director.subject()); });
}

// The bytes that a terminal's one side writes reach the other by a kernel thread.
void talks_through_a_terminal(const Subject& /*subject*/, int rounds) {
  int master = -1;
  int slave = -1;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) fail("openpty");
  termios settings{};
  if (tcgetattr(slave, &settings) != 0) fail("tcgetattr");
  cfmakeraw(&settings);
  if (tcsetattr(slave, TCSANOW, &settings) != 0) fail("tcsetattr");
  for (int i = 0; i < rounds; ++i) {
    char byte = 1;
    if (write(master, &byte, 1) != 1 || read(slave, &byte, 1) != 1) fail("a byte through the terminal");
  }
}

// Wherever the two run, one may be woken while it is still on its way to sleep.
void plays_ping(const Subject& subject, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    subject.stage().rival_cue.send();
    subject.stage().cue.receive();
  }
}

void plays_pong(const Subject& rival, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    rival.stage().rival_cue.receive();
    rival.stage().cue.send();
  }
}

// Real-time for a while in mid-job. What comes after that up to the next wakeup belongs to no job that
// counts, nor what was before.
void is_real_time_for_a_while(const Subject& subject, int rounds) {
  subject.spin(2 * nsec_per_msec);
  become_real_time(10);
  sleeps(subject, 3);
  subject.spin(2 * nsec_per_msec);
  become_ordinary();
  subject.spin(2 * nsec_per_msec);
  sleeps(subject, rounds);
}

void is_real_time_without_a_sleep(const Subject& subject, int rounds) {
  subject.spin(2 * nsec_per_msec);
  become_real_time(10);
  subject.spin(2 * nsec_per_msec);
  become_ordinary();
  subject.spin(2 * nsec_per_msec);
  sleeps(subject, rounds);
}

void is_preempted_when_ordinary_again(const Subject& subject, int rounds) {
  become_real_time(10);
  sleeps(subject, 3);
  become_ordinary();
  subject.meet();
  sleeps(subject, rounds);
}

void preempt_once(Director& director, int /*rounds*/) {
  preempt(director, 1);
}

void meets_once(const Subject& subject, int rounds) {
  subject.meet();
  sleeps(subject, rounds);
}

// It waits for the CPU that the director has, so nothing of this shows in a switch.
void change_class_in_the_queue(Director& director, int /*rounds*/) {
  director.at_each_meeting(1, [&] {
    become_real_time(10, director.subject());
    become_ordinary(director.subject());
  });
}

// The job during which it goes, those elsewhere, and the one during which it comes back are nobody's.
void is_moved_and_moved_back(const Subject& subject, int rounds) {
  subject.meet();
  sleeps(subject, 2);
  subject.meet();
  sleeps(subject, rounds);
}

void move_and_move_back(Director& director, int /*rounds*/) {
  for (const auto& cgroup : {std::string("/sys/fs/cgroup"), subject_cgroup()})
    director.at_each_meeting(
        1, [&] { write_file(cgroup + "/cgroup.procs", std::to_string(director.subject())); });
}

expectation one_job(int /*rounds*/) {
  return {.jobs = 1};
}
expectation two_jobs(int /*rounds*/) {
  return {.jobs = 2};
}
expectation one_per_round(int rounds) {
  return {.jobs = rounds};
}
expectation one_more(int rounds) {
  return {.jobs = rounds + 1};
}
expectation two_per_round(int rounds) {
  return {.jobs = 2 * rounds + 1};
}
expectation one_more_late(int rounds) {
  return {.jobs = rounds + 1, .late_start = rounds};
}
expectation one_more_preempted(int rounds) {
  return {.jobs = rounds + 1, .preempted = rounds};
}
expectation one_more_overlong(int rounds) {
  return {.jobs = rounds + 1, .overlong = rounds};
}
expectation one_more_overrun(int rounds) {
  return {.jobs = rounds + 1, .overrun = rounds};
}
// Whether one sleeps depends on how fast the other one is.
expectation of_the_kernel(int /*rounds*/) {
  return {.jobs = -1};
}

constexpr scenario all_scenarios[] = {
    {"sleeps", "short jobs", 20, sleeps, nothing, one_more},
    {"spins", "jobs of 3 ms", 5, spins, nothing, one_more},
    {"late", "jobs that cannot start for 30 ms", 5, runs_on_cue, keep_from_starting, one_more_late},
    {"preempted", "jobs that start, then wait for 30 ms", 5, meets_and_rests, preempt, one_more_preempted},
    {"overlong", "the same after 25 ms of execution", 5, executes_too_long, preempt, one_more_overlong},
    {"overrun", "jobs of 15 ms that do not wait", 5, executes_over_its_budget, nothing, one_more_overrun},
    {"yields", "one job of many yields to another one", 5, yields, nothing, two_jobs, comparable::all,
     spins_beside},
    {"forks", "children that work at once and end", 5, forks, nothing, of_the_kernel},
    {"killed", "children that are killed, running and sleeping", 3, has_children_killed, kill_children,
     of_the_kernel, comparable::jobs_and_exec},
    {"stopped", "SIGSTOP and SIGCONT in mid-job", 5, meets_and_rests, stop_and_continue, two_per_round},
    {"frozen", "the cgroup freezer in mid-job", 5, meets_and_rests, freeze_and_thaw, two_per_round},
    {"traced", "a debugger's stop in mid-job", 5, meets_and_rests, trace, two_per_round},
    {"migrated", "one job on two CPUs in turn", 10, meets, migrate, one_job},
    {"terminal", "bytes that a kernel thread carries", 20, talks_through_a_terminal, nothing, of_the_kernel},
    {"ping", "two that wake each other, on any CPU", 2000, plays_ping, nothing, of_the_kernel,
     comparable::all, plays_pong, true},
    {"moved", "to another unit and back in mid-job", 5, is_moved_and_moved_back, move_and_move_back,
     one_per_round, comparable::nothing},
    {"rt-sleeps", "real-time with sleeps in mid-job", 5, is_real_time_for_a_while, nothing, one_per_round,
     comparable::nothing},
    {"rt-back-preempted", "preempted after real-time", 5, is_preempted_when_ordinary_again, preempt_once,
     one_per_round, comparable::nothing},
    {"rt-unswitched", "real-time without a switch", 5, is_real_time_without_a_sleep, nothing, one_per_round,
     comparable::nothing},
    {"rt-queued", "real-time and back while it waits", 5, meets_once, change_class_in_the_queue,
     one_per_round, comparable::nothing},
};

}  // namespace

std::span<const scenario> scenarios() {
  return all_scenarios;
}

}  // namespace slo::workload
