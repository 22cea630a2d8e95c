// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/abi/slo_abi.h"

namespace slo {

// "late-start" for SLO_CAUSE_LATE_START, and so on; "unknown" for what is none of them.
[[nodiscard]] std::string_view cause_name(std::uint32_t cause);

// A record of the ring buffer; empty when it cannot be one. Longer ones, with fields that we do not know, are
// fine.
[[nodiscard]] std::optional<deadline_event> decode_event(std::span<const std::byte> record);

// What ran instead of a missed job: most of the time among all that ran on its CPU while it lasted.
struct Rival {
  std::uint64_t ran_ns = 0;  // all tasks of its cgroup together; 0: not known, and the rest is empty
  std::uint32_t tid = 0;     // of its longest run
  std::string comm{};
  std::string cgroup{};  // the last component of its path, mostly a unit's name; empty: gone, or the root
};

// Who counts a job, and who has it: another unit where that one has no counters of its own.
struct Whose {
  std::string counted;
  std::string unit;
};

// Misses counted for one unit since its last report; all but the first two members are about the worst of
// them.
struct MissReport {
  std::string unit;
  std::uint64_t count = 0;    // those included that the kernel sent no event for
  std::string job_unit{};     // `unit`, or one that is counted with it
  std::uint64_t miss_ns = 0;  // by how much it exceeded its budget
  std::string cause;
  std::uint64_t timestamp_ns = 0;  // CLOCK_MONOTONIC, at the end of the job
  std::uint64_t key_ns = 0;        // CLOCK_MONOTONIC: the latest start that would have kept the budget
  std::uint64_t budget_ns = 0;
  std::uint64_t wait_ns = 0;
  std::uint64_t exec_ns = 0;
  std::uint32_t tid = 0;
  std::uint32_t cpu = 0;  // where it ended
  std::string comm{};     // as is rival.comm: fit to print, whatever the task called itself
  Rival rival{};
};

// One line for an operator; count: the jobs it speaks of.
[[nodiscard]] std::string to_sentence(const MissReport& report, std::uint64_t count);

// Turns events into reports, at most one per unit and second and a number per second in all. What a limit
// holds back is added to the next report of its unit; nothing is dropped. Single-threaded, no I/O.
class MissReports {
 public:
  // Those with this slot and with this number (slo_cfg); empty: one of them is no more.
  using Find = std::function<std::optional<Whose>(std::uint32_t slot, std::uint32_t unit)>;

  // global_interval_ns: 1 s / GlobalRate=, > 0.
  explicit MissReports(std::uint64_t global_interval_ns) : global_interval_ns_(global_interval_ns) {}
  void set_global_interval(std::uint64_t interval_ns) { global_interval_ns_ = interval_ns; }

  // One record. Misses of a unit that has gone are of no interest any more; a record that is none is counted.
  void take(std::span<const std::byte> record, const Find& find);
  // What may be told at now_ns (CLOCK_MONOTONIC), longest waiting first. Ask after each take() and once a
  // second.
  [[nodiscard]] std::vector<MissReport> due(std::uint64_t now_ns);
  // Records that could not be decoded.
  [[nodiscard]] std::uint64_t malformed() const { return malformed_; }

 private:
  struct Pending {
    MissReport report;
    std::uint64_t since = 0;    // place in the order of waiting; 0: nothing waits
    std::uint64_t told_ns = 0;  // last report; 0: none yet
  };

  std::map<std::string, Pending, std::less<>> pending_;
  std::uint64_t global_interval_ns_;
  std::uint64_t global_full_at_ns_ = 0;
  std::uint64_t next_since_ = 1;
  std::uint64_t malformed_ = 0;
};

}  // namespace slo
