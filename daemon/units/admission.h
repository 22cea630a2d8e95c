// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace slo {

// What one unit with a budget asks for. Thousandths of one CPU.
struct ReserveWish {
  std::optional<std::uint64_t> permille = {};  // SloReserve=; empty: its part of what is free
  std::uint32_t importance = 100;              // 1..10000
  std::optional<std::size_t> above = {};  // index of the nearest slice above it with a SloReserve= of its own
};

struct ReserveGrant {
  std::uint64_t permille = 0;
  bool scaled = false;  // there is not as much as all explicit reserves ask for together
  friend bool operator==(const ReserveGrant&, const ReserveGrant&) = default;
};

// What each of them gets, in the order of the wishes. Explicit reserves are served first; where they exceed
// the capacity they are scaled down, all by the same factor. Those below a slice with a reserve take from it,
// and are capped by it. What is left is shared, by importance, among the units without a reserve of their own
// or above them; below a slice they share what its explicit reserves leave.
// capacity_permille: all CPUs, less the floor of best effort. The slices above a unit come to an end.
[[nodiscard]] std::vector<ReserveGrant> admit(std::span<const ReserveWish> wishes,
                                              std::uint64_t capacity_permille);

}  // namespace slo
