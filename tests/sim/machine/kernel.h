// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../random.h"
#include "../workload.h"
#include "concurrency.h"
#include "cpu.h"
#include "event_queue.h"
#include "group.h"
#include "observer.h"
#include "real_time.h"
#include "sched_class.h"
#include "shape.h"
#include "task.h"

namespace slo::sim {

/*
 * The kernel's core scheduler on a simulated machine, in discrete events on a virtual clock. What one event
 * does happens at one instant: callbacks run to their end and see no other CPU move, unless events are made
 * to happen together (concurrency.h). What it costs comes
 * after it, as time in which the CPU does not get on with its task (see Machine in workload.h).
 *
 *            a wakeup, a kick                 next
 *   idle ---------------------> looks, switches ----> runs ---> looks      (slice over, kicked, preempted,
 * sleeps) ^                               |   ^              |
 *    '-------- nothing to do --------'   '-- goes on ---'
 *
 * Classes, highest first: real-time, the kernel's own or a reference in its place, sched_ext. The same
 * machine, workload and seed give the same run.
 */
class Kernel {
 public:
  Kernel(const Machine& machine, std::uint64_t seed);
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  void watch(Observer& observer) { observers_.push_back(&observer); }
  void forget(Observer& observer) { std::erase(observers_, &observer); }
  // Where tasks go that are not real-time, from now on; those there are move with move_all().
  void set_normal_class(SchedClass& normal) { normal_ = &normal; }
  void set_idle_watcher(IdleWatcher* watcher) { idle_watcher_ = watcher; }
  // From now on; null: one event after the other.
  void set_concurrency(Concurrency* concurrency) { concurrency_ = concurrency; }
  // A class below the kernel's own.
  void add_class(SchedClass& lowest) { classes_.push_back(&lowest); }

  // From where it is to until_ns.
  void run(std::uint64_t until_ns);
  // Once, then; in the order in which they were planned.
  void plan(std::uint64_t at_ns, std::function<void()> act);

  // What happens to a machine.
  Group& make_group(std::string name, Group* parent, const Group::Settings& settings);
  Task& spawn(const Behaviour& behaviour, Group& group, std::uint32_t unit);
  // A child of a task that runs here: it wakes at once.
  Task& fork(Task& parent, const Behaviour& behaviour);
  void wake(Task& task, CpuId from, bool is_sync);
  // By SIGKILL: it runs once more, to end.
  void kill(Task& task);
  // cgroup.freeze of its group.
  void freeze(Task& task);
  void thaw(Task& task);
  // RCU's read side of a task that runs: it may be preempted there.
  void lock_rcu(Task& task);
  void unlock_rcu(Task& task);
  void fault(Task& task, bool begins);  // a page fault of one that runs
  // What it does is done as soon as it has a CPU, or now.
  void cut_short(Task& task);
  // sched_yield() of a task that runs.
  void yield(Task& task);
  void set_nice(Task& task, int nice);
  void set_user(Task& task, std::uint32_t uid);
  // priority 0: a normal task again
  void set_real_time(Task& task, std::uint32_t priority);
  void set_affinity(Task& task, const CpuMask& cpus);
  void disable_migration(Task& task);
  void enable_migration(Task& task);
  void move_to_group(Task& task, Group& group);
  void set_limit(Group& group, const Limit& limit);
  void take_offline(CpuId cpu);
  void bring_online(CpuId cpu);
  // What the kernel does to change a task: takes it off its queue and its CPU, and puts it back.
  void change(Task& task, const std::function<void()>& how);
  void move_to_class(Task& task, SchedClass& to);

  // For classes.
  void ask_to_look(Cpu& cpu);                 // resched_curr()
  void kick(CpuId cpu, std::uint64_t flags);  // by an interrupt
  void expire_at(std::uint64_t at_ns, std::uint32_t timer, std::uint64_t generation);
  void set_cpu(Task& task, CpuId cpu) { task.kernel.thread_info.cpu = cpu; }
  // What a task has run so far leaves what is left of its request.
  void count_exec(Cpu& cpu);
  // move_queued_task(): off the queue of one CPU, into that of another.
  void migrate(Task& task, CpuId to);
  void spend(std::uint64_t cost_ns) { context_.spent_ns += cost_ns; }

  // Where others may go on meanwhile.
  [[nodiscard]] Concurrency* concurrency() { return concurrency_; }
  [[nodiscard]] Context& context() { return context_; }
  void may_switch() {
    if (concurrency_ != nullptr) concurrency_->may_switch();
  }
  void full_barrier() {
    if (concurrency_ != nullptr) concurrency_->full_barrier();
  }

  [[nodiscard]] std::uint64_t now_ns() const { return now_ns_; }
  // The CPU whose work an event is; what runs there.
  [[nodiscard]] Cpu& here() { return cpus_[context_.here]; }
  [[nodiscard]] bpf::task_struct* running_here() {
    return here().current != nullptr ? &here().current->kernel : &here().idle_task;
  }
  [[nodiscard]] const Machine& machine() const { return machine_; }
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] Cpu& cpu(CpuId id) { return cpus_[id]; }
  [[nodiscard]] std::vector<Cpu>& cpus() { return cpus_; }
  [[nodiscard]] const std::vector<Cpu>& cpus() const { return cpus_; }
  [[nodiscard]] std::deque<Task>& tasks() { return tasks_; }
  [[nodiscard]] const std::deque<Task>& tasks() const { return tasks_; }
  [[nodiscard]] const CpuMask& online() const { return online_; }
  [[nodiscard]] Group& root() { return *groups_.front(); }
  [[nodiscard]] RealTime& real_time() { return real_time_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] std::function<void(std::uint32_t, std::uint64_t)>& on_timer() { return on_timer_; }
  [[nodiscard]] std::function<void(Cpu&, std::uint64_t)>& on_kick() { return on_kick_; }
  [[nodiscard]] std::function<void(Task&)>& on_fork() { return on_fork_; }
  [[nodiscard]] std::function<void(Task&)>& on_exit() { return on_exit_; }
  // Runs something as if it happened on that CPU.
  void on_cpu(CpuId cpu, const std::function<void()>& act);

 private:
  void do_next();
  void go_to(CpuId cpu);
  void handle(const Event& event);
  void end_request(Cpu& cpu);
  void end_freeze(Cpu& cpu, Task& task);
  void come_to_run(Task& task);
  void wake_up(Task& task, CpuId from, bool is_sync);
  void look(Cpu& cpu);
  [[nodiscard]] Task* pick(Cpu& cpu, Task* prev);
  void switch_to(Cpu& cpu, Task* prev, Task* next);
  void go_on(Cpu& cpu);
  void tick(Cpu& cpu);
  void start_tick(Cpu& cpu);
  void plan_end(Cpu& cpu);
  void plan_look(Cpu& cpu, std::uint64_t delay_ns);
  void take_time(Cpu& cpu, std::uint64_t cost_ns);
  void activate(Task& task, CpuId cpu, Change change);
  void deactivate(Task& task, Change change);
  void leave(Cpu& cpu, Task& task);
  void wakeup_preempt(Cpu& cpu, Task& task);
  [[nodiscard]] int rank(const SchedClass* one) const;
  [[nodiscard]] CpuId select_cpu(Task& task, Change change, bool is_sync);
  [[nodiscard]] CpuId fallback_cpu(Task& task);
  // Where it was, or else the first.
  [[nodiscard]] CpuId near(const Task& task) const {
    return online_.test(task.cpu()) ? task.cpu() : online_.first();
  }
  void make_task(Task& task, const Behaviour& behaviour, Group& group, std::uint32_t unit);
  void begin(Task& task);
  void push_away(Cpu& cpu);

  Machine machine_;
  Shape shape_;
  Random random_;
  std::uint64_t seed_;
  std::vector<Cpu> cpus_;
  CpuMask online_ = {};
  std::deque<Task> tasks_;
  std::deque<std::unique_ptr<Group>> groups_;
  std::map<std::uint32_t, bpf::cred> users_;
  RealTime real_time_;
  SchedClass* normal_ = nullptr;
  std::vector<SchedClass*> classes_;  // highest first
  IdleWatcher* idle_watcher_ = nullptr;
  std::vector<Observer*> observers_;
  EventQueue events_;
  std::vector<std::function<void()>> acts_;
  std::vector<std::uint32_t> free_acts_;  // places in it
  std::function<void(std::uint32_t, std::uint64_t)> on_timer_;
  std::function<void(Cpu&, std::uint64_t)> on_kick_;
  std::function<void(Task&)> on_fork_;
  std::function<void(Task&)> on_exit_;
  std::uint64_t now_ns_ = 0;
  Context context_ = {};
  Concurrency* concurrency_ = nullptr;
  Lock acts_lock_ = {};
};

// Holds the lock of the run queue that a task is in, whichever it is by the time.
class HeldQueueOf {
 public:
  HeldQueueOf(Kernel& kernel, const Task& task) {
    if (kernel.concurrency() == nullptr) return;
    CpuId cpu = no_cpu;
    do {
      cpu = task.cpu();
      lock_.reset();
      lock_.emplace(kernel.concurrency(), kernel.cpu(cpu).rq_lock);
    } while (task.cpu() != cpu);
  }

 private:
  std::optional<Held> lock_;
};

}  // namespace slo::sim
