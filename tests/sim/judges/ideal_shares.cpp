// SPDX-License-Identifier: GPL-2.0-only
#include "ideal_shares.h"

#include <algorithm>
#include <cstddef>

#include "../machine/group.h"

namespace slo::sim {
namespace {

// A task, or a group with what is in it.
struct Node {
  double weight = 1;
  double most = 1;  // CPUs that it can use
  std::vector<std::size_t> children = {};
};

double weight_of(const Unit& unit) {
  return static_cast<double>(unit.is_cpu_idle ? idle_group_weight : weight_of_cgroup(unit.cpu_weight));
}

// Where a unit's tasks and groups compete: its own group, or the nearest one above it that has the cpu
// controller.
std::size_t group_of(const Workload& workload, std::uint32_t unit) {
  while (unit != no_unit && workload.units[unit].cpu_weight == 0 && !workload.units[unit].is_cpu_idle)
    unit = workload.units[unit].slice;
  return unit == no_unit ? 0 : unit + 1;
}

void divide(const std::vector<Node>& nodes, std::size_t group, double cpus, std::vector<double>& got) {
  got[group] = cpus;
  std::vector<std::size_t> open = nodes[group].children;
  while (!open.empty()) {
    double weight = 0;
    for (const std::size_t child : open) weight += nodes[child].weight;
    const auto is_full = [&](std::size_t child) {
      return nodes[child].most * weight <= cpus * nodes[child].weight;
    };
    const auto full = std::ranges::find_if(open, is_full);
    if (full == open.end()) {
      for (const std::size_t child : open) divide(nodes, child, cpus * nodes[child].weight / weight, got);
      return;
    }
    divide(nodes, *full, nodes[*full].most, got);
    cpus -= nodes[*full].most;
    open.erase(full);
  }
}

}  // namespace

std::vector<double> ideal_shares(const Workload& workload, std::uint32_t cpus) {
  const std::size_t units = workload.units.size();
  std::vector<Node> nodes(1 + units + workload.tasks.size());
  for (std::uint32_t unit = 0; unit < units; ++unit) {
    nodes[unit + 1].most = 0;
    if (group_of(workload, unit) != unit + 1) continue;
    nodes[unit + 1].weight = weight_of(workload.units[unit]);
    nodes[group_of(workload, workload.units[unit].slice)].children.push_back(unit + 1);
  }
  for (std::size_t task = 0; task < workload.tasks.size(); ++task) {
    const TaskSpec& spec = workload.tasks[task];
    nodes[1 + units + task].weight = static_cast<double>(weight_of_nice(spec.nice));
    nodes[group_of(workload, spec.unit)].children.push_back(1 + units + task);
  }
  // Slices come before what is in them.
  for (std::size_t group = units; group > 0; --group)
    for (const std::size_t child : nodes[group].children) nodes[group].most += nodes[child].most;
  std::vector<double> got(nodes.size(), 0);
  divide(nodes, 0, cpus, got);
  return {got.begin() + static_cast<std::ptrdiff_t>(1 + units), got.end()};
}

}  // namespace slo::sim
