// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace slo {

// One unit as it is now; counters only grow (a smaller one begins anew).
struct LoadSample {
  std::string unit;
  std::uint32_t importance = 0;
  double error_budget = 0;   // 1 - SloObjective=
  double share = 0;          // CPUs that are its part of the machine
  bool has_reserve = false;  // SloReserve=, its own or that of a slice above it
  std::uint64_t jobs = 0;
  std::uint64_t lost_jobs = 0;    // misses because of others: late-start or preempted
  std::uint64_t key_exec_ns = 0;  // execution that was served by key
};

struct ShedChange {
  std::string unit;
  bool shed = false;   // it loses its guarantee, or has it back
  std::string reason;  // a clause for people
  friend bool operator==(const ShedChange&, const ShedChange&) = default;
};

// Overload: while a unit misses more than its objective allows because of others, and the CPUs are busy with
// units that have budgets, the least important of these loses its guarantee: its jobs come after those of the
// others (SLO_CFG_SHED). It has the guarantee back once there is room for it.
//
//   suffers   a unit with more lost jobs in the last second than its objective explains: allowed + 3 standard
//             deviations of a Poisson process + 2, so that a few unlucky jobs shed nobody, and one of them
//             since the last step: what is over, as the start of a unit, needs no help any more
//   busy      in the last tenth of a second budgets used at least 80% of what best effort's floor leaves
//   over      in the last second they used less than 95% of that
//
// Equals are told apart by how far they exceed their share. The most important unit is never shed. Shedding
// that did not help after a second is undone, and not tried on that unit for ten, then twice as long each
// time up to 80. Called ten times a second, while calm at least once, and out of turn when jobs missed or
// fall behind; no I/O, no clock.
class Overload {
 public:
  static constexpr std::uint64_t step_ns = 100'000'000;
  static constexpr std::uint64_t calm_step_ns = 1'000'000'000;

  // samples: all units with a budget. capacity: CPUs, less the floor of best effort.
  [[nodiscard]] std::vector<ShedChange> step(std::uint64_t now_ns, std::span<const LoadSample> samples,
                                             double capacity);
  // A miss may be the first sign of overload, which every further step lets last. Not so soon after the last
  // one that there is nothing to see.
  [[nodiscard]] bool is_due_after_miss(std::uint64_t now_ns) const {
    return now_ns - stepped_ns_ >= step_ns / 2;
  }
  // Until the next look: while nobody is shed, and nobody has lost a job lately, one each second is enough
  // until a job misses or falls behind.
  [[nodiscard]] std::uint64_t look_after_ns() const { return calm_ ? calm_step_ns : step_ns; }
  [[nodiscard]] const std::set<std::string, std::less<>>& shed() const { return shed_; }

 private:
  static constexpr std::size_t window_steps = 10;
  struct Counters {
    std::uint64_t jobs = 0, lost_jobs = 0, key_exec_ns = 0;
  };
  // What a unit did within the last second.
  struct Recent {
    LoadSample now;
    double jobs = 0, lost_jobs = 0, cpus = 0;
    double lost_now = 0, cpus_now = 0;  // since the last step
    [[nodiscard]] bool suffers() const;
    [[nodiscard]] double excess() const { return now.share > 0 ? cpus / now.share : cpus; }
  };
  struct History {
    std::array<Counters, window_steps> ring{};
    std::array<std::uint64_t, window_steps> at_ns{};
    std::size_t steps = 0;
    std::uint64_t seen_step = 0;       // the last step that it was there in
    std::uint64_t shed_ns = 0;         // when it was shed last
    std::uint64_t back_ns = 0;         // when it had its guarantee back last
    std::uint64_t in_vain_ns = 0;      // when shedding it turned out not to help
    std::uint64_t in_vain_for_ns = 0;  // how long it is not tried again
    std::uint64_t least_ns = 0;        // how long it is shed at least
    double loss_before = 0;            // share of lost jobs among the others when it was shed

    void begin_anew();
  };

  [[nodiscard]] std::vector<Recent> recent(std::uint64_t now_ns, std::span<const LoadSample> samples);
  [[nodiscard]] static std::string reason_of(const std::string& victim, const Recent& sufferer);
  [[nodiscard]] std::optional<ShedChange> shed_one(std::uint64_t now_ns, const std::vector<Recent>& units);
  [[nodiscard]] std::optional<ShedChange> undo_what_did_not_help(std::uint64_t now_ns,
                                                                 const std::vector<Recent>& units);
  [[nodiscard]] std::optional<ShedChange> restore_one(std::uint64_t now_ns, const std::vector<Recent>& units,
                                                      bool is_over);
  [[nodiscard]] double loss_of_others(const std::vector<Recent>& units) const;
  void begin_anew();
  void forget_gone();

  std::map<std::string, History, std::less<>> history_;
  std::set<std::string, std::less<>> shed_;
  std::uint64_t step_ = 0;
  bool calm_ = false;  // at first there is nothing to compare with
  std::uint64_t stepped_ns_ = 0;
  std::uint64_t changed_ns_ = 0;  // the last change of anybody
  std::uint64_t shed_ns_ = 0;     // the last time that somebody was shed
};

}  // namespace slo
