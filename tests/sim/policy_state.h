// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "bpf/policy/policy.h"
#include "bpf/policy/server.h"
#include "kernel.h"
#include "load/shedding.h"
#include "random.h"

// The state of the policy under test, as bpf/scheduler/storage.bpf.h has it. These files mirror those of bpf/
// function by function, under the same names, so that the two can be read side by side; what is decided comes
// from bpf/policy/policy.h in both. Left out: tasks that may not run everywhere, slices with reserves, and
// races.
namespace slo::sim {

// When a CPU is taken for a waiting SLO task: at once by a kick, or at the next tick.
enum class Preemption : std::uint8_t { kick, tick };

// What a run is made with, so that parts can be compared with their absence.
struct Policy {
  Policy();  // as shipped

  slo_tunables tunables;
  Preemption preemption = Preemption::kick;
  bool has_floor = true;
  bool has_demotion = true;       // of jobs beyond SloMaxExec=
  bool covers_wait = true;        // SloMaxExec= is longer for a job that was kept waiting
  bool has_renewal = true;        // of tardy jobs, when their turn comes
  bool is_tardy_at_once = false;  // else one more budget after its latest start
  bool has_servers = true;        // where units have reserves
  bool has_shedding = true;
  std::uint64_t refill_step_ns = SLO_SERVER_STEP_NS;
  std::uint64_t floor_turn_ns = 0;  // 0: as bpf/policy/policy.h says
};

// Bands, served in this order.
enum class Band : std::uint8_t { slo, best_effort };
inline constexpr std::size_t bands = 2;

// A queue in the order of keys or virtual times; those that are equal stand as they came.
class Queue {
 public:
  void insert(TaskId task, std::uint64_t at_ns) { entries_.insert({at_ns, inserted_++, task}); }
  [[nodiscard]] std::uint64_t size() const { return entries_.size(); }
  // Of the first; none: it is empty.
  [[nodiscard]] std::optional<std::uint64_t> head() const;
  [[nodiscard]] std::vector<TaskId> tasks() const;
  void remove(TaskId task);
  // no_task: it is empty.
  [[nodiscard]] TaskId first() const { return entries_.empty() ? no_task : entries_.begin()->task; }
  // Takes the first out; no_task: it is empty.
  [[nodiscard]] TaskId take();

 private:
  struct Entry {
    std::uint64_t at_ns = 0;
    std::uint64_t nth = 0;
    TaskId task = no_task;
    friend bool operator<(const Entry& a, const Entry& b) {
      return a.at_ns != b.at_ns ? slo_before(a.at_ns, b.at_ns) != 0 : a.nth < b.nth;
    }
  };
  std::set<Entry> entries_;
  std::uint64_t inserted_ = 0;
};

// The reserve of a unit.
struct ServerState {
  std::uint64_t quota_ns = 0;  // 0: none
  slo_s64 tokens_ns = 0;       // as of filled_ns, less what was charged since
  std::uint64_t filled_ns = 0;
  bool is_empty = false;
  std::vector<slo_s64> prepaid_ns = {};  // by shard
};

struct UnitState {
  std::uint64_t budget_ns = 0;
  std::uint64_t start_within_ns = 0;
  std::uint64_t max_exec_ns = 0;
  bool bounds_response = false;
  std::uint64_t expected_exec_ns = 0;
  ServerState server = {};
  // What the daemon looks at.
  double share = 0;
  std::uint64_t jobs = 0;
  std::uint64_t lost_jobs = 0;
  std::uint64_t renewals = 0;
  std::uint64_t key_exec_ns = 0;
};

struct TaskState {
  std::uint64_t vtime_ns = 0;     // on the clock of vtime_shard
  std::uint64_t key_exec_ns = 0;  // of the present job, by key, that is not in vtime_ns
  std::uint64_t ran_from_ns = 0;
  std::uint64_t slice_ns = 0;     // that it was queued with
  std::uint64_t key_from_ns = 0;  // the key counts from here, less what the job had executed by then
  std::uint32_t vtime_shard = 0;
  std::uint32_t task_class = SLO_CLASS_NONE;
  bool is_demoted = false;  // its present job
};

struct CpuState {
  std::uint64_t key_ns = 0;
  std::uint64_t ran_from_ns = 0;
  std::uint64_t floor_credit_ns = 0;
  std::uint64_t charged_ns = 0;  // the credit, and reserves, are right up to here
  TaskId running = no_task;
  std::uint64_t floor_turn_until_ns = 0;
  std::uint64_t last_kick_ns = 0;
  std::uint64_t alarm_ns = 0;
  std::uint32_t running_class = SLO_CLASS_NONE;
  std::optional<std::uint32_t> helps = {};  // a shard whose SLO task asked for this CPU
  std::uint32_t idle_retries = 0;
  bool is_kick_pending = false;
};

struct ShardState {
  Queue queues[bands];  // by Band
  std::uint64_t vtime_now_ns = 0;

  [[nodiscard]] Queue& queue(Band band) { return queues[static_cast<std::size_t>(band)]; }
  [[nodiscard]] const Queue& queue(Band band) const { return queues[static_cast<std::size_t>(band)]; }
};

struct PolicyState {
  PolicyState(Kernel& machine, const Policy& with, std::uint64_t seed);

  [[nodiscard]] std::uint32_t shard_at(CpuId cpu) const { return shard_of(kernel.machine(), cpu); }
  [[nodiscard]] ShardState& shard_of_cpu(CpuId cpu) { return shards[shard_at(cpu)]; }
  [[nodiscard]] const ShardState& shard_of_cpu(CpuId cpu) const { return shards[shard_at(cpu)]; }
  [[nodiscard]] const UnitState& unit_of(TaskId task) const { return units[kernel.tasks()[task].unit]; }
  [[nodiscard]] UnitState& unit_of(TaskId task) { return units[kernel.tasks()[task].unit]; }

  Kernel& kernel;
  Policy policy;
  std::vector<UnitState> units;
  std::vector<TaskState> tasks;
  std::vector<CpuState> cpus;
  std::vector<ShardState> shards;
  std::vector<bool> idle_cpus;         // our own bits: as idles() said
  std::vector<bool> best_effort_cpus;  // ran best effort when last seen
  std::uint64_t smallest_budget_ns = 0;
  std::uint64_t floor_credit_max_ns = 0;
  bool is_refill_armed = false;
  Overload overload = {};
  bool has_missed = false;  // a job, since the daemon looked into that
  Random random;
};

}  // namespace slo::sim
