// SPDX-License-Identifier: GPL-2.0-only
#include "policy_floor.h"

#include "bpf/policy/job.h"
#include "policy_server.h"

namespace slo::sim {

void charge(PolicyState& state, CpuId cpu, std::uint64_t now_ns) {
  CpuState& at = state.cpus[cpu];
  const std::uint32_t permille = state.policy.tunables.best_effort_floor_permille;
  const std::uint64_t ran_ns = slo_elapsed_ns(at.charged_ns, now_ns);
  if (at.running_class == SLO_CLASS_BEST_EFFORT) {
    at.floor_credit_ns = slo_floor_earn(at.floor_credit_ns, ran_ns, permille, state.floor_credit_max_ns);
  } else if (at.running_class == SLO_CLASS_SLO) {
    if (best_effort_waits(state, cpu))
      at.floor_credit_ns = slo_floor_spend(at.floor_credit_ns, ran_ns, permille);
    state.unit_of(at.running).key_exec_ns += ran_ns;
    charge_server(state, at.running, cpu, ran_ns, now_ns);
  }
  at.charged_ns = now_ns;
}

bool floor_is_wanted(const PolicyState& state, CpuId cpu) {
  return state.policy.has_floor &&
         slo_floor_is_wanted(state.cpus[cpu].floor_credit_ns, state.floor_credit_max_ns) != 0 &&
         best_effort_waits(state, cpu);
}

Picked take_floor_turn(PolicyState& state, CpuId cpu, bool has_slo, bool wanted, std::uint64_t key_ns,
                       std::uint64_t now_ns) {
  CpuState& at = state.cpus[cpu];
  if (in_floor_turn(at, now_ns)) return take_best_effort(state, cpu);
  at.floor_turn_until_ns = 0;
  if (!has_slo || !wanted) return {};
  const std::uint64_t turn_ns = state.policy.floor_turn_ns != 0 ? state.policy.floor_turn_ns
                                                                : slo_floor_turn_ns(state.smallest_budget_ns);
  if (slo_floor_takes_turn(at.floor_credit_ns, state.floor_credit_max_ns, now_ns, turn_ns, key_ns) == 0)
    return {};
  const Picked picked = take_best_effort(state, cpu);
  if (picked.task == no_task) return {};
  at.floor_turn_until_ns = now_ns + turn_ns;
  state.kernel.arm(cpu, Timer::floor_turn, at.floor_turn_until_ns);
  return picked;
}

void end_floor_turn(PolicyState& state, CpuId cpu, std::uint64_t now_ns) {
  state.cpus[cpu].floor_turn_until_ns = 0;
  if (slo_waits(state, cpu)) kick_now(state, cpu, now_ns);
}

}  // namespace slo::sim
