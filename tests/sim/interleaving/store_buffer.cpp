// SPDX-License-Identifier: GPL-2.0-only
#include "store_buffer.h"

#include <algorithm>
#include <cstring>
#include <ranges>
#include <utility>

namespace slo::sim {
namespace {

std::uint64_t load(const std::byte* at, std::size_t size) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, size);
  return value;
}

}  // namespace

void StoreBuffer::apply(Entry& entry) {
  entry.before = load(entry.at, entry.size);
  std::uint64_t value = entry.operand;
  switch (entry.kind) {
    case Kind::store:
      break;
    case Kind::add:
      value += entry.before;
      break;
    case Kind::bit_or:
      value |= entry.before;
      break;
    case Kind::bit_and:
      value &= entry.before;
      break;
  }
  std::memcpy(entry.at, &value, entry.size);
}

void StoreBuffer::store(void* at, std::size_t size, Kind kind, std::uint64_t operand) {
  settle();
  entries_.push_back(
      {.at = static_cast<std::byte*>(at), .size = size, .kind = kind, .operand = operand, .before = 0});
  apply(entries_.back());
  if (entries_.size() > entries_max) entries_.erase(entries_.begin());
}

void StoreBuffer::expect(void* at, std::size_t size) {
  settle();
  auto* first = static_cast<std::byte*>(at);
  expected_ = {.at = first, .size = size, .kind = Kind::store, .operand = 0, .before = load(first, size)};
}

void StoreBuffer::settle() {
  if (expected_.size == 0) return;
  Entry entry = std::exchange(expected_, {});
  entry.operand = load(entry.at, entry.size);
  entries_.push_back(entry);
  if (entries_.size() > entries_max) entries_.erase(entries_.begin());
}

// What is shown is in memory already: others see it as soon as nobody takes it out again.
void StoreBuffer::drain() {
  expected_ = {};
  entries_.clear();
}

// Older ones go with it: they may lie in the same place.
void StoreBuffer::drain(const void* at, std::size_t size) {
  settle();
  const auto last = std::ranges::find_if(std::views::reverse(entries_), [&](const Entry& entry) {
    return entry.overlaps(static_cast<const std::byte*>(at), size);
  });
  entries_.erase(entries_.begin(), last.base());
}

bool StoreBuffer::is_first_there(std::size_t nth) const {
  for (std::size_t i = 0; i < nth; ++i)
    if (entries_[i].overlaps(entries_[nth].at, entries_[nth].size)) return false;
  return true;
}

void StoreBuffer::drain_some(Random& random, bool in_order) {
  for (std::uint64_t left = below(random, entries_.size() + 1); left != 0; --left) {
    const std::size_t nth = in_order ? 0 : below(random, entries_.size());
    if (!is_first_there(nth)) continue;
    apply(entries_[nth]);
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(nth));
  }
}

void StoreBuffer::hide() {
  settle();
  for (Entry& entry : std::views::reverse(entries_)) std::memcpy(entry.at, &entry.before, entry.size);
}

void StoreBuffer::show() {
  for (Entry& entry : entries_) apply(entry);
}

}  // namespace slo::sim
