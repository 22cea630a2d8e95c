// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sdbus-c++/sdbus-c++.h>

#include <string>

#include "base/error.h"
#include "manager.h"
#include "trace/recording_order.h"

// What callers are told when they do not get what they asked for.
namespace slo {

[[nodiscard]] sdbus::Error no_such_unit(const Manager& manager, const std::string& name);
[[nodiscard]] sdbus::Error invalid_arguments(const std::string& text);
[[nodiscard]] sdbus::Error not_attached(const Error& error);
[[nodiscard]] sdbus::Error not_kept(const Error& error);
[[nodiscard]] sdbus::Error unsupported(const Error& error);
[[nodiscard]] sdbus::Error failed(const Error& error);
[[nodiscard]] sdbus::Error refused(const Manager& manager, const RecordingRefusal& refusal);

}  // namespace slo
