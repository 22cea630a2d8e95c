// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/error.h"

namespace slo {

// Keeps what libbpf and the verifier warn of, for load_error(), instead of printing it. Once, at the start.
void capture_load_log();
// Before a load: what earlier ones said is of no interest.
void clear_load_log();
// The error of a failed load or attach, with the kernel's own words; err: errno of either sign.
[[nodiscard]] Error load_error(const char* tried, const char* subject, int err);

// Of the settings that an object has in maps. Atomic, and after the maps were changed: a task that sees the
// new generation finds the new settings.
template <class Number>
void raise_generation(Number& generation) {
  __atomic_add_fetch(&generation, 1, __ATOMIC_SEQ_CST);
}

}  // namespace slo
