// SPDX-License-Identifier: GPL-2.0-only
#include "accesses.h"

namespace slo::sim {
namespace {

AccessCounts* present_one = nullptr;

}  // namespace

AccessCounts::AccessCounts(Kernel& kernel) : kernel_(kernel) {
  present_one = this;
}

AccessCounts::~AccessCounts() {
  present_one = nullptr;
}

AccessCounts* AccessCounts::present() {
  return present_one;
}

}  // namespace slo::sim
