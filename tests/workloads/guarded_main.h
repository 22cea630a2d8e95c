// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdio>
#include <exception>

namespace slo::workload {

// What main() of a workload ends with: the status that `body` answers, or 1 and what it threw.
template <class Body>
int guarded_main(const char* program, Body&& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", program, error.what());
    return 1;
  }
}

}  // namespace slo::workload
