// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "bpf/abi/slo_abi.h"

namespace slo {

// The machine as the BPF objects need to know it; fixed while the daemon runs.
struct Topology {
  unsigned nr_cpus = 1;              // possible ones
  std::uint64_t tick_ns = 0;         // the kernel's
  std::vector<slo_u8> shard_of_cpu;  // nr_cpus of them, each below nr_shards
  unsigned nr_shards = 1;            // at most SLO_MAX_SHARDS
};

// CPUs of one last-level cache share statistics, in groups of at most 16.
[[nodiscard]] Topology read_topology(unsigned nr_cpus);

// The number that a file of the kernel's begins with.
[[nodiscard]] std::optional<std::uint64_t> read_number(const std::filesystem::path& path);

}  // namespace slo
