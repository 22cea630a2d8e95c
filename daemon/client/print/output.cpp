// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/output.h"

#include <iostream>

#include "client/options.h"

namespace slo::client {

int print(const std::string& text, int code) {
  if (text.empty()) return code;
  std::cout << text << std::flush;
  if (std::cout) return code;
  std::cerr << "scx-slo: cannot write to standard output\n";
  return exit_failure;
}

}  // namespace slo::client
