// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>

#include "../workload.h"
#include "types.h"

namespace slo::sim {

// A cgroup of the default hierarchy with what the kernel keeps of it: the css_set of its tasks and, where it
// has the cpu controller, a task group. Its address is known to others: it stays where it is.
class Group {
 public:
  struct Settings {
    // CPUWeight=, 1..10000; 0: 100 where the limit asks for the cpu controller, else there is none, and its
    // tasks are in the group above
    std::uint32_t weight = 0;
    bool is_idle = false;  // CPUWeight=idle
    Limit limit = {};
  };

  Group(std::string name, std::uint64_t id, Group* parent, const Settings& settings);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  void set_weight(std::uint32_t weight);
  // The next three together are tg_set_cfs_bandwidth(), see Kernel::set_limit(). One that has no cpu
  // controller gets it.
  void set_limit(const Limit& limit);
  // What follows from the groups above.
  void update_hierarchy();
  void update_bandwidth();

  [[nodiscard]] std::uint64_t id() const { return node_.id; }
  [[nodiscard]] bpf::css_set* css_set() { return &css_set_; }
  // The nearest group from here upwards that has the cpu controller, and the one above that has it.
  [[nodiscard]] Group& with_controller();
  [[nodiscard]] Group* parent_with_controller();
  [[nodiscard]] bpf::task_group* task_group() { return &with_controller().task_group_; }
  [[nodiscard]] std::uint64_t shares() const { return task_group_.shares; }
  [[nodiscard]] bool is_idle() const { return is_idle_; }
  [[nodiscard]] const Limit& limit() const { return limit_; }
  [[nodiscard]] const Group* above() const { return parent_; }

 private:
  std::string name_;
  Group* parent_;
  bool has_controller_;
  bool is_idle_;
  Limit limit_;
  bpf::kernfs_node node_ = {};
  bpf::cgroup cgroup_ = {};
  bpf::css_set css_set_ = {};
  bpf::task_group task_group_ = {};
};

// Of cpu.weight (100 is normal) and of cpu.idle, in the kernel's own unit.
[[nodiscard]] std::uint64_t weight_of_cgroup(std::uint32_t weight);
inline constexpr std::uint64_t idle_group_weight = 3;  // WEIGHT_IDLEPRIO

// What the kernel makes of nice (-20..19): the weight of its own scheduler (kernel/sched/core.c,
// sched_prio_to_weight, 1024 is normal) and that of sched_ext (100 is normal).
[[nodiscard]] std::uint64_t weight_of_nice(int nice);
[[nodiscard]] std::uint32_t cgroup_weight_of_nice(int nice);

}  // namespace slo::sim
