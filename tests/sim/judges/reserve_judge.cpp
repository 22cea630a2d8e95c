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
  for (std::uint32_t at = 0; at < there_since_ns_.size(); ++at)
    if (!servers.contains(at)) there_since_ns_[at] = 0;
  for (const auto& [at, server] : servers) {
    if (there_since_ns_.size() <= at) there_since_ns_.resize(at + 1);
    if (there_since_ns_[at] == 0) there_since_ns_[at] = now_ns + 1;
    if (server.quota_ns != 0) look_at(at, server, now_ns);
  }
}

void ReserveJudge::look_at(std::uint32_t at, const slo_server_cfg& cfg, std::uint64_t now_ns) {
  const void* server = daemon_.server(at);
  const std::int64_t left_ns = sim_reserve_left_ns(server);
  const auto most = static_cast<std::int64_t>(cfg.quota_ns + cfg.burst_ns);
  // Of each CPU: up to a tick until it is noticed, twice where it just went on, and a chunk.
  const std::int64_t debt_max_ns =
      most + static_cast<std::int64_t>(kernel_.machine().cpus *
                                       (2 * kernel_.machine().tick_ns + SLO_SERVER_CHUNK_MAX_NS));
  if (left_ns < -debt_max_ns)
    complain("debt", now_ns, std::format("the reserve at {} is {} us in debt", at, -left_ns / 1000));
  if (empty_since_ns_.size() <= at) empty_since_ns_.resize(at + 1);
  std::uint64_t& since_ns = empty_since_ns_[at];
  const std::uint64_t filling_ns = now_ns + boot_ns - sim_reserve_filled_ns(server);
  if (sim_is_reserve_empty(server) == 0 ||
      slo_server_revives(slo_server_fill_ns(left_ns, cfg.quota_ns, cfg.burst_ns, filling_ns), cfg.quota_ns) ==
          0)
    since_ns = 0;
  else if (since_ns == 0)
    since_ns = now_ns;
  else if (now_ns - since_ns > empty_max_ns)
    complain(now_ns < there_since_ns_[at] + SLO_SERVER_PERIOD_NS ? "empty-anew" : "empty", now_ns,
             std::format("the reserve at {} has enough and counts as empty", at));
}

}  // namespace slo::sim
