// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace slo {

// Which unit has which statistics slot. There are as many as the kernel's counters have places, so not every
// unit can have one.
class Slots {
 public:
  explicit Slots(std::uint32_t capacity) : owners_(capacity) {}

  // Nothing happens where the unit has one already, or none is free.
  void give(const std::string& unit);
  void take_back(std::string_view unit);

  [[nodiscard]] std::uint32_t of(std::string_view unit) const;          // SLO_NO_SLOT: it has none
  [[nodiscard]] const std::string* owner_of(std::uint32_t slot) const;  // nullptr: nobody
  [[nodiscard]] std::size_t capacity() const { return owners_.size(); }
  // Slots that were taken back since the last call.
  [[nodiscard]] std::vector<std::uint32_t> take_freed();

 private:
  std::map<std::string, std::uint32_t, std::less<>> slots_;  // by unit
  std::vector<std::string> owners_;                          // by slot; empty: it is free
  std::size_t next_ = 0;
  std::vector<std::uint32_t> freed_;
};

}  // namespace slo
