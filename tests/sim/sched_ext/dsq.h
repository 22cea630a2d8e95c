// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <set>

#include "../machine/cpu_mask.h"

namespace slo::sim {

struct Task;

// A dispatch queue: by virtual time, or first come, first served (all at time 0; who goes to the head has a
// lower number than all others).
struct Dsq {
  struct Entry {
    std::uint64_t at = 0;
    std::int64_t nth = 0;
    Task* task = nullptr;
    // time_before64(): the order of instants within 2^63 of each other
    friend bool operator<(const Entry& a, const Entry& b) {
      return a.at != b.at ? static_cast<std::int64_t>(a.at - b.at) < 0 : a.nth < b.nth;
    }
  };

  std::uint64_t id = 0;
  CpuId cpu = no_cpu;  // whose local queue it is
  std::set<Entry> entries = {};
  std::int64_t inserted = 0;  // at the tail
  std::int64_t at_head = 0;   // inserted there
  bool is_by_vtime = false;   // what waits in it

  [[nodiscard]] std::uint64_t size() const { return entries.size(); }
  [[nodiscard]] Task* first() const { return entries.empty() ? nullptr : entries.begin()->task; }
  void insert(Task& task, std::uint64_t at, bool to_head);
  void remove(Task& task);
};

// What the scheduler calls its queues: see bpf/scheduler/queue.bpf.h. The low half is a shard or a CPU.
inline constexpr std::uint64_t shared_slo = 1ULL << 32;
inline constexpr std::uint64_t shared_best_effort = 2ULL << 32;
inline constexpr std::uint64_t pinned_slo = 3ULL << 32;
inline constexpr std::uint64_t pinned_best_effort = 4ULL << 32;
inline constexpr std::uint64_t parking_queues = 5ULL << 32;  // the low half is one of a pool

[[nodiscard]] inline bool is_slo_queue(const Dsq& dsq) {
  const std::uint64_t kind = dsq.id >> 32 << 32;
  return dsq.cpu == no_cpu && (kind == shared_slo || kind == pinned_slo);
}

// Tasks there wait for their limit, not for a CPU.
[[nodiscard]] inline bool is_parking_queue(const Dsq& dsq) {
  return dsq.cpu == no_cpu && dsq.id >> 32 << 32 == parking_queues;
}
[[nodiscard]] bool is_parked(const Task& task);

}  // namespace slo::sim
