// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

#include "../machine/kernel.h"

// What lies where, in words: by the symbols of this program, and by what the model keeps of tasks.
namespace slo::sim {

// The function that code belongs to.
[[nodiscard]] std::string name_of_code(const void* address);
// A global with an offset, or whose storage it is.
[[nodiscard]] std::string name_of_data(Kernel& kernel, const void* address);

}  // namespace slo::sim
