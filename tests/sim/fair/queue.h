// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "../machine/task.h"

// Earliest eligible virtual deadline first, as kernel/sched/fair.c of 7.3 has it: one queue of one CPU, of
// tasks and of the queues of groups.
namespace slo::sim {

struct FairQueue;

struct FairEntity {
  Task* task = nullptr;      // of one,
  FairQueue* own = nullptr;  // or the queue of a group
  FairQueue* in = nullptr;   // where it is, or was last
  std::uint64_t weight = 1024;
  bool is_idle = false;  // of a group with cpu.idle
  std::int64_t vruntime = 0;
  std::int64_t deadline = 0;
  std::int64_t protected_until = 0;  // vprot: what runs is not preempted by its equals before that
  std::int64_t lag = 0;              // when it left the queue
  bool is_queued = false;
  bool is_delayed = false;  // sleeps, but stays until it has paid what it ran too long
  bool is_deadline_relative = false;
};

struct FairQueue {
  std::vector<FairEntity*> entities;  // the one that runs among them
  FairEntity* current = nullptr;
  FairEntity* above = nullptr;  // the entity of this group's queue; null: of the CPU
  std::int64_t base = 0;        // the average when it was empty last

  [[nodiscard]] std::uint64_t weight() const;
  // The virtual time at which nobody is owed anything.
  [[nodiscard]] std::int64_t average() const;
  [[nodiscard]] bool is_eligible(const FairEntity& entity) const;
  // pick_eevdf(); protects: what runs may not be preempted yet.
  [[nodiscard]] FairEntity* pick(bool protects) const;

  void place(FairEntity& entity, std::int64_t slice_ns, bool is_new);
  void insert(FairEntity& entity, std::int64_t slice_ns, bool is_new);
  // False: it stays, delayed.
  bool remove(FairEntity& entity, std::int64_t slice_ns, std::int64_t tick_ns, bool sleeps);
  void wake_delayed(FairEntity& entity, std::int64_t slice_ns);
  void keep_lag(FairEntity& entity, std::int64_t slice_ns, std::int64_t tick_ns) const;
  void reweigh(FairEntity& entity, std::uint64_t weight);
};

// calc_delta_fair(): what so much time is to an entity of that weight.
[[nodiscard]] std::int64_t virtual_ns(std::int64_t time_ns, std::uint64_t weight);

}  // namespace slo::sim
