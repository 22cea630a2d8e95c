// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <set>
#include <span>
#include <string>

namespace slo {

// Names of the services and slices that have an [X-Slo] section, or one that looks alike, in a unit file or a
// drop-in of their own or of their prefix (foo-.service.d), below the directories that systemd reads
// (Manager.UnitPath). systemd knows a unit only while something refers to it; its files are there before and
// after, and with them its budget.
//
// What the files amount to (masks, precedence, aliases) is for systemd to say about each name. Not found:
// instances of templates, which are anybody's guess until they start, scopes, which have no files before they
// exist, and units whose one section is in a drop-in for all of a type (service.d).
[[nodiscard]] std::set<std::string> units_with_settings(std::span<const std::filesystem::path> unit_path);

}  // namespace slo
