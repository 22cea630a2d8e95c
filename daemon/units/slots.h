// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace slo {

// Which unit has which statistics slot. There are as many as the kernel's counters have places, so not every
// unit can have one: those that run come first, and take that of one that has yet to where none is free.
class Slots {
 public:
  explicit Slots(std::uint32_t capacity) : owners_(capacity) {}

  // Nothing happens where the unit has one already, or none is free.
  void give(const std::string& unit);
  // For when it starts: as give(), but nobody loses its slot for it.
  void reserve(const std::string& unit);
  // A slot that is nobody's so far, and no unit is given; SLO_NO_SLOT: none is free.
  [[nodiscard]] std::uint32_t set_aside();
  // One that was set aside: it belongs to this unit, which has none, or is free again.
  void assign(std::uint32_t slot, const std::string& unit);
  void put_back(std::uint32_t slot);
  void take_back(std::string_view unit);

  [[nodiscard]] std::uint32_t of(std::string_view unit) const;          // SLO_NO_SLOT: it has none
  [[nodiscard]] const std::string* owner_of(std::uint32_t slot) const;  // nullptr: nobody
  [[nodiscard]] std::size_t capacity() const { return owners_.size(); }
  // Whether one that asked in vain, or lost its slot, might have one now: all are to ask again.
  [[nodiscard]] bool needs_round() const { return refused_ && freed_since_round_; }
  void begin_round() { refused_ = false; }
  void end_round() { freed_since_round_ = false; }
  // Slots that were taken back since the last call.
  [[nodiscard]] std::vector<std::uint32_t> take_freed();

 private:
  [[nodiscard]] std::uint32_t free_slot();

  std::map<std::string, std::uint32_t, std::less<>> slots_;  // by unit
  std::vector<std::string> owners_;                          // by slot; empty: it is free, or set aside
  std::set<std::string, std::less<>> reserved_;              // of the units in slots_
  std::set<std::uint32_t> aside_;
  std::size_t next_ = 0;
  std::vector<std::uint32_t> freed_;
  bool refused_ = false;  // somebody, since the last round began
  bool freed_since_round_ = false;
};

}  // namespace slo
