// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "load/shedding.h"

namespace slo {

// A unit that was served by key beyond its part of the machine.
struct Leaner {
  std::string unit;
  double cpus = 0;   // that it used by key
  double share = 0;  // CPUs that are its part
  friend bool operator==(const Leaner&, const Leaner&) = default;
};

// For the journal.
[[nodiscard]] std::string to_sentence(const Leaner& leaner);

// Who leans on a default reserve. Without SloReserve= a unit is served by key as far as the others leave
// room; only its part of the machine is its own. One that used more than that in two minutes, one after the
// other, counts on what others with budgets do not use now. Each is named once, and again when
// it has kept to its part for a minute and leans once more, an hour later or more. No I/O, no clock.
class Leaning {
 public:
  static constexpr std::uint64_t window_ns = 60'000'000'000;
  static constexpr std::uint64_t silence_ns = 60 * window_ns;

  // samples: all units with a budget; counters only grow (a smaller one begins anew). capacity: CPUs, less
  // the floor of best effort. Looks once a second, however often it is called.
  [[nodiscard]] std::vector<Leaner> step(std::uint64_t now_ns, std::span<const LoadSample> samples,
                                         double capacity);

 private:
  struct History {
    std::uint64_t from_ns = 0;  // beginning of the window
    std::uint64_t key_exec_ns = 0;
    std::optional<std::uint64_t> told_ns = {};
    std::uint64_t minutes = 0;  // one after the other in which it leaned
    std::uint64_t seen_ns = 0;
  };

  void forget(std::uint64_t now_ns);

  std::uint64_t stepped_ns_ = 0;
  std::map<std::string, History, std::less<>> history_;
};

}  // namespace slo
