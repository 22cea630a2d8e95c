// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/fd.h"

namespace slo {

// The values of a BPF array map that was made with BPF_F_MMAPABLE, shared with the programs that use it.
template <class Value>
class MapMemory {
 public:
  MapMemory() = default;
  MapMemory(MapMemory&& other) noexcept : values_(std::exchange(other.values_, {})) {}
  MapMemory& operator=(MapMemory&& other) noexcept {
    std::swap(values_, other.values_);
    return *this;
  }
  ~MapMemory() {
    if (!values_.empty()) munmap(values_.data(), values_.size_bytes());
  }

  // what: for the error.
  [[nodiscard]] static Result<MapMemory> of(const Fd& map, std::size_t count, const char* what) {
    // The kernel lays values out at multiples of 8 bytes.
    static_assert(sizeof(Value) % 8 == 0);
    void* const memory =
        mmap(nullptr, count * sizeof(Value), PROT_READ | PROT_WRITE, MAP_SHARED, map.get(), 0);
    if (memory == MAP_FAILED) return std::unexpected(Error{"map", what, errno, ""});
    MapMemory mapped;
    mapped.values_ = {static_cast<Value*>(memory), count};
    return mapped;
  }

  [[nodiscard]] std::span<Value> values() const { return values_; }

 private:
  std::span<Value> values_;
};

}  // namespace slo
