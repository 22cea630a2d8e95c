// SPDX-License-Identifier: GPL-2.0-only
// The daemon's probes with counters of their own, beside whatever daemon and scheduler run: what they count
// of the same load can be held against the daemon's figures.
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "figures/histogram.h"
#include "figures/stats.h"
#include "guarded_main.h"
#include "kernel/bpf_kernel.h"
#include "settings/config.h"
#include "settings/slo.h"

namespace slo::workload {
namespace {

struct observed_cgroup {
  std::string path;
  std::uint64_t id = 0;
  Budget budget = Budget::infinity();
  bool bounds_response = false;
};

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// PATH=BUDGET or PATH=BUDGET,response; the path is that of the cgroup's directory.
observed_cgroup parse(std::string_view text) {
  constexpr std::string_view suffix = ",response";
  const bool bounds_response = text.ends_with(suffix);
  if (bounds_response) text.remove_suffix(suffix.size());
  const auto equals = text.rfind('=');
  if (equals == std::string_view::npos) throw std::runtime_error("give CGROUP_PATH=BUDGET[,response]");
  const auto budget = Budget::parse(text.substr(equals + 1));
  if (!budget || budget->is_infinite())
    throw std::runtime_error("'" + std::string(text) + "' has no budget; give " + Budget::accepted());
  observed_cgroup cgroup{
      .path = std::string(text.substr(0, equals)), .budget = *budget, .bounds_response = bounds_response};
  struct stat status{};
  if (stat(cgroup.path.c_str(), &status) != 0)
    throw std::system_error(errno, std::system_category(), cgroup.path);
  cgroup.id = status.st_ino;
  return cgroup;
}

CfgChange change_for(const observed_cgroup& cgroup, std::uint32_t slot) {
  return {.cgroup_id = cgroup.id,
          .cfg = slo_cfg{.budget_ns = cgroup.budget.ns(),
                         .max_exec_ns = MaxExec::standard(cgroup.budget).ns(),
                         .slot = slot,
                         .importance = 100,
                         .flags = cgroup.bounds_response ? SLO_CFG_RESPONSE : 0,
                         .unit = slot + 1,
                         .server = SLO_NO_SLOT,
                         .pad = 0}};
}

nlohmann::ordered_json describe(std::span<const slo_u64> counts) {
  auto buckets = nlohmann::ordered_json::array();
  for (const auto& [lower_ns, upper_ns, count] : make_histogram(counts))
    buckets.push_back({lower_ns, upper_ns, count});
  return buckets;
}

nlohmann::ordered_json describe(const slo_stats& stats) {
  return {{"jobs", stats.jobs},
          {"misses", stats.misses},
          {"late_start", stats.misses_by_cause[SLO_CAUSE_LATE_START]},
          {"preempted", stats.misses_by_cause[SLO_CAUSE_PREEMPTED]},
          {"overlong", stats.misses_by_cause[SLO_CAUSE_OVERLONG]},
          {"overrun", stats.misses_by_cause[SLO_CAUSE_OVERRUN]},
          {"wait_sum_ns", stats.wait_sum_ns},
          {"exec_sum_ns", stats.exec_sum_ns},
          {"wait", describe(stats.wait_hist)},
          {"response", describe(stats.response_hist)}};
}

void observe(const std::vector<observed_cgroup>& cgroups) {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&ends, signal);
  if (sigprocmask(SIG_BLOCK, &ends, nullptr) != 0)
    throw std::system_error(errno, std::system_category(), "sigprocmask");

  const auto kernel = value_of(BpfKernel::make(Config{}.tunables));
  for (std::uint32_t slot = 0; slot < cgroups.size(); ++slot)
    value_of(kernel->apply(change_for(cgroups[slot], slot)));
  value_of(kernel->observe());
  std::puts("counting");
  std::fflush(stdout);

  int signal = 0;
  sigwait(&ends, &signal);
  nlohmann::ordered_json counted = {{"untracked", kernel->counters().untracked}};
  for (std::uint32_t slot = 0; slot < cgroups.size(); ++slot)
    counted["cgroups"][cgroups[slot].path] = describe(kernel->read_stats(slot));
  std::puts(counted.dump().c_str());
}

}  // namespace
}  // namespace slo::workload

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(
        stderr,
        "usage: observe_beside CGROUP_PATH=BUDGET[,response]...\n"
        "Counts the jobs of these cgroups, says \"counting\" when it has begun, and prints one line of JSON\n"
        "when it is ended by SIGTERM or SIGINT. Needs root.\n");
    return 2;
  }
  return slo::workload::guarded_main("observe_beside", [&] {
    std::vector<slo::workload::observed_cgroup> cgroups;
    for (const std::string_view argument : std::span(argv, static_cast<std::size_t>(argc)).subspan(1))
      cgroups.push_back(slo::workload::parse(argument));
    slo::workload::observe(cgroups);
    return 0;
  });
}
