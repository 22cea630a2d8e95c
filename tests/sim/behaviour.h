// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "random.h"

// What tasks do when they are given a CPU, and when they want one.
namespace slo::sim {

// So much execution, wanted from then on. A task whose next request is already there when it has done with
// one goes on without a sleep: for the scheduler both are one job.
struct Request {
  std::uint64_t release_ns = 0;
  std::uint64_t exec_ns = 1;  // > 0
};

// One request per period, as `deadline_jobs` makes them; each is released up to jitter_ns late.
struct Periodic {
  std::uint64_t exec_ns = 1;
  std::uint64_t period_ns = 1;
  std::uint64_t phase_ns = 0;
  std::uint64_t jitter_ns = 0;
  std::uint64_t count = 0;  // of requests so far

  [[nodiscard]] std::optional<Request> next(std::uint64_t now_ns, Random& random);
};

// One request per period, as a script would do it that sleeps until the next is due, but a little in any
// case: each is a job of its own. One that has fallen behind by twenty periods gives up what it has not done.
struct Sleeper {
  std::uint64_t exec_ns = 1;
  std::uint64_t period_ns = 1;
  std::uint64_t least_sleep_ns = 500'000;
  std::uint64_t due_ns = 0;

  [[nodiscard]] std::optional<Request> next(std::uint64_t now_ns, Random& random);
};

// Never sleeps.
struct Hog {
  std::uint64_t start_ns = 0;

  [[nodiscard]] std::optional<Request> next(std::uint64_t now_ns, Random& random) const;
};

// The hardest abuser: takes all it gets, but sleeps between its jobs, so that each is a short one.
struct BackToBack {
  std::uint64_t exec_ns = 1;
  std::uint64_t pause_ns = 0;

  [[nodiscard]] std::optional<Request> next(std::uint64_t now_ns, Random& random) const;
};

// Periodic for on_ns, silent for off_ns, and so on.
struct Bursts {
  std::uint64_t exec_ns = 1;
  std::uint64_t period_ns = 1;
  std::uint64_t on_ns = 1;
  std::uint64_t off_ns = 0;
  std::uint64_t phase_ns = 0;
  std::uint64_t count = 0;

  [[nodiscard]] std::optional<Request> next(std::uint64_t now_ns, Random& random);
};

// What was recorded, as often as it was recorded.
struct Replay {
  std::shared_ptr<const std::vector<Request>> requests;
  std::size_t count = 0;

  [[nodiscard]] std::optional<Request> next(std::uint64_t now_ns, Random& random);
};

// Steps one after the other, in phases that are repeated; all of them are repeated in turn. As rt-app means
// them: a sleep begins when the step before has ended; a timer, from its first use on, when its last period
// was over, and where it is late it begins anew, unless it is absolute.
struct Script {
  enum class Kind : std::uint8_t { run, sleep, timer, absolute_timer };
  struct Step {
    Kind kind = Kind::run;
    std::uint64_t time_ns = 1;  // of a run > 0
    std::uint32_t timer = 0;    // index
  };
  static constexpr std::uint32_t for_ever = UINT32_MAX;
  struct Phase {
    std::uint32_t loops = 1;
    std::vector<Step> steps;
  };
  // With a run somewhere.
  struct Program {
    std::uint32_t loops = for_ever;
    std::uint32_t timers = 0;
    std::vector<Phase> phases;
  };

  std::shared_ptr<const Program> program;
  std::uint64_t begin_ns = 0;
  std::uint32_t loop = 0;
  std::size_t phase = 0;
  std::uint32_t phase_loop = 0;
  std::size_t step = 0;
  std::vector<std::uint64_t> expires_ns = {};  // of each timer; 0: not used yet

  [[nodiscard]] std::optional<Request> next(std::uint64_t now_ns, Random& random);

 private:
  [[nodiscard]] const Step* advance();
  [[nodiscard]] std::uint64_t end_of(const Step& pause, std::uint64_t now_ns);
};

// Sleeps until it is woken, by others; what it is told meanwhile it does without a sleep.
struct Told {
  std::uint64_t more_ns = 0;

  [[nodiscard]] std::optional<Request> next(std::uint64_t now_ns, Random& random);
};

using Behaviour = std::variant<Periodic, Sleeper, Hog, BackToBack, Bursts, Replay, Script, Told>;

// The next request of a task that has done with the one before at now_ns; none: it exits.
[[nodiscard]] std::optional<Request> next_request(Behaviour& behaviour, std::uint64_t now_ns, Random& random);

}  // namespace slo::sim
