// SPDX-License-Identifier: GPL-2.0-only
#include "queue.h"

#include <algorithm>

namespace slo::sim {
namespace {

constexpr std::int64_t normal_weight = 1024;

__extension__ using Wide = __int128;

}  // namespace

std::int64_t virtual_ns(std::int64_t time_ns, std::uint64_t weight) {
  return time_ns * normal_weight / static_cast<std::int64_t>(weight);
}

std::uint64_t FairQueue::weight() const {
  std::uint64_t sum = 0;
  for (const FairEntity* entity : entities) sum += entity->weight;
  return sum;
}

std::int64_t FairQueue::average() const {
  if (entities.empty()) return base;
  Wide sum = 0;
  const std::int64_t from = entities.front()->vruntime;
  for (const FairEntity* entity : entities)
    sum += static_cast<Wide>(entity->vruntime - from) * static_cast<Wide>(entity->weight);
  const auto total = static_cast<Wide>(weight());
  // Rounded down, so that whoever is at the average is eligible.
  return from + static_cast<std::int64_t>(sum >= 0 ? sum / total : -((-sum + total - 1) / total));
}

bool FairQueue::is_eligible(const FairEntity& entity) const {
  return entity.vruntime <= average();
}

FairEntity* FairQueue::pick(bool protects) const {
  if (entities.size() == 1) return entities.front();
  const std::int64_t at = average();
  FairEntity* running = current;
  if (running != nullptr && (!running->is_queued || running->vruntime > at)) running = nullptr;
  if (running != nullptr && protects && running->vruntime < running->protected_until) return running;
  FairEntity* best = nullptr;
  for (FairEntity* entity : entities)
    if (entity != running && entity->vruntime <= at && (best == nullptr || entity->deadline < best->deadline))
      best = entity;
  return best == nullptr || (running != nullptr && running->deadline < best->deadline) ? running : best;
}

void FairQueue::place(FairEntity& entity, std::int64_t slice_ns, bool is_new) {
  std::int64_t lag = 0;
  if (!entities.empty() && entity.lag != 0) {
    // Its coming moves the average: it must find what it left with.
    const auto load = static_cast<Wide>(weight());
    lag = static_cast<std::int64_t>(entity.lag * (load + static_cast<Wide>(entity.weight)) / load);
  }
  entity.vruntime = average() - lag;
  if (entity.is_deadline_relative) {
    entity.deadline += entity.vruntime;
    entity.is_deadline_relative = false;
    return;
  }
  const std::int64_t slice = virtual_ns(slice_ns, entity.weight);
  entity.deadline = entity.vruntime + (is_new ? slice / 2 : slice);
}

void FairQueue::insert(FairEntity& entity, std::int64_t slice_ns, bool is_new) {
  place(entity, slice_ns, is_new);
  entity.in = this;
  entity.is_queued = true;
  entities.push_back(&entity);
}

// update_entity_lag()
void FairQueue::keep_lag(FairEntity& entity, std::int64_t slice_ns, std::int64_t tick_ns) const {
  const std::int64_t limit = virtual_ns(std::max(2 * slice_ns, tick_ns), entity.weight);
  entity.lag = std::clamp(average() - entity.vruntime, -limit, limit);
}

bool FairQueue::remove(FairEntity& entity, std::int64_t slice_ns, std::int64_t tick_ns, bool sleeps) {
  if (sleeps && !entity.is_delayed && !is_eligible(entity)) {
    entity.is_delayed = true;
    return false;
  }
  keep_lag(entity, slice_ns, tick_ns);
  if (entity.is_delayed) entity.lag = std::min<std::int64_t>(entity.lag, 0);
  entity.is_delayed = false;
  if (!sleeps) {
    entity.deadline -= entity.vruntime;
    entity.is_deadline_relative = true;
  }
  base = average();
  std::erase(entities, &entity);
  entity.is_queued = false;
  return true;
}

// requeue_delayed_entity()
void FairQueue::wake_delayed(FairEntity& entity, std::int64_t slice_ns) {
  entity.is_delayed = false;
  if (average() <= entity.vruntime) return;
  std::erase(entities, &entity);
  entity.lag = 0;
  insert(entity, slice_ns, false);
}

// reweight_entity(): what it is owed stays the same.
void FairQueue::reweigh(FairEntity& entity, std::uint64_t weight) {
  if (entity.weight == weight) return;
  if (entity.is_queued) {
    const std::int64_t at = average();
    const auto scaled = [&](std::int64_t from_average) {
      return static_cast<std::int64_t>(static_cast<Wide>(from_average) * static_cast<Wide>(entity.weight) /
                                       static_cast<Wide>(weight));
    };
    const std::int64_t to_deadline = scaled(entity.deadline - entity.vruntime);
    const std::int64_t to_protected = scaled(entity.protected_until - entity.vruntime);
    entity.vruntime = at - scaled(at - entity.vruntime);
    entity.deadline = entity.vruntime + to_deadline;
    entity.protected_until = entity.vruntime + to_protected;
  }
  entity.weight = weight;
}

}  // namespace slo::sim
