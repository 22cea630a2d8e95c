// SPDX-License-Identifier: GPL-2.0-only
#include "units/slots.h"

#include <utility>

#include "bpf/abi/slo_abi.h"

namespace slo {

// Goes round, so that a freed slot rests as long as possible: jobs of its last unit may still be under way.
std::uint32_t Slots::free_slot() {
  if (slots_.size() + aside_.size() == owners_.size()) return SLO_NO_SLOT;
  const auto is_taken = [this](std::size_t slot) {
    return !owners_[slot].empty() || aside_.contains(static_cast<std::uint32_t>(slot));
  };
  while (is_taken(next_ % owners_.size())) ++next_;
  return static_cast<std::uint32_t>(next_++ % owners_.size());
}

void Slots::give(const std::string& unit) {
  if (slots_.contains(unit)) {
    reserved_.erase(unit);
    return;
  }
  std::uint32_t slot = free_slot();
  if (slot == SLO_NO_SLOT && !reserved_.empty()) {
    const std::string loser = *reserved_.rbegin();
    take_back(loser);
    slot = free_slot();
    refused_ = true;  // the loser
  }
  if (slot != SLO_NO_SLOT)
    assign(slot, unit);
  else
    refused_ = true;
}

void Slots::reserve(const std::string& unit) {
  if (slots_.contains(unit)) return;
  const std::uint32_t slot = free_slot();
  if (slot == SLO_NO_SLOT) {
    refused_ = true;
    return;
  }
  assign(slot, unit);
  reserved_.insert(unit);
}

std::uint32_t Slots::set_aside() {
  const std::uint32_t slot = free_slot();
  if (slot != SLO_NO_SLOT) aside_.insert(slot);
  return slot;
}

void Slots::assign(std::uint32_t slot, const std::string& unit) {
  aside_.erase(slot);
  owners_[slot] = unit;
  slots_.emplace(unit, slot);
}

void Slots::put_back(std::uint32_t slot) {
  if (aside_.erase(slot) == 0) return;
  freed_.push_back(slot);
  freed_since_round_ = true;
}

void Slots::take_back(std::string_view unit) {
  const auto at = slots_.find(unit);
  if (at == slots_.end()) return;
  if (const auto reserved = reserved_.find(unit); reserved != reserved_.end()) reserved_.erase(reserved);
  freed_.push_back(at->second);
  freed_since_round_ = true;
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
