// SPDX-License-Identifier: GPL-2.0-only
#include "units/vital.h"

#include <algorithm>
#include <array>

#include "base/unit_name.h"

namespace slo {
namespace {

constexpr auto vital =
    std::to_array<std::string_view>({"dbus.service", "dbus-broker.service", "scx-slo.service",
                                     "systemd-logind.service", "systemd-journald.service"});

constexpr auto operators = std::to_array<std::string_view>(
    {"user-0.slice", "ssh.service", "sshd.service", "ssh@", "sshd@", "dropbear.service", "dropbear@",
     "getty@", "serial-getty@", "console-getty.service", "container-getty@", "emergency.service",
     "rescue.service", "debug-shell.service"});

}  // namespace

std::span<const std::string_view> vital_units() {
  return vital;
}

bool is_vital(std::string_view unit) {
  return std::ranges::contains(vital, unit);
}

std::span<const std::string_view> operator_units() {
  return operators;
}

bool is_operators(std::string_view unit) {
  return std::ranges::any_of(operators, [unit](std::string_view one) {
    return one.ends_with('@') ? unit.starts_with(one) && unit.ends_with(service_suffix) : unit == one;
  });
}

}  // namespace slo
