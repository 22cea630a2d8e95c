// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <span>

#include "known_stage.h"

namespace slo::workload {

struct expectation {
  std::int64_t jobs = 0;
  std::int64_t late_start = 0;
  std::int64_t preempted = 0;
  std::int64_t overlong = 0;
  std::int64_t overrun = 0;
};

// Which of the kernel's own counts can be held against what is expected.
enum class comparable : std::uint8_t { all, jobs_and_exec, nothing };

struct scenario {
  const char* name;
  const char* about;
  int rounds;
  void (*play)(const Subject&, int rounds);
  void (*direct)(Director&, int rounds);
  expectation (*expected)(int rounds);
  comparable kernel = comparable::all;
  void (*rival)(const Subject&, int rounds) = nullptr;
  bool is_anywhere = false;  // else all of it is on one CPU
};

[[nodiscard]] std::span<const scenario> scenarios();

}  // namespace slo::workload
