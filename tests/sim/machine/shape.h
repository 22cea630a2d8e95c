// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <vector>

#include "../workload.h"
#include "cpu_mask.h"

namespace slo::sim {

// Which CPUs share what: threads a core, cores a last-level cache, caches a node.
class Shape {
 public:
  explicit Shape(const Machine& machine);

  [[nodiscard]] const CpuMask& siblings(CpuId cpu) const { return siblings_[core_[cpu]]; }
  [[nodiscard]] const CpuMask& cache(CpuId cpu) const { return caches_[cache_[cpu]]; }
  [[nodiscard]] const CpuMask& node(CpuId cpu) const { return nodes_[node_[cpu]]; }
  [[nodiscard]] CpuId cache_of(CpuId cpu) const { return cache_[cpu]; }
  [[nodiscard]] const CpuMask& all() const { return all_; }
  [[nodiscard]] bool has_smt() const { return siblings_.size() < core_.size(); }
  [[nodiscard]] bool has_caches() const { return caches_.size() > 1; }
  [[nodiscard]] bool has_nodes() const { return nodes_.size() > 1; }

 private:
  std::vector<CpuId> core_, cache_, node_;  // by CPU
  std::vector<CpuMask> siblings_, caches_, nodes_;
  CpuMask all_;
};

}  // namespace slo::sim
