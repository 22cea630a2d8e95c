// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>

#include "base/error.h"
#include "trace/source.h"

namespace slo {

// bpf/recorder.bpf.c, loaded and not started; independent of what else is loaded.
[[nodiscard]] Result<std::unique_ptr<TraceSource>> load_recorder();

}  // namespace slo
