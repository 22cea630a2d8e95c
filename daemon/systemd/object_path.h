// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>
#include <string>

namespace slo {

// "/org/scxslo/unit" and "a.service" -> "/org/scxslo/unit/a_2eservice". Throws std::bad_alloc.
[[nodiscard]] std::string object_path(const char* prefix, const std::string& name);
// The reverse; empty: the path is none of that prefix.
[[nodiscard]] std::optional<std::string> name_of_path(const char* prefix, const char* path);

}  // namespace slo
