// SPDX-License-Identifier: GPL-2.0-only
#include "generator.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "../random.h"
#include "bpf/abi/slo_abi.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t ms_us = 1000;
constexpr std::uint64_t second_us = 1'000'000;

// How often verbs are drawn, in the order of Verb.
constexpr std::array<std::uint64_t, 19> usual_weights = {60, 8, 8, 2, 3, 8, 3, 4, 3, 2,
                                                         5,  1, 1, 1, 1, 2, 3, 1, 1};

// So many stories are without limits for each one with them. Each is drawn as if there were none, then from
// numbers of their own: those without are what they were before there were limits.
constexpr std::uint64_t limited_every = 7;

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) { story_.seed = seed; }

  Story story() {
    draw_machine();
    draw_units();
    if (is_one_of(50))
      draw_storm();
    else
      draw_steps();
    if (story_.seed % limited_every == 0) draw_limits();
    std::ranges::stable_sort(story_.steps, {}, &Step::at_us);
    return std::move(story_);
  }

 private:
  [[nodiscard]] std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + below(random_, most - least + 1);
  }
  [[nodiscard]] bool is_one_of(std::uint64_t cases) { return below(random_, cases) == 0; }
  // Each order of magnitude as often as the others.
  [[nodiscard]] std::uint64_t scaled(std::uint64_t least, std::uint64_t most) {
    const double ratio = static_cast<double>(most) / static_cast<double>(least);
    return static_cast<std::uint64_t>(static_cast<double>(least) * std::pow(ratio, fraction(random_)));
  }
  [[nodiscard]] std::uint64_t any_task() { return below(random_, names_); }
  [[nodiscard]] std::uint64_t any_cpu() { return below(random_, story_.machine.cpus); }
  [[nodiscard]] std::uint64_t any_unit() { return below(random_, story_.units.size()); }

  void draw_machine() {
    Machine& machine = story_.machine;
    constexpr std::array most = {1U, 2U, 2U, 4U, 4U, 8U, 16U};
    machine.cpus = static_cast<std::uint32_t>(between(1, most[below(random_, most.size())]));
    if (is_one_of(20)) machine.cpus = static_cast<std::uint32_t>(between(17, 64));
    if (machine.cpus % 2 == 0 && is_one_of(3)) {
      machine.threads = 2;
      machine.siblings = is_one_of(2) ? Siblings::adjacent : Siblings::halves;
    }
    if (is_one_of(2)) machine.cache_cpus = static_cast<std::uint32_t>(between(1, machine.cpus));
    if (is_one_of(5)) machine.nodes = 2;
    if (is_one_of(15))
      for (std::uint32_t cpu = 1; cpu < machine.cpus; ++cpu)
        if (is_one_of(4)) machine.offline.push_back(cpu);
    story_.is_6_12 = is_one_of(5);
    if (is_one_of(5)) story_.attach_us = scaled(10, 5 * ms_us);
  }

  void draw_units() {
    const std::uint64_t units = between(1, 6);
    for (std::uint64_t nth = 0; nth < units; ++nth) story_.units.push_back(any_settings(nth));
    const std::uint64_t tasks = between(1, std::min<std::uint64_t>(3 * story_.machine.cpus + 4, 60));
    for (names_ = 0; names_ < tasks; ++names_) story_.tasks.push_back(static_cast<std::uint32_t>(any_unit()));
  }

  Unit any_settings(std::uint64_t nth) {
    Unit unit{.name = std::to_string(nth)};
    if (!is_one_of(3)) unit.budget_ns = any_budget_us() * SLO_NSEC_PER_USEC;
    if (is_one_of(6)) unit.max_exec_ns = scaled(2 * ms_us, 100 * ms_us) * SLO_NSEC_PER_USEC;
    unit.bounds_response = is_one_of(5);
    unit.importance = static_cast<std::uint32_t>(scaled(1, 10'000));
    if (is_one_of(4)) unit.reserve_permille = scaled(10, 900);
    if (is_one_of(2)) unit.cpu_weight = static_cast<std::uint32_t>(scaled(1, 10'000));
    if (unit.cpu_weight != 0) unit.is_cpu_idle = is_one_of(10);
    // Not drawn for itself, so that a seed is the story that it was before there were operators.
    unit.is_operator = unit.budget_ns == 0 && unit.importance % 3 == 0;
    if (nth != 0 && is_one_of(5)) unit.slice = static_cast<std::uint32_t>(below(random_, nth));
    return unit;
  }

  [[nodiscard]] std::uint64_t any_budget_us() { return scaled(100, second_us); }

  void draw_steps() {
    for (std::size_t verb = 0; verb < usual_weights.size(); ++verb) {
      constexpr std::array factors = {0, 1, 1, 4};
      weights_[verb] =
          usual_weights[verb] * static_cast<std::uint64_t>(factors[below(random_, factors.size())]);
    }
    weights_[0] = std::max(weights_[0], usual_weights[0] / 2);
    story_.span_us = scaled(20 * ms_us, 400 * ms_us);
    long_us_ = is_one_of(2) ? 10 * ms_us : 200 * ms_us;
    story_.steps.push_back({.at_us = is_one_of(4) ? below(random_, 20 * ms_us) : 0, .verb = Verb::attach});
    const std::uint64_t steps = scaled(10, 300);
    std::uint64_t at_us = 0;
    for (std::uint64_t nth = 0; nth < steps; ++nth) {
      at_us = is_one_of(4) ? at_us + below(random_, 5) : below(random_, story_.span_us);
      add_step(at_us);
    }
  }

  [[nodiscard]] Verb any_verb() {
    std::uint64_t sum = 0;
    for (const std::uint64_t weight : weights_) sum += weight;
    std::uint64_t drawn = below(random_, sum);
    std::size_t verb = 0;
    for (; drawn >= weights_[verb]; ++verb) drawn -= weights_[verb];
    return static_cast<Verb>(verb);
  }

  void add_step(std::uint64_t at_us) {
    Step step{.at_us = at_us, .verb = any_verb(), .subject = any_task()};
    switch (step.verb) {
      case Verb::wake:
        step.value = static_cast<std::int64_t>(any_exec_us());
        step.from = any_cpu();
        step.is_sync = is_one_of(8);
        if (is_one_of(5)) repeat(step);
        break;
      case Verb::fork:
        step.value = static_cast<std::int64_t>(any_exec_us());
        step.from = names_++;
        if (is_one_of(8)) repeat(step);
        break;
      case Verb::affinity:
        step.value = static_cast<std::int64_t>(any_cpus());
        break;
      case Verb::move:
        step.value = static_cast<std::int64_t>(any_unit());
        break;
      case Verb::nice:
        step.value = static_cast<std::int64_t>(between(0, 39)) - 20;
        break;
      case Verb::real_time:
        step.value = is_one_of(2) ? 0 : static_cast<std::int64_t>(between(1, 99));
        break;
      case Verb::weight:
      case Verb::budget:
      case Verb::importance:
      case Verb::reserve:
        draw_setting(step);
        break;
      case Verb::offline:
      case Verb::online:
        step.subject = any_cpu();
        break;
      case Verb::attach:
      case Verb::detach:
        step.subject = 0;
        break;
      default:
        break;
    }
    story_.steps.push_back(step);
  }

  void draw_setting(Step& step) {
    step.subject = any_unit();
    if (step.verb == Verb::budget)
      step.value = is_one_of(3) ? 0 : static_cast<std::int64_t>(any_budget_us());
    else if (step.verb == Verb::reserve)
      step.value = is_one_of(3) ? 0 : static_cast<std::int64_t>(scaled(10, 900));
    else
      step.value = static_cast<std::int64_t>(scaled(1, 10'000));
  }

  [[nodiscard]] std::uint64_t any_exec_us() {
    return is_one_of(5) ? scaled(ms_us, long_us_) : scaled(10, 5 * ms_us);
  }

  void repeat(Step& step) {
    step.times = between(2, 100);
    step.every_us = scaled(50, 20 * ms_us);
  }

  // One, some, or all.
  [[nodiscard]] std::uint64_t any_cpus() {
    const std::uint64_t all = story_.machine.cpus == 64 ? UINT64_MAX : (1ULL << story_.machine.cpus) - 1;
    if (is_one_of(3)) return all;
    if (is_one_of(2)) return 1ULL << any_cpu();
    const std::uint64_t some = random_() & all;
    return some != 0 ? some : all;
  }

  // What the kernel takes; as tight as not, on this machine.
  Limit any_limit() {
    const std::uint64_t period_us = scaled(ms_us, second_us);
    const std::uint64_t quota_us = scaled(ms_us, ms_us + 2 * period_us);
    const std::uint64_t burst_us = is_one_of(3) ? between(0, quota_us) : 0;
    return {.quota_ns = quota_us * SLO_NSEC_PER_USEC,
            .period_ns = period_us * SLO_NSEC_PER_USEC,
            .burst_ns = burst_us * SLO_NSEC_PER_USEC};
  }

  void draw_limits() {
    random_.seed(~story_.seed);
    for (Unit& unit : story_.units)
      if (!is_one_of(3)) unit.limit = any_limit();
    constexpr std::array verbs = {Verb::wake,     Verb::wake,       Verb::limit,     Verb::limit,
                                  Verb::freeze,   Verb::freeze,     Verb::thaw,      Verb::thaw,
                                  Verb::exit,     Verb::move,       Verb::hold,      Verb::release,
                                  Verb::lock_rcu, Verb::unlock_rcu, Verb::unlock_rcu};
    for (std::uint64_t left = scaled(10, 300); left != 0; --left) {
      Step step{.at_us = below(random_, story_.span_us),
                .verb = verbs[below(random_, verbs.size())],
                .subject = any_task()};
      if (step.verb == Verb::wake) step.value = static_cast<std::int64_t>(scaled(10, 200 * ms_us));
      if (step.verb == Verb::move) step.value = static_cast<std::int64_t>(any_unit());
      if (step.verb == Verb::limit) draw_change(step);
      story_.steps.push_back(step);
    }
    // Most of them stay in there.
    for (std::uint64_t left = scaled(1, 100); left != 0; --left)
      story_.steps.push_back({.at_us = below(random_, story_.span_us),
                              .verb = is_one_of(3) ? Verb::fault_ends : Verb::fault,
                              .subject = any_task()});
  }

  void draw_change(Step& step) {
    step.subject = any_unit();
    if (is_one_of(4)) return;
    const Limit limit = any_limit();
    step.value = static_cast<std::int64_t>(limit.quota_ns / SLO_NSEC_PER_USEC);
    step.from = limit.period_ns / SLO_NSEC_PER_USEC;
  }

  // Many children that live for less than a slice, one after the other, beside tasks of little weight.
  void draw_storm() {
    story_.machine = {.cpus = static_cast<std::uint32_t>(between(1, 2))};
    story_.span_us = 12 * second_us;
    story_.steps.push_back({.verb = Verb::attach});
    for (std::uint64_t task = 0; task < story_.tasks.size(); ++task) {
      const auto nice = task == 0 ? 0 : static_cast<std::int64_t>(between(0, 39)) - 20;
      story_.steps.push_back({.at_us = 0, .verb = Verb::nice, .subject = task, .value = nice});
      story_.steps.push_back(
          {.at_us = 10, .verb = Verb::wake, .subject = task, .value = 12 * std::int64_t{second_us}});
    }
    const std::uint64_t every_us = scaled(500, 5 * ms_us);
    story_.steps.push_back({.at_us = between(0, second_us),
                            .verb = Verb::fork,
                            .subject = 0,
                            .value = static_cast<std::int64_t>(scaled(100, 2 * every_us)),
                            .times = story_.span_us / every_us,
                            .every_us = every_us});
  }

  Random random_;
  Story story_;
  std::uint64_t names_ = 0;
  std::uint64_t long_us_ = 0;
  std::array<std::uint64_t, usual_weights.size()> weights_ = {};
};

}  // namespace

Story story_of(std::uint64_t seed) {
  return Generator(seed).story();
}

}  // namespace slo::sim
