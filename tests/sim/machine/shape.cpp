// SPDX-License-Identifier: GPL-2.0-only
#include "shape.h"

#include <algorithm>

namespace slo::sim {
namespace {

// The cores are numbered along the caches, and these along the nodes.
CpuId core_of(const Machine& machine, CpuId cpu) {
  const CpuId cores = machine.cpus / machine.threads;
  return machine.siblings == Siblings::adjacent ? cpu / machine.threads : cpu % cores;
}

std::vector<CpuMask> members_of(const std::vector<CpuId>& places) {
  std::vector<CpuMask> masks(1 + *std::ranges::max_element(places));
  for (CpuId cpu = 0; cpu < places.size(); ++cpu) masks[places[cpu]].set(cpu, true);
  return masks;
}

}  // namespace

Shape::Shape(const Machine& machine) : all_(CpuMask::below(machine.cpus)) {
  const CpuId cache_cores = std::max(1U, machine.cache_cpus / machine.threads);
  const CpuId caches = (machine.cpus / machine.threads + cache_cores - 1) / cache_cores;
  const CpuId node_caches = std::max(1U, (caches + machine.nodes - 1) / machine.nodes);
  for (CpuId cpu = 0; cpu < machine.cpus; ++cpu) {
    core_.push_back(core_of(machine, cpu));
    cache_.push_back(core_.back() / cache_cores);
    node_.push_back(cache_.back() / node_caches);
  }
  siblings_ = members_of(core_);
  caches_ = members_of(cache_);
  nodes_ = members_of(node_);
}

}  // namespace slo::sim
