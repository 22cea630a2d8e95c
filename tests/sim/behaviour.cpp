// SPDX-License-Identifier: GPL-2.0-only
#include "behaviour.h"

#include <algorithm>
#include <utility>

namespace slo::sim {
namespace {

constexpr std::uint64_t for_ever_ns = std::uint64_t{1} << 60;

}  // namespace

std::optional<Request> Periodic::next(std::uint64_t /*now_ns*/, Random& random) {
  return Request{phase_ns + count++ * period_ns + below(random, jitter_ns), exec_ns};
}

std::optional<Request> Sleeper::next(std::uint64_t now_ns, Random& /*random*/) {
  constexpr std::uint64_t periods_behind_max = 20;
  due_ns += period_ns;
  if (now_ns > due_ns + periods_behind_max * period_ns) due_ns = now_ns;
  return Request{std::max(due_ns, now_ns + least_sleep_ns), exec_ns};
}

std::optional<Request> Hog::next(std::uint64_t now_ns, Random& /*random*/) const {
  return Request{std::max(start_ns, now_ns), for_ever_ns};
}

std::optional<Request> BackToBack::next(std::uint64_t now_ns, Random& /*random*/) const {
  return Request{now_ns + pause_ns, exec_ns};
}

std::optional<Request> Bursts::next(std::uint64_t /*now_ns*/, Random& /*random*/) {
  const std::uint64_t per_burst = std::max<std::uint64_t>(1, on_ns / period_ns);
  const std::uint64_t nth = count++;
  const std::uint64_t burst_ns = nth / per_burst * (on_ns + off_ns);
  return Request{phase_ns + burst_ns + nth % per_burst * period_ns, exec_ns};
}

std::optional<Request> Replay::next(std::uint64_t /*now_ns*/, Random& /*random*/) {
  if (!requests || count >= requests->size()) return {};
  return (*requests)[count++];
}

// The step to be taken now; none: all is done.
const Script::Step* Script::advance() {
  while (loop < program->loops || program->loops == for_ever) {
    const Phase& now = program->phases[phase];
    if (step < now.steps.size()) return &now.steps[step++];
    step = 0;
    if (++phase_loop < now.loops || now.loops == for_ever) {
      if (!now.steps.empty()) continue;
    }
    phase_loop = 0;
    if (++phase < program->phases.size()) continue;
    phase = 0;
    ++loop;
  }
  return nullptr;
}

// When a step that is no run is over.
std::uint64_t Script::end_of(const Step& pause, std::uint64_t now_ns) {
  if (pause.kind == Kind::sleep) return now_ns + pause.time_ns;
  expires_ns.resize(program->timers, 0);
  std::uint64_t& expires = expires_ns[pause.timer];
  expires = (expires == 0 ? now_ns : expires) + pause.time_ns;
  if (expires < now_ns && pause.kind == Kind::timer) expires = now_ns;
  return std::max(expires, now_ns);
}

std::optional<Request> Script::next(std::uint64_t now_ns, Random& /*random*/) {
  std::uint64_t at_ns = std::max(now_ns, begin_ns);
  while (const Step* now = advance()) {
    if (now->kind == Kind::run) return Request{at_ns, now->time_ns};
    at_ns = end_of(*now, at_ns);
  }
  return {};
}

std::optional<Request> Told::next(std::uint64_t now_ns, Random& /*random*/) {
  if (more_ns == 0) return Request{for_ever_ns, 1};
  return Request{now_ns, std::exchange(more_ns, 0)};
}

std::optional<Request> next_request(Behaviour& behaviour, std::uint64_t now_ns, Random& random) {
  return std::visit([&](auto& one) { return one.next(now_ns, random); }, behaviour);
}

}  // namespace slo::sim
