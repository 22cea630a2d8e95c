// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "error.h"

namespace slo {

// Keeps what libbpf and the verifier warn of, for load_error(), instead of printing it. Once, at the start.
void capture_load_log();
// Before a load: what earlier ones said is of no interest.
void clear_load_log();
// The error of a failed load or attach, with the kernel's own words; err: errno of either sign.
[[nodiscard]] Error load_error(const char* tried, const char* subject, int err);

}  // namespace slo
