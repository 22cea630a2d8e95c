// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstdint>

namespace slo {

// How long the event loop was busy at a time: whatever happens meanwhile has to wait so long. Turns in which
// BPF programs are loaded or attached are known to be long, and are counted apart.
class Turns {
 public:
  void begin(std::uint64_t now_ns) {
    begun_ns_ = now_ns;
    loads_ = false;
  }
  void loading() { loads_ = true; }
  void end(std::uint64_t now_ns) {
    std::uint64_t& longest_ns = loads_ ? longest_loading_ns_ : longest_ns_;
    longest_ns = std::max(longest_ns, now_ns - begun_ns_);
  }

  [[nodiscard]] std::uint64_t longest_ns() const { return longest_ns_; }
  [[nodiscard]] std::uint64_t longest_loading_ns() const { return longest_loading_ns_; }

 private:
  std::uint64_t begun_ns_ = 0;
  std::uint64_t longest_ns_ = 0;
  std::uint64_t longest_loading_ns_ = 0;
  bool loads_ = false;
};

}  // namespace slo
