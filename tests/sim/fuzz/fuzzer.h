// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "player.h"

namespace slo::sim {

struct Finding {
  std::uint64_t seed = 0;
  Complaint complaint;
};

struct FuzzSpan {
  std::uint64_t seed = 1;           // of the first story; the others follow
  std::uint64_t runs = UINT64_MAX;  // stories
  double seconds = 0;               // 0: no limit
};

struct FuzzResult {
  std::optional<Finding> finding;  // the first that is not listed
  std::uint64_t runs = 0;
  std::uint64_t callbacks = 0;
  double seconds = 0;
};

// The first complaint of a story that is not listed.
[[nodiscard]] std::optional<Complaint> new_complaint(const Verdict& verdict);

// Plays the stories of seeds until a judge complains of something new.
[[nodiscard]] FuzzResult fuzz(const FuzzSpan& span);

[[nodiscard]] std::string to_text(const Complaint& complaint);
// A short story that shows it too, and what the judges say to it.
[[nodiscard]] std::string short_story(const Finding& finding);

}  // namespace slo::sim
