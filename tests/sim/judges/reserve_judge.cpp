// SPDX-License-Identifier: GPL-2.0-only
#include "reserve_judge.h"

#include <format>

#include "bpf/policy/server.h"

namespace slo::sim {
namespace {

// It is looked at every SLO_SERVER_STEP_NS.
constexpr std::uint64_t empty_max_ns = 2 * SLO_SERVER_STEP_NS + 1'000'000;

}  // namespace

void ReserveJudge::looks(std::uint64_t now_ns) {
  if (!ext_.is_attached()) {
    empty_since_ns_.clear();
    there_since_ns_.clear();
    return;
  }
  const Servers& servers = daemon_.servers();
  for (std::uint32_t slot = 0; slot < there_since_ns_.size(); ++slot)
    if (!servers.contains(slot)) there_since_ns_[slot] = 0;
  for (const auto& [slot, server] : servers) {
    if (there_since_ns_.size() <= slot) there_since_ns_.resize(slot + 1);
    if (there_since_ns_[slot] == 0) there_since_ns_[slot] = now_ns + 1;
    if (server.quota_ns != 0) look_at(slot, server.quota_ns, now_ns);
  }
}

void ReserveJudge::look_at(std::uint32_t slot, std::uint64_t quota_ns, std::uint64_t now_ns) {
  const void* server = daemon_.server(slot);
  const std::int64_t left_ns = sim_reserve_left_ns(server);
  const auto quota = static_cast<std::int64_t>(quota_ns);
  // Of each CPU: up to a tick until it is noticed, twice where it just went on, and a chunk.
  const std::int64_t debt_max_ns =
      quota + static_cast<std::int64_t>(kernel_.machine().cpus *
                                        (2 * kernel_.machine().tick_ns + SLO_SERVER_CHUNK_MAX_NS));
  if (left_ns < -debt_max_ns)
    complain("debt", now_ns, std::format("the reserve in slot {} is {} us in debt", slot, -left_ns / 1000));
  if (empty_since_ns_.size() <= slot) empty_since_ns_.resize(slot + 1);
  std::uint64_t& since_ns = empty_since_ns_[slot];
  const std::uint64_t filling_ns = now_ns + boot_ns - sim_reserve_filled_ns(server);
  if (sim_is_reserve_empty(server) == 0 ||
      slo_server_revives(slo_server_fill_ns(left_ns, quota_ns, filling_ns), quota_ns) == 0)
    since_ns = 0;
  else if (since_ns == 0)
    since_ns = now_ns;
  else if (now_ns - since_ns > empty_max_ns)
    complain(now_ns < there_since_ns_[slot] + SLO_SERVER_PERIOD_NS ? "empty-anew" : "empty", now_ns,
             std::format("the reserve in slot {} has enough and counts as empty", slot));
}

}  // namespace slo::sim
