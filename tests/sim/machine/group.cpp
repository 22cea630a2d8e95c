// SPDX-License-Identifier: GPL-2.0-only
#include "group.h"

#include <algorithm>
#include <array>
#include <utility>

namespace slo::sim {
namespace {

constexpr unsigned load_shift = 10;

std::uint64_t shares_of(std::uint32_t weight) {
  return weight_of_cgroup(weight) << load_shift;
}

constexpr std::array<std::uint64_t, 40> nice_weights = {
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904,
    3906,  3121,  2501,  1991,  1586,  1277,  1024,  820,   655,   526,   423,  335,  272,  215,
    172,   137,   110,   87,    70,    56,    45,    36,    29,    23,    18,   15};

}  // namespace

Group::Group(std::string name, std::uint64_t id, Group* parent, const Settings& settings)
    : name_(std::move(name)),
      parent_(parent),
      has_controller_(parent == nullptr || settings.weight != 0 || settings.is_idle),
      is_idle_(settings.is_idle) {
  node_.name = name_.c_str();
  node_.id = id;
  cgroup_.kn = &node_;
  cgroup_.self.cgroup = &cgroup_;
  cgroup_.self.parent = parent != nullptr ? &parent->cgroup_.self : nullptr;
  cgroup_.level = parent != nullptr ? parent->cgroup_.level + 1 : 0;
  css_set_.dfl_cgrp = &cgroup_;
  task_group_.shares = is_idle_ ? idle_group_weight << load_shift : shares_of(std::max(settings.weight, 1U));
  task_group_.idle = is_idle_ ? 1 : 0;
  if (parent == nullptr) task_group_.shares = shares_of(100);
  Group* above = parent_with_controller();
  task_group_.parent = above != nullptr ? &above->task_group_ : nullptr;
}

void Group::set_weight(std::uint32_t weight) {
  is_idle_ = false;
  task_group_.idle = 0;
  task_group_.shares = shares_of(weight);
}

Group& Group::with_controller() {
  Group* group = this;
  while (!group->has_controller_) group = group->parent_;
  return *group;
}

Group* Group::parent_with_controller() {
  Group* above = with_controller().parent_;
  return above != nullptr ? &above->with_controller() : nullptr;
}

// sched_weight_from_cgroup()
std::uint64_t weight_of_cgroup(std::uint32_t weight) {
  return (std::uint64_t{weight} * 1024 + 50) / 100;
}

std::uint64_t weight_of_nice(int nice) {
  return nice_weights[static_cast<std::size_t>(nice + 20)];
}

std::uint32_t cgroup_weight_of_nice(int nice) {
  return std::clamp(static_cast<std::uint32_t>((weight_of_nice(nice) * 100 + 512) / 1024), 1U, 10000U);
}

}  // namespace slo::sim
