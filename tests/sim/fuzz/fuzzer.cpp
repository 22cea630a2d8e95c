// SPDX-License-Identifier: GPL-2.0-only
#include "fuzzer.h"

#include <chrono>
#include <format>

#include "allow_list.h"
#include "generator.h"
#include "shrinker.h"

namespace slo::sim {

std::optional<Complaint> new_complaint(const Verdict& verdict) {
  for (const Complaint& complaint : verdict.complaints)
    if (reason_for(complaint.kind).empty()) return complaint;
  return {};
}

FuzzResult fuzz(const FuzzSpan& span) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  FuzzResult result;
  for (std::uint64_t seed = span.seed; result.runs < span.runs && !result.finding; ++seed) {
    const Verdict verdict = play(story_of(seed));
    ++result.runs;
    result.callbacks += verdict.callbacks;
    result.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    if (auto complaint = new_complaint(verdict)) result.finding = {seed, std::move(*complaint)};
    if (span.seconds > 0 && result.seconds >= span.seconds) break;
  }
  return result;
}

std::string to_text(const Complaint& complaint) {
  const std::string_view reason = reason_for(complaint.kind);
  return std::format("{}, {:.3f} ms: {}{}{}", complaint.kind, static_cast<double>(complaint.at_ns) / 1e6,
                     complaint.what, reason.empty() ? "" : "; known: ", reason);
}

std::string short_story(const Finding& finding) {
  const Story story = shrink(story_of(finding.seed), finding.complaint.kind);
  std::string text = to_text(story) + '\n';
  for (const Complaint& complaint : play(story).complaints) text += to_text(complaint) + '\n';
  return text;
}

}  // namespace slo::sim
