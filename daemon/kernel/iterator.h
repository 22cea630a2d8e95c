// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/error.h"

struct bpf_link;

namespace slo {

// Runs an iterator program over all that it iterates; subject: whose it is.
[[nodiscard]] Result<void> run_iterator(const bpf_link* link, const char* subject);

}  // namespace slo
