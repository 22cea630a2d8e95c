// SPDX-License-Identifier: GPL-2.0-only
#include "units/slots.h"

#include <utility>

#include "bpf/abi/slo_abi.h"

namespace slo {

// Goes round, so that a freed slot rests as long as possible: jobs of its last unit may still be under way.
void Slots::give(const std::string& unit) {
  if (slots_.size() == owners_.size() || slots_.contains(unit)) return;
  while (!owners_[next_ % owners_.size()].empty()) ++next_;
  const std::size_t slot = next_++ % owners_.size();
  owners_[slot] = unit;
  slots_.emplace(unit, static_cast<std::uint32_t>(slot));
}

void Slots::take_back(std::string_view unit) {
  const auto at = slots_.find(unit);
  if (at == slots_.end()) return;
  freed_.push_back(at->second);
  owners_[at->second].clear();
  slots_.erase(at);
}

std::uint32_t Slots::of(std::string_view unit) const {
  const auto at = slots_.find(unit);
  return at == slots_.end() ? SLO_NO_SLOT : at->second;
}

const std::string* Slots::owner_of(std::uint32_t slot) const {
  return slot < owners_.size() && !owners_[slot].empty() ? &owners_[slot] : nullptr;
}

std::vector<std::uint32_t> Slots::take_freed() {
  return std::exchange(freed_, {});
}

}  // namespace slo
