// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>
#include <string>
#include <string_view>

// Where systemd puts the cgroup of a unit, worked out before there is one. After systemd's
// src/basic/unit-name.c (slices), src/core/unit.c (default slices) and src/basic/cgroup-util.c (escaping), as
// of 257.
namespace slo {

// The component of a path that is this unit's: its name, with an underscore before what the kernel could
// mistake for one of its own files ("cgroup.service"), and before a leading underscore or dot.
[[nodiscard]] std::string cgroup_component(std::string_view unit);

// "foo-bar.slice" -> "/foo.slice/foo-bar.slice", "-.slice" -> "/"; nothing: it is no name of a slice.
[[nodiscard]] std::optional<std::string> slice_path(std::string_view slice);

// The path of a service, scope or slice of the system's manager. slice: Slice= as written, with specifiers;
// empty: none is set, and an instance of "foo@.service" is in system-foo.slice, everybody else in
// system.slice. Nothing: it cannot be told, as the name or the slice is none, or has a specifier other than
// %i, %p, %n, %N and %%.
[[nodiscard]] std::optional<std::string> expected_path(std::string_view unit, std::string_view slice);

}  // namespace slo
