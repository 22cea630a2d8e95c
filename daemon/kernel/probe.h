// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <span>

#include "attachment/requirements.h"

namespace slo {

// Asks the running kernel what files do not tell: its functions against what our two BPF objects (ELF files)
// call, and whether a program that does nothing can be loaded and is compiled. Leaves nothing behind in the
// kernel. What cannot be found out is taken for well: the load that follows will say so. Takes some 10 ms;
// the answer holds until the next boot.
[[nodiscard]] KernelFacts probe_kernel(std::span<const std::byte> scheduler_object,
                                       std::span<const std::byte> observer_object);

}  // namespace slo
