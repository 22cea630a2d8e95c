// SPDX-License-Identifier: GPL-2.0-only
#include "fair.h"

#include <algorithm>
#include <bit>

namespace slo::sim {
namespace {

constexpr std::int64_t hrtick_least_ns = 10'000;

}  // namespace

Fair::Fair(Kernel& kernel, const Settings& settings)
    : kernel_(kernel),
      settings_(settings),
      // get_update_sysctl_factor()
      slice_ns_(settings.base_slice_ns *
                static_cast<std::int64_t>(std::bit_width(std::min(kernel.online().count(), 8U)))),
      tick_ns_(static_cast<std::int64_t>(kernel.machine().tick_ns)),
      parts_(kernel.machine().cpus) {
  kernel.add_class(*this);
  kernel.set_normal_class(*this);
}

FairEntity& Fair::entity_of(Task& task) {
  if (!task.fair) {
    task.fair = std::make_shared<FairEntity>();
    task.fair->task = &task;
    task.fair->weight = weight_of_nice(task.nice);
  }
  return *task.fair;
}

FairQueue& Fair::queue_of(Cpu& cpu, Group& group) {
  Part& part = parts_[cpu.id];
  if (&group == &kernel_.root()) return part.root;
  auto& mine = part.groups[&group];
  if (!mine) {
    mine = std::make_unique<GroupPart>();
    mine->queue.above = &mine->entity;
    mine->entity.own = &mine->queue;
    mine->entity.in = &queue_of(cpu, *group.parent_with_controller());
    mine->entity.weight = std::max<std::uint64_t>(2, group.shares() >> 10);
    mine->entity.is_idle = group.is_idle();
  }
  return mine->queue;
}

// calc_group_shares(): the group's weight, divided among the CPUs as its tasks are.
void Fair::weigh_group(Group& group) {
  std::uint64_t total = 0;
  for (Part& part : parts_)
    if (const auto found = part.groups.find(&group); found != part.groups.end())
      total += found->second->queue.weight();
  if (total == 0) return;
  for (Part& part : parts_) {
    const auto found = part.groups.find(&group);
    if (found == part.groups.end() || found->second->queue.entities.empty()) continue;
    FairEntity& entity = found->second->entity;
    const std::uint64_t weight = (group.shares() >> 10) * found->second->queue.weight() / total;
    entity.in->reweigh(entity, std::max<std::uint64_t>(2, weight));
  }
}

void Fair::enqueue(Cpu& cpu, Task& task, Change change) {
  FairEntity& entity = entity_of(task);
  if (cpu.current != nullptr && cpu.current->sched_class == this) update_current(cpu, *cpu.current);
  ++parts_[cpu.id].waiting;
  // It must not run where it still is.
  if (entity.is_delayed && entity.in != &queue_of(cpu, task.group->with_controller()))
    leave_queues(cpu, entity, true);
  if (entity.is_delayed) {
    entity.in->wake_delayed(entity, slice_ns_);
  } else {
    Group& group = task.group->with_controller();
    FairEntity* one = &entity;
    for (FairQueue* queue = &queue_of(cpu, group); one != nullptr && !one->is_queued; queue = one->in) {
      queue->insert(*one, slice_ns_, change == Change::fork && one == &entity);
      one = queue->above;
      if (one == nullptr) break;
    }
    if (one != nullptr && one->is_delayed) one->in->wake_delayed(*one, slice_ns_);
    for (Group* above = &group; above != nullptr && above != &kernel_.root();
         above = above->parent_with_controller())
      weigh_group(*above);
  }
  if (cpu.current != nullptr && cpu.current->sched_class == this) start_hrtick(cpu, *cpu.current);
}

void Fair::dequeue(Cpu& cpu, Task& task, Change change) {
  FairEntity& entity = entity_of(task);
  if (!entity.is_queued || entity.is_delayed) return;
  if (cpu.current != nullptr && cpu.current->sched_class == this) update_current(cpu, *cpu.current);
  --parts_[cpu.id].waiting;
  leave_queues(cpu, entity, change == Change::wakeup);
  if (cpu.current != nullptr && cpu.current != &task && cpu.current->sched_class == this)
    start_hrtick(cpu, *cpu.current);
}

// dequeue_entities(): a group whose last task is gone goes with it.
void Fair::leave_queues(Cpu& /*cpu*/, FairEntity& entity, bool sleeps) {
  for (FairEntity* one = &entity; one != nullptr; one = one->in->above) {
    FairQueue& queue = *one->in;
    if (!queue.remove(*one, slice_ns_, tick_ns_, sleeps)) return;
    if (!queue.entities.empty()) return;
    sleeps = true;
  }
}

// What a change takes off its queue for good.
void Fair::leaves(Task& task) {
  FairEntity& entity = entity_of(task);
  if (entity.is_queued) leave_queues(kernel_.cpu(task.cpu()), entity, false);
  entity = FairEntity{.task = &task, .weight = weight_of_nice(task.nice)};
}

void Fair::reweighs(Task& task) {
  FairEntity& entity = entity_of(task);
  if (entity.is_delayed) leave_queues(kernel_.cpu(task.cpu()), entity, true);
  entity.weight = weight_of_nice(task.nice);
}

// True: its slice is over, the next one has begun.
bool Fair::update_one(FairQueue& queue, FairEntity& entity, std::uint64_t ran_ns) const {
  entity.vruntime += virtual_ns(static_cast<std::int64_t>(ran_ns), entity.weight);
  if (entity.vruntime < entity.deadline)
    return queue.entities.size() > 1 && entity.vruntime >= entity.protected_until;
  entity.deadline = entity.vruntime + virtual_ns(slice_ns_, entity.weight);
  return queue.entities.size() > 1;
}

void Fair::update_current(Cpu& cpu, Task& current) {
  Part& part = parts_[cpu.id];
  const std::uint64_t ran_ns = kernel_.now_ns() - part.exec_start_ns;
  part.exec_start_ns = kernel_.now_ns();
  update_up(cpu, entity_of(current), ran_ns);
}

void Fair::update_up(Cpu& cpu, FairEntity& entity, std::uint64_t ran_ns) {
  bool is_over = false;
  for (FairEntity* one = &entity; one != nullptr; one = above(*one)) {
    if (!one->is_queued) break;
    is_over |= update_one(*one->in, *one, ran_ns);
  }
  if (is_over) kernel_.ask_to_look(cpu);
}

Task* Fair::pick(Cpu& cpu, Task* prev) {
  if (prev != nullptr) update_current(cpu, *prev);
  Task* next = pick_down(cpu);
  if (next != nullptr) return next;
  balance(cpu, true);
  return pick_down(cpu);
}

Task* Fair::pick_down(Cpu& cpu) {
  for (FairQueue* queue = &parts_[cpu.id].root; !queue->entities.empty();) {
    FairEntity* next = queue->pick(true);
    if (next->is_delayed) {
      // It has paid by now.
      leave_queues(cpu, *next, true);
      queue = &parts_[cpu.id].root;
      continue;
    }
    if (next->task != nullptr) return next->task;
    queue = next->own;
  }
  return nullptr;
}

void Fair::put_prev(Cpu& cpu, Task& prev, const Task* /*next*/) {
  FairEntity& entity = entity_of(prev);
  if (entity.is_queued && !entity.is_delayed) update_current(cpu, prev);
  for (FairEntity* one = &entity; one != nullptr && one->in != nullptr; one = above(*one))
    if (one->in->current == one) one->in->current = nullptr;
}

void Fair::set_next(Cpu& cpu, Task& next) {
  parts_[cpu.id].exec_start_ns = kernel_.now_ns();
  for (FairEntity* one = &entity_of(next); one != nullptr; one = above(*one)) {
    one->in->current = one;
    one->protected_until = one->deadline;
  }
  start_hrtick(cpu, next);
}

// hrtick_start_fair(): looks again when the slice is over.
void Fair::start_hrtick(Cpu& cpu, Task& task) {
  Part& part = parts_[cpu.id];
  ++part.hrtick_generation;
  if (!settings_.has_hrtick || part.waiting <= 1) return;
  const FairEntity& entity = entity_of(task);
  const auto left_ns = static_cast<std::int64_t>((entity.deadline - entity.vruntime) *
                                                 static_cast<std::int64_t>(entity.weight) / 1024);
  const auto delay_ns = static_cast<std::uint64_t>(std::max(left_ns, hrtick_least_ns));
  kernel_.plan(kernel_.now_ns() + delay_ns, [this, &cpu, &part, nth = part.hrtick_generation] {
    if (nth != part.hrtick_generation || cpu.current == nullptr || cpu.current->sched_class != this) return;
    kernel_.on_cpu(cpu.id, [&] {
      update_current(cpu, *cpu.current);
      start_hrtick(cpu, *cpu.current);
    });
  });
}

void Fair::tick(Cpu& cpu, Task& current) {
  update_current(cpu, current);
  const std::uint64_t interval = std::max<std::uint64_t>(
      1, 16'000'000ULL * kernel_.machine().cpus / kernel_.machine().tick_ns);  // busy_factor
  if (kernel_.machine().cpus > 1 && ++parts_[cpu.id].ticks % interval == 0) balance(cpu, false);
}

// The entities of two tasks that are in the same queue: find_matching_se()
void Fair::find_fellows(FairEntity*& one, FairEntity*& other) const {
  const auto depth = [this](const FairEntity* entity) {
    int levels = 0;
    for (; entity != nullptr; entity = above(*entity)) ++levels;
    return levels;
  };
  while (depth(one) > depth(other)) one = above(*one);
  while (depth(other) > depth(one)) other = above(*other);
  while (one->in != other->in) {
    one = above(*one);
    other = above(*other);
  }
}

// check_preempt_wakeup_fair()
void Fair::wakeup_preempt(Cpu& cpu, Task& woken) {
  if (cpu.needs_look || cpu.current == &woken) return;
  FairEntity* running = &entity_of(*cpu.current);
  FairEntity* waking = &entity_of(woken);
  find_fellows(running, waking);
  if (running == waking || (waking->is_idle && !running->is_idle)) return;
  update_current(cpu, *cpu.current);
  if ((running->is_idle && !waking->is_idle) || running->in->pick(true) == waking) kernel_.ask_to_look(cpu);
}

}  // namespace slo::sim
