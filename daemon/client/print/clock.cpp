// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/clock.h"

#include <array>

namespace slo::client {

std::string clock_text(time_t seconds) {
  tm local{};
  std::array<char, 32> text{};
  if (localtime_r(&seconds, &local) == nullptr) return {};
  return {text.data(), strftime(text.data(), text.size(), "%F %T", &local)};
}

}  // namespace slo::client
