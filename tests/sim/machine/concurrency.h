// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>

#include "cpu_mask.h"

namespace slo::sim {

struct Task;
enum class Op : std::uint8_t;

// A lock of the kernel, or the right to run on a CPU. What one event does may take it again.
struct Lock {
  std::uint32_t holder = 0;  // 0: nobody
  std::uint32_t depth = 0;
};

// What one event has going on.
struct Context {
  CpuId here = 0;              // where
  std::uint64_t spent_ns = 0;  // by what it does, beside its own costs
  Op op = {};                  // the callback that it is in, and the task that this is about
  Task* about = nullptr;
};

/*
 * Of the exaggerated mode (interleaving/): events that are near to each other happen at once, each up to
 * where it waits for a lock or the seed says so. The model itself goes from one such place to the next
 * without anybody between. In the faithful mode there is none of this: events happen one after the other, and
 * all locks are free.
 */
class Concurrency {
 public:
  virtual ~Concurrency() = default;
  // Does the next events, until none is under way. next_ns: when the next one is; UINT64_MAX: none.
  virtual void run_together(const std::function<std::uint64_t()>& next_ns,
                            const std::function<void()>& do_next) = 0;
  virtual void wait_until(const std::function<bool()>& is_so) = 0;
  virtual void lock(Lock& lock) = 0;
  virtual void unlock(Lock& lock) = 0;
  // Lets go of the first, and takes both as soon as they are free together.
  virtual void relock_with(Lock& held, Lock& other) = 0;
  // Others may go on here.
  virtual void may_switch() = 0;
  // The same, where the kernel has a full barrier: what was stored before is seen by all.
  virtual void full_barrier() = 0;
};

// Holds a lock to the end of its scope.
class Held {
 public:
  Held(Concurrency* concurrency, Lock& lock) : concurrency_(concurrency), lock_(lock) {
    if (concurrency_ != nullptr) concurrency_->lock(lock_);
  }
  ~Held() {
    if (concurrency_ != nullptr) concurrency_->unlock(lock_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  Concurrency* concurrency_;
  Lock& lock_;
};

}  // namespace slo::sim
