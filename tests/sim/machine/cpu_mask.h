// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <bit>
#include <cstdint>

// A set of CPUs. The scheduler gets its address as that of a cpumask, and asks the model what is in it.
namespace slo::sim {

using CpuId = std::uint32_t;
inline constexpr CpuId cpus_max = 256;
inline constexpr CpuId no_cpu = UINT32_MAX;

class CpuMask {
 public:
  [[nodiscard]] static CpuMask of(CpuId cpu) {
    CpuMask mask;
    mask.set(cpu, true);
    return mask;
  }
  // All CPUs below that one.
  [[nodiscard]] static CpuMask below(CpuId cpus) {
    CpuMask mask;
    for (CpuId cpu = 0; cpu < cpus; ++cpu) mask.set(cpu, true);
    return mask;
  }

  [[nodiscard]] bool test(CpuId cpu) const { return (words_[cpu / 64] >> (cpu % 64) & 1) != 0; }
  void set(CpuId cpu, bool value) {
    const std::uint64_t bit = std::uint64_t{1} << (cpu % 64);
    words_[cpu / 64] = value ? words_[cpu / 64] | bit : words_[cpu / 64] & ~bit;
  }
  [[nodiscard]] bool any() const { return first() != no_cpu; }
  [[nodiscard]] CpuId first() const { return from(0); }
  // The first one from there on; no_cpu: none.
  [[nodiscard]] CpuId from(CpuId cpu) const {
    for (CpuId word = cpu / 64; word < words_.size(); ++word) {
      const std::uint64_t bits = word == cpu / 64 ? words_[word] >> (cpu % 64) << (cpu % 64) : words_[word];
      if (bits != 0) return word * 64 + static_cast<CpuId>(std::countr_zero(bits));
    }
    return no_cpu;
  }
  [[nodiscard]] CpuId count() const {
    CpuId sum = 0;
    for (const std::uint64_t word : words_) sum += static_cast<CpuId>(std::popcount(word));
    return sum;
  }
  [[nodiscard]] bool contains(const CpuMask& other) const { return (*this & other) == other; }

  friend CpuMask operator&(CpuMask a, const CpuMask& b) {
    for (std::size_t i = 0; i < a.words_.size(); ++i) a.words_[i] &= b.words_[i];
    return a;
  }
  friend CpuMask operator-(CpuMask a, const CpuMask& b) {
    for (std::size_t i = 0; i < a.words_.size(); ++i) a.words_[i] &= ~b.words_[i];
    return a;
  }
  friend CpuMask operator|(CpuMask a, const CpuMask& b) {
    for (std::size_t i = 0; i < a.words_.size(); ++i) a.words_[i] |= b.words_[i];
    return a;
  }
  friend bool operator==(const CpuMask&, const CpuMask&) = default;

 private:
  std::array<std::uint64_t, cpus_max / 64> words_ = {};
};

}  // namespace slo::sim
