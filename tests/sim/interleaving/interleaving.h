// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../machine/kernel.h"
#include "accesses.h"
#include "fiber.h"
#include "store_buffer.h"

namespace slo::sim {

/*
 * The exaggerated mode. From its making to its end the events of a machine that are near to each other happen
 * at once, each on a stack of its own: the seed says which goes on, and before which access to shared memory
 * another one does. An event needs its CPU, as interrupts are off, and the locks that the kernel takes:
 * rq->lock for all callbacks but those of timers, init, init_task and CPUs that come and go, p->pi_lock for
 * select_cpu(). What a callback has stored is seen by others later, in the order of its stores, or in any
 * order where is_weak; at the latest at a full barrier, a lock, or its end.
 *
 * Exaggerated is how long a callback may take. What is not there: loads out of order, interrupts in callbacks
 * of timers, and stores that are delayed beyond the end of the callback. What comes from user space (planned
 * acts) comes one after the other.
 *
 * A finding of this mode is weaker than one of the faithful mode, and no figure comes from it. Needs the
 * instrumented build of the scheduler; with the plain one callbacks are interrupted only where they call the
 * kernel.
 */
class Interleaving final : public Concurrency, public Observer {
 public:
  struct Settings {
    std::uint64_t seed = 1;
    std::uint64_t window_ns = 5'000;  // what is so near to each other happens at once
    std::uint32_t at_once_max = 64;   // events
    std::uint32_t switch_every = 8;   // accesses, on average
    bool is_weak = false;  // as arm64: see StoreBuffer, and atomics that return nothing are no barrier
  };
  struct Counts {
    std::uint64_t events = 0, switches = 0, waits = 0;
  };

  Interleaving(Kernel& kernel, const Settings& settings);
  ~Interleaving() override;

  [[nodiscard]] const Counts& counts() const { return counts_; }
  // What happened last up to then, in words, the oldest first.
  [[nodiscard]] std::vector<std::string> story(std::uint64_t until_ns = UINT64_MAX) const;

  // Concurrency
  void run_together(const std::function<std::uint64_t()>& next_ns,
                    const std::function<void()>& do_next) override;
  void wait_until(const std::function<bool()>& is_so) override;
  void lock(Lock& lock) override;
  void unlock(Lock& lock) override;
  void relock_with(Lock& held, Lock& other) override;
  void may_switch() override;
  void full_barrier() override;

  // Observer
  void wakes(const Task& task, std::uint64_t now_ns) override;
  void runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) override;
  void switches(const Cpu& cpu, std::uint64_t now_ns) override;

  // What the runtime tells, of memory that is not its own; null: stores there take effect at once.
  [[nodiscard]] StoreBuffer* reach(const Access& access);
  [[nodiscard]] bool is_own(const void* address) const {
    return present_ != nullptr && present_->fiber.owns(address);
  }
  [[nodiscard]] bool is_weak() const { return settings_.is_weak; }
  [[nodiscard]] static Interleaving* present();

 private:
  // An event under way.
  struct Strand {
    std::uint32_t id = 0;
    Fiber fiber;
    Context context;
    StoreBuffer stores;
    const std::function<bool()>* waits_for = nullptr;
    Access before = {};
  };
  struct Happened {
    enum class What : std::uint8_t { nothing, goes_on, wakes, runs, idles };

    std::uint64_t at_ns = 0;
    What what = What::nothing;
    Context context = {};  // whose
    Access before = {};
  };
  static constexpr std::size_t happened_kept = 1 << 14;
  static constexpr std::size_t happened_told = 50;
  static constexpr std::uint32_t outside = 1;  // who holds locks while no event is under way

  void start(const std::function<void()>& work);
  void go_on(Strand& strand);
  void leave(const Access& before);
  void note(Happened::What what, const Context& context, const Access& before);
  [[nodiscard]] static std::string in_words(const Happened& one, Kernel& kernel);
  [[nodiscard]] Strand* pick();
  [[nodiscard]] std::uint32_t self() const { return present_ != nullptr ? present_->id : outside; }
  [[noreturn]] void tell_deadlock() const;

  Kernel& kernel_;
  Settings settings_;
  Random random_;
  std::vector<std::unique_ptr<Strand>> active_;
  std::vector<std::unique_ptr<Strand>> spare_;
  Strand* present_ = nullptr;
  std::uint32_t last_id_ = outside;
  Counts counts_ = {};
  std::vector<Happened> happened_ = std::vector<Happened>(happened_kept);
  std::size_t nr_happened_ = 0;
};

// What a seed makes of the mode: windows, rates of switches and order of stores differ.
[[nodiscard]] Interleaving::Settings settings_of_seed(std::uint64_t seed);

}  // namespace slo::sim
