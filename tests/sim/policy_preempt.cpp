// SPDX-License-Identifier: GPL-2.0-only
#include "policy_preempt.h"

#include <algorithm>

#include "bpf/policy/job.h"

namespace slo::sim {
namespace {

// CPUs that are tried as a victim: of one word of the mask, and in all.
constexpr std::uint32_t victim_tries = 4;
constexpr std::uint32_t victims_tried_max = 16;
constexpr std::uint32_t word_cpus = 64;

// The key of a running SLO task moves on with its execution.
std::uint64_t running_key_ns(const CpuState& cpu, std::uint64_t now_ns) {
  return cpu.key_ns + slo_elapsed_ns(cpu.ran_from_ns, now_ns);
}

void set_alarm(PolicyState& state, CpuId cpu, std::uint64_t now_ns, std::uint64_t delay_ns) {
  CpuState& at = state.cpus[cpu];
  if (at.alarm_ns != 0 && !slo_before(now_ns + delay_ns, at.alarm_ns)) return;
  at.alarm_ns = now_ns + delay_ns;
  state.kernel.arm(cpu, Timer::alarm, at.alarm_ns);
}

// Not before what runs there has had its minimum run, and not more often than allowed: then a timer asks.
void kick_in(PolicyState& state, CpuId cpu, std::uint64_t now_ns, std::uint64_t delay_ns) {
  const CpuState& at = state.cpus[cpu];
  const slo_tunables& tunables = state.policy.tunables;
  const std::uint64_t at_ns =
      slo_kick_at_ns(at.ran_from_ns, tunables.min_run_ns, at.last_kick_ns, tunables.kick_interval_ns);
  if (slo_before(now_ns + delay_ns, at_ns)) delay_ns = at_ns - now_ns;
  if (delay_ns != 0)
    set_alarm(state, cpu, now_ns, delay_ns);
  else
    kick_now(state, cpu, now_ns);
}

bool try_victim(PolicyState& state, CpuId cpu, std::uint32_t shard, std::uint64_t key_ns,
                std::uint64_t now_ns) {
  if (!may_preempt(state.cpus[cpu], key_ns, now_ns)) return false;
  if (state.shard_at(cpu) != shard) state.cpus[cpu].helps = shard;
  kick_in(state, cpu, now_ns, 0);
  return true;
}

enum class Tried : std::uint8_t { kicked, none_left, enough };

// The CPUs of one word of the mask, from the highest down.
Tried kick_one_of(PolicyState& state, std::uint32_t word, CpuId near, std::uint64_t key_ns,
                  std::uint64_t now_ns, std::uint32_t& tried) {
  const auto nr_cpus = static_cast<CpuId>(state.cpus.size());
  std::uint32_t tries = 0;
  for (CpuId cpu = std::min(nr_cpus, (word + 1) * word_cpus); cpu-- > word * word_cpus;) {
    if (!state.best_effort_cpus[cpu]) continue;
    if (tries++ == victim_tries) break;
    if (try_victim(state, cpu, state.shard_at(near), key_ns, now_ns)) return Tried::kicked;
    ++tried;
  }
  return tried >= victims_tried_max ? Tried::enough : Tried::none_left;
}

bool kick_best_effort(PolicyState& state, CpuId near, std::uint64_t key_ns, std::uint64_t now_ns) {
  const auto words = static_cast<std::uint32_t>((state.cpus.size() + word_cpus - 1) / word_cpus);
  std::uint32_t tried = 0;
  for (std::uint32_t i = 0; i < words; ++i) {
    const Tried outcome = kick_one_of(state, (near / word_cpus + i) % words, near, key_ns, now_ns, tried);
    if (outcome != Tried::none_left) return outcome == Tried::kicked;
  }
  return false;
}

// The one with the later key of two random ones.
CpuId random_victim(PolicyState& state, std::uint64_t now_ns) {
  const auto first = static_cast<CpuId>(below(state.random, state.cpus.size()));
  const auto second = static_cast<CpuId>(below(state.random, state.cpus.size()));
  const CpuState& a = state.cpus[first];
  const CpuState& b = state.cpus[second];
  const bool is_later = slo_before(running_key_ns(a, now_ns), running_key_ns(b, now_ns)) != 0;
  return b.running_class == SLO_CLASS_SLO && is_later ? second : first;
}

}  // namespace

bool in_floor_turn(const CpuState& cpu, std::uint64_t now_ns) {
  return cpu.floor_turn_until_ns != 0 && now_ns < cpu.floor_turn_until_ns;
}

bool may_preempt(const CpuState& cpu, std::uint64_t key_ns, std::uint64_t now_ns) {
  return !in_floor_turn(cpu, now_ns) &&
         slo_preempts(key_ns, cpu.running_class, running_key_ns(cpu, now_ns)) != 0;
}

void kick_now(PolicyState& state, CpuId cpu, std::uint64_t now_ns) {
  CpuState& at = state.cpus[cpu];
  if (at.is_kick_pending) return;
  at.is_kick_pending = true;
  at.last_kick_ns = now_ns;
  state.kernel.kick(cpu);
}

void kick_seen(PolicyState& state, CpuId cpu) {
  state.cpus[cpu].is_kick_pending = false;
}

void kick_when_overtaken(PolicyState& state, CpuId cpu, std::uint64_t key_ns, std::uint64_t now_ns) {
  const CpuState& at = state.cpus[cpu];
  if (state.policy.preemption != Preemption::kick) return;
  if (at.running_class == SLO_CLASS_NONE || in_floor_turn(at, now_ns)) return;
  std::uint64_t delay_ns = 0;
  if (!may_preempt(at, key_ns, now_ns))
    delay_ns = slo_overtaken_in_ns(key_ns, at.key_ns, at.ran_from_ns, now_ns) + 1;
  if (delay_ns < state.kernel.machine().tick_ns) kick_in(state, cpu, now_ns, delay_ns);
}

void look_at_queues(PolicyState& state, CpuId cpu, std::uint64_t now_ns) {
  if (!slo_waits(state, cpu)) return;
  const auto first = first_slo(state, cpu);
  if (first) kick_when_overtaken(state, cpu, first->key_ns, now_ns);
}

void preempt_for(PolicyState& state, CpuId prev, std::uint64_t key_ns, std::uint64_t now_ns) {
  if (state.policy.preemption != Preemption::kick) return;
  if (state.cpus.size() > 1 && state.cpus[prev].running_class != SLO_CLASS_BEST_EFFORT &&
      (kick_best_effort(state, prev, key_ns, now_ns) ||
       try_victim(state, random_victim(state, now_ns), state.shard_at(prev), key_ns, now_ns)))
    return;
  kick_when_overtaken(state, prev, key_ns, now_ns);
}

bool wake_idle_cpu(PolicyState& state, CpuId near) {
  const auto own_bit = std::ranges::find(state.idle_cpus, true);
  if (own_bit == state.idle_cpus.end()) return false;
  const auto idle = state.kernel.claim_idle_cpu(near);
  state.kernel.kick_idle(idle.value_or(static_cast<CpuId>(own_bit - state.idle_cpus.begin())));
  return idle.has_value();
}

void note_class(PolicyState& state, CpuId cpu, std::uint32_t running_class) {
  state.cpus[cpu].running_class = running_class;
  state.best_effort_cpus[cpu] = running_class == SLO_CLASS_BEST_EFFORT;
}

}  // namespace slo::sim
