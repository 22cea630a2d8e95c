// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/topology.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace slo {
namespace {

// An LLC with more CPUs than this has several statistics shards: more CPUs on one cache line cost more than a
// shard.
constexpr unsigned max_cpus_per_shard = 16;

// The resolution of the coarse clock is exactly one tick.
std::uint64_t read_tick_ns() {
  timespec res{};
  if (clock_getres(CLOCK_MONOTONIC_COARSE, &res) != 0 || res.tv_nsec <= 0) return 4 * SLO_NSEC_PER_MSEC;
  return static_cast<std::uint64_t>(res.tv_nsec);
}

}  // namespace

std::optional<std::uint64_t> read_number(const std::filesystem::path& path) {
  const std::string text = read_kernel_file(path).value_or("");
  std::uint64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

Topology read_topology(unsigned nr_cpus) {
  Topology topology{.nr_cpus = nr_cpus,
                    .tick_ns = read_tick_ns(),
                    .shard_of_cpu = std::vector<slo_u8>(nr_cpus, 0),
                    .nr_shards = 0};
  std::map<std::pair<std::uint64_t, unsigned>, unsigned> known;
  std::map<std::uint64_t, unsigned> cpus_of_llc;
  for (unsigned cpu = 0; cpu < nr_cpus; ++cpu) {
    const std::filesystem::path cache =
        "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index3/id";
    const std::uint64_t llc = read_number(cache).value_or(0);
    const unsigned group = cpus_of_llc[llc]++ / max_cpus_per_shard;
    const auto [entry, added] = known.try_emplace({llc, group}, topology.nr_shards % SLO_MAX_SHARDS);
    if (added) ++topology.nr_shards;
    topology.shard_of_cpu[cpu] = static_cast<slo_u8>(entry->second);
  }
  topology.nr_shards = std::clamp(topology.nr_shards, 1U, SLO_MAX_SHARDS);
  return topology;
}

}  // namespace slo
