// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace slo {

// Numbers by key, and the smallest of them; a 0 is none.
template <class Key>
class Smallest {
 public:
  void set(const Key& key, std::uint64_t number) {
    forget(key);
    if (number == 0) return;
    numbers_.emplace(key, number);
    ++how_many_[number];
  }
  void forget(const Key& key) {
    const auto at = numbers_.find(key);
    if (at == numbers_.end()) return;
    if (const auto count = how_many_.find(at->second); --count->second == 0) how_many_.erase(count);
    numbers_.erase(at);
  }
  [[nodiscard]] std::uint64_t number() const { return how_many_.empty() ? 0 : how_many_.begin()->first; }

 private:
  std::map<Key, std::uint64_t> numbers_;
  std::map<std::uint64_t, std::size_t> how_many_;  // by number
};

}  // namespace slo
