// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../random.h"

namespace slo::sim {

/*
 * What a CPU has stored and no other one sees yet. Only one CPU goes on at a time, and it sees its own
 * stores: so they are in memory while it does, and taken out before another one goes on (hide(), show()).
 */
class StoreBuffer {
 public:
  enum class Kind : std::uint8_t { store, add, bit_or, bit_and };

  // Of up to 8 bytes, at once.
  void store(void* at, std::size_t size, Kind kind, std::uint64_t operand);
  // What is about to be stored there plainly, by the instruction that follows: known when the next one comes.
  void expect(void* at, std::size_t size);
  void settle();

  // All that was stored is seen by everybody.
  void drain();
  // That of what overlaps.
  void drain(const void* at, std::size_t size);
  // While it is hidden: some of it is seen from now on. in_order: the oldest first.
  void drain_some(Random& random, bool in_order);
  void hide();
  void show();
  [[nodiscard]] bool is_empty() const { return entries_.empty() && expected_.size == 0; }

 private:
  struct Entry {
    std::byte* at = nullptr;
    std::size_t size = 0;
    Kind kind = Kind::store;
    std::uint64_t operand = 0;
    std::uint64_t before = 0;  // what lay there, while it is shown
    [[nodiscard]] bool overlaps(const std::byte* other, std::size_t other_size) const {
      return at < other + other_size && other < at + size;
    }
  };
  static constexpr std::size_t entries_max = 48;

  static void apply(Entry& entry);
  [[nodiscard]] bool is_first_there(std::size_t nth) const;

  std::vector<Entry> entries_;  // oldest first
  Entry expected_ = {};
};

}  // namespace slo::sim
