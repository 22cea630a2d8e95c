// SPDX-License-Identifier: GPL-2.0-only
#pragma once

// The kernel's structs as the scheduler sees them, for the model. The header is C, so its words that are
// keywords here get other names while it is read.
#pragma push_macro("NULL")
#undef NULL
#pragma push_macro("CLOCK_MONOTONIC")
#undef CLOCK_MONOTONIC
#define false slo_sim_false
#define true slo_sim_true
#define bool slo_sim_bool
#define _Bool unsigned char
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#pragma GCC diagnostic ignored "-Wpedantic"
namespace slo::sim::bpf {
#include "bpf/kernel/types.h"
}  // namespace slo::sim::bpf
#pragma GCC diagnostic pop
#undef _Bool
#undef bool
#undef true
#undef false
#pragma pop_macro("CLOCK_MONOTONIC")
#pragma pop_macro("NULL")
