// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string_view>

namespace slo::sim {

// Why complaints of this kind are nothing new: what is known to be wrong, as known_faults_test.cpp shows it.
// Empty: they are new.
[[nodiscard]] std::string_view reason_for(std::string_view kind);

}  // namespace slo::sim
