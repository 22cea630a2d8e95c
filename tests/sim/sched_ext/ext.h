// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "../host/scheduler.h"
#include "../machine/kernel.h"
#include "callbacks.h"
#include "dsq.h"
#include "idle.h"
#include "maps.h"
#include "rules.h"
#include "timers.h"

namespace slo::sim {

// Why the scheduler ended, in the kernel's words.
struct ExtExit {
  std::uint32_t kind = 0;  // enum scx_exit_kind; 0: it has not
  std::int64_t code = 0;
  std::string message;
};

/*
 * sched_ext: its class of tasks, decided by the scheduler of bpf/ (kernel/sched/ext.c of 7.3). What is not
 * modelled: the DL server that gives it 5% beside real-time tasks, inserts from dispatch(), bypass with a
 * queue for each CPU, and what the scheduler does not use.
 *
 * One at a time: the functions that the scheduler calls (kfuncs.cpp) find this one.
 */
class Ext final : public SchedClass, public IdleWatcher {
 public:
  struct Settings {
    Rules rules = {};
    bool kicks_wait_for_tick =
        false;  // SCX_KICK_PREEMPT is answered by the next tick: to show what it is good for
    std::uint64_t timeout_ns = 30'000'000'000;  // of the watchdog
    std::uint64_t attach_ns = 0;  // how long the kernel bypasses the scheduler while it attaches
  };

  // fallback: the kernel's own scheduler, which has the tasks where this one is not attached.
  Ext(Kernel& kernel, SchedClass& fallback, const Settings& settings);
  ~Ext() override;

  // The object is loaded (its globals are as the daemon set them): from here on it is asked.
  void attach(Maps& maps);
  void detach(std::uint32_t kind, std::string message);
  // The scheduler did what the kernel ends it for.
  void fail(std::string message);

  [[nodiscard]] bool is_attached() const { return state_ == State::enabled; }
  [[nodiscard]] const ExtExit& exit() const { return exit_; }
  [[nodiscard]] const Callbacks& callbacks() const { return callbacks_; }
  [[nodiscard]] Callbacks& callbacks() { return callbacks_; }
  [[nodiscard]] const std::unordered_map<std::uint64_t, std::unique_ptr<Dsq>>& dsqs() const { return dsqs_; }
  // How often the scheduler asked something of a CPU, or started a timer, on one that is on its way offline:
  // the kernel does neither.
  [[nodiscard]] std::uint64_t asked_offline() const { return asked_offline_; }
  void note_asked() {
    if (!kernel_.here().is_online) ++asked_offline_;
  }
  [[nodiscard]] const Dsq& global() const { return global_; }

  // SchedClass
  [[nodiscard]] CpuId select_cpu(Task& task, Change change, bool is_sync) override;
  void enqueue(Cpu& cpu, Task& task, Change change) override;
  void dequeue(Cpu& cpu, Task& task, Change change) override;
  [[nodiscard]] Task* pick(Cpu& cpu, Task* prev) override;
  void put_prev(Cpu& cpu, Task& prev, const Task* next) override;
  void set_next(Cpu& cpu, Task& next) override;
  void update_current(Cpu& cpu, Task& current) override;
  void tick(Cpu& cpu, Task& current) override;
  void yields(Cpu& cpu, Task& current) override;
  void joins(Task& task) override;
  void leaves(Task& task) override;
  void loses(Cpu& cpu) override;
  void goes_offline(Cpu& cpu) override;
  void comes_online(Cpu& cpu) override;
  [[nodiscard]] bool is_urgent(const Task& task) const override;
  // IdleWatcher
  void notes_idle(Cpu& cpu, bool idle, bool picked_again) override;

  // What the scheduler calls.
  [[nodiscard]] Kernel& kernel() { return kernel_; }
  [[nodiscard]] Maps& maps() { return *maps_; }
  [[nodiscard]] Timers& timers() { return timers_; }
  [[nodiscard]] Idle& idle() { return idle_; }
  [[nodiscard]] const Rules& rules() const { return settings_.rules; }
  int create_dsq(std::uint64_t id);
  [[nodiscard]] Dsq* find_dsq(std::uint64_t id);
  void insert(Task& task, std::uint64_t dsq, std::uint64_t slice_ns, bool by_vtime, std::uint64_t vtime,
              std::uint64_t flags);
  bool move_to_local(std::uint64_t dsq, std::uint64_t flags);
  // Where an iterator is: it does not see what came after its beginning.
  struct Cursor {
    Dsq& from;
    std::int64_t newest;
  };
  bool move(const Cursor& cursor, Task& task, std::uint64_t dsq, std::optional<std::uint64_t> vtime);
  [[nodiscard]] CpuId select_default(Task& task, CpuId prev, bool is_sync, bool* is_idle);
  void kick(CpuId cpu, std::uint64_t flags);

 private:
  enum class State : std::uint8_t { disabled, enabling, enabled, disabling };

  [[nodiscard]] bool is_asked(const Cpu& cpu) const;
  void do_enqueue(Cpu& cpu, Task& task, std::uint64_t flags);
  void insert_local(Cpu& cpu, Task& task, std::uint64_t flags);
  void insert_direct(Cpu& cpu, Task& task);
  void insert_default(Dsq& dsq, Cpu& cpu, Task& task);
  void insert_into(Dsq& dsq, Task& task, std::optional<std::uint64_t> vtime, bool to_head);
  void note_insert(Cpu& cpu, Task& task, std::uint64_t flags);
  [[nodiscard]] bool balance(Cpu& cpu, Task* prev);
  [[nodiscard]] bool take_from(Dsq& dsq, Cpu& cpu, std::uint64_t flags);
  [[nodiscard]] bool bring_over(Cpu& cpu, Task& task);
  void lock_beside(Cpu& cpu, Cpu& other, std::optional<Held>& held);
  void set_runnable(Cpu& cpu, Task& task);
  void clear_runnable(Task& task);
  void bypass(bool on);
  void init_task(Task& task, bool is_fork);
  void end_task(Task& task);
  void expire(std::uint32_t timer, std::uint64_t generation);
  void answer_kick(Cpu& cpu, std::uint64_t flags);
  void watch_for_stalls();

  Kernel& kernel_;
  SchedClass& fallback_;
  Settings settings_;
  State state_ = State::disabled;
  Callbacks callbacks_;
  Idle idle_;
  Timers timers_;
  Maps* maps_ = nullptr;
  std::unordered_map<std::uint64_t, std::unique_ptr<Dsq>> dsqs_;
  Dsq global_ = {};
  ExtExit exit_ = {};
  std::uint64_t attachments_ = 0;
  std::uint64_t asked_offline_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> retired_;  // storage that others may look at still
};

}  // namespace slo::sim
