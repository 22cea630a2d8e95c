// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "cpu.h"
#include "task.h"

namespace slo::sim {

// Sees what happens on a machine, at the instants when the kernel would say so (its clock of the run queue).
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void wakes(const Task& /*task*/, std::uint64_t /*now_ns*/) {}
  virtual void runs(const Task& /*task*/, const Cpu& /*cpu*/, std::uint64_t /*now_ns*/) {}
  // is_runnable: it lost its CPU, and did not go to sleep.
  virtual void stops(const Task& /*task*/, bool /*is_runnable*/, std::uint64_t /*now_ns*/) {}
  virtual void ends_request(const Task& /*task*/, std::uint64_t /*now_ns*/) {}
  virtual void executes(const Task& /*task*/, std::uint64_t /*exec_ns*/) {}
  virtual void switches(const Cpu& /*cpu*/, std::uint64_t /*now_ns*/) {}
  // After each event.
  virtual void looks(std::uint64_t /*now_ns*/) {}
};

}  // namespace slo::sim
