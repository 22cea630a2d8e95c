// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace slo {

// What keeps the scheduler from being attached although nothing else is in its way, and the failures that may
// come to that. Outlives the daemon, however it ends, and not the machine's next boot.
struct Latch {
  bool detached = false;     // by an operator, or because nobody knows whether one has
  bool sysrq = false;        // an operator ended the scheduler with sysrq-S
  bool trial = false;        // attached for a while, and nobody has confirmed it
  std::string gave_up = {};  // the last of too many failures, one line; empty: not given up
  std::vector<std::uint64_t> failures_ns = {};  // CLOCK_BOOTTIME, in their order
  // Why nobody knows, one line; not in the file, which then says that it is detached.
  std::string unreadable = {};

  // Nothing is attached until an operator says so.
  [[nodiscard]] bool holds() const { return detached || sysrq || trial || !gave_up.empty(); }

  friend bool operator==(const Latch&, const Latch&) = default;
};

// Lines "key=value", each key of the members above that the file has in plain words; an empty latch is an
// empty text.
[[nodiscard]] std::string to_text(const Latch& latch);
// The reverse; an error names the first line that is not understood.
[[nodiscard]] Result<Latch> parse_latch(std::string_view text);

// The file that holds the latch. No other process writes it.
class LatchFile {
 public:
  explicit LatchFile(std::filesystem::path path) : path_(std::move(path)) {}

  // No file is an empty latch.
  [[nodiscard]] Result<Latch> read() const;
  // One that cannot be read may have said that an operator detached the scheduler, so that holds.
  [[nodiscard]] Latch read_or_detached() const;
  // Whole or not at all, whenever the daemon is killed. An empty latch removes the file.
  [[nodiscard]] Result<void> write(const Latch& latch) const;

 private:
  std::filesystem::path path_;
};

}  // namespace slo
