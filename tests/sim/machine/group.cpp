// SPDX-License-Identifier: GPL-2.0-only
#include "group.h"

#include <algorithm>
#include <array>
#include <utility>

namespace slo::sim {
namespace {

constexpr unsigned load_shift = 10;
constexpr std::uint32_t usual_weight = 100;
constexpr unsigned bandwidth_shift = 20;
constexpr std::uint64_t no_quota = UINT64_MAX;  // RUNTIME_INF

std::uint64_t shares_of(std::uint32_t weight) {
  return weight_of_cgroup(weight) << load_shift;
}

// to_ratio(), of what cpu.max says in microseconds
std::int64_t ratio_of(const Limit& limit) {
  if (limit.quota_ns == 0) return -1;
  return static_cast<std::int64_t>((limit.quota_ns / 1000 << bandwidth_shift) / (limit.period_ns / 1000));
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
      is_idle_(settings.is_idle),
      limit_() {
  node_.name = name_.c_str();
  node_.id = id;
  cgroup_.kn = &node_;
  cgroup_.self.cgroup = &cgroup_;
  cgroup_.self.parent = parent != nullptr ? &parent->cgroup_.self : nullptr;
  cgroup_.level = parent != nullptr ? parent->cgroup_.level + 1 : 0;
  css_set_.dfl_cgrp = &cgroup_;
  task_group_.shares = is_idle_ ? idle_group_weight << load_shift
                                : shares_of(settings.weight != 0 ? settings.weight : usual_weight);
  task_group_.idle = is_idle_ ? 1 : 0;
  task_group_.css.cgroup = &cgroup_;
  set_limit(settings.limit);
  update_hierarchy();
  update_bandwidth();
}

void Group::set_weight(std::uint32_t weight) {
  is_idle_ = false;
  task_group_.idle = 0;
  task_group_.shares = shares_of(weight);
}

void Group::set_limit(const Limit& limit) {
  limit_ = limit;
  if (limit.quota_ns != 0) has_controller_ = true;
}

// tg_cfs_schedulable_down() of the default hierarchy
void Group::update_hierarchy() {
  if (!has_controller_ || parent_ == nullptr) {
    task_group_.cfs_bandwidth.hierarchical_quota = -1;
    return;
  }
  bpf::task_group& above = parent_with_controller()->task_group_;
  task_group_.parent = &above;
  task_group_.css.parent = &above.css;
  const std::int64_t own = ratio_of(limit_);
  const std::int64_t inherited = above.cfs_bandwidth.hierarchical_quota;
  task_group_.cfs_bandwidth.hierarchical_quota =
      own == -1 ? inherited : (inherited == -1 ? own : std::min(own, inherited));
}

void Group::update_bandwidth() {
  bpf::cfs_bandwidth& bandwidth = task_group_.cfs_bandwidth;
  bandwidth.period = static_cast<std::int64_t>(limit_.period_ns);
  bandwidth.quota = limit_.quota_ns != 0 ? limit_.quota_ns : no_quota;
  bandwidth.burst = limit_.burst_ns;
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
