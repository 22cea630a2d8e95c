// SPDX-License-Identifier: GPL-2.0-only
// Stories of a fixed set of seeds, and those that are kept: no judge may complain of anything new.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzzer.h"
#include "generator.h"
#include "shrinker.h"

namespace slo::sim {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t stories = 10;
#else
constexpr std::uint64_t stories = 40;
#endif

class Fuzz : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Fuzz, FindsNothingNew) {
  const FuzzResult result = fuzz({.seed = 1 + GetParam() * stories, .runs = stories});
  EXPECT_EQ(result.runs, stories);
  if (result.finding)
    ADD_FAILURE() << "seed " << result.finding->seed << ": " << to_text(result.finding->complaint) << '\n'
                  << short_story(*result.finding);
}

INSTANTIATE_TEST_SUITE_P(, Fuzz, testing::Range(std::uint64_t{0}, std::uint64_t{8}));

std::vector<std::string> corpus() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(SCX_SLO_CORPUS))
    if (entry.path().extension() == ".story") names.push_back(entry.path().stem());
  std::ranges::sort(names);
  return names;
}

std::string kept(const std::string& name) {
  std::ifstream file(std::filesystem::path(SCX_SLO_CORPUS) / (name + ".story"));
  return {std::istreambuf_iterator<char>(file), {}};
}

class Corpus : public testing::TestWithParam<std::string> {};

// A story that shows something known says so in its first line: "# known: KIND".
TEST_P(Corpus, IsPlayedAsEver) {
  const std::string text = kept(GetParam());
  const auto story = parse_story(text);
  ASSERT_TRUE(story) << story.error();
  const Verdict verdict = play(*story);
  const auto complaint = new_complaint(verdict);
  EXPECT_FALSE(complaint) << to_text(*complaint);
  constexpr std::string_view known = "# known: ";
  if (!text.starts_with(known)) return;
  const std::string kind = text.substr(known.size(), text.find('\n') - known.size());
  EXPECT_THAT(verdict.complaints, testing::Contains(testing::Field(&Complaint::kind, kind)));
}

INSTANTIATE_TEST_SUITE_P(, Corpus, testing::ValuesIn(corpus()), [](const auto& name) { return name.param; });

TEST(Story, IsReadBackAsItWasPrinted) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const std::string text = to_text(story_of(seed));
    const auto story = parse_story(text);
    ASSERT_TRUE(story) << story.error();
    EXPECT_EQ(to_text(*story), text);
  }
}

TEST(Story, WhatIsNoStoryIsRefusedWithItsLine) {
  const auto error_of = [](const std::string& text) { return parse_story(text).error_or("none"); };
  EXPECT_EQ(error_of("machine cpus=0\n"), "line 1: cpus: 1 to 64");
  EXPECT_EQ(error_of("machine cpus=2\n\n10 jump task=1\n"), "line 3: 'jump' is no verb");
  EXPECT_EQ(error_of("unit\n10 sleep task=1 exec_us=3\n"), "line 2: 'exec_us=' is not known here");
  EXPECT_EQ(error_of("unit budget_us=2ms\n"), "line 1: '2ms' is no number");
  EXPECT_EQ(error_of("task unit=0\n"), "line 1: unit: one above");
  EXPECT_EQ(error_of("10\n"), "line 1: accepted are machine, unit, task, and a time with a verb");
}

// A story that is kept, and much beside it that has nothing to do with it.
TEST(Shrinker, LeavesWhatIsNeeded) {
  auto story = parse_story(kept("known_idle_offline"));
  ASSERT_TRUE(story);
  const std::size_t needed = story->steps.size();
  for (std::uint64_t at_us = 20'000; at_us < 60'000; at_us += 1000)
    story->steps.push_back({.at_us = at_us, .verb = Verb::wake, .subject = 0, .value = 100});
  const auto complains = testing::Contains(testing::Field(&Complaint::kind, "idle-offline"));
  ASSERT_THAT(play(*story).complaints, complains);
  const Story shorter = shrink(*story, "idle-offline");
  EXPECT_THAT(play(shorter).complaints, complains);
  EXPECT_LE(shorter.steps.size(), needed);
}

}  // namespace
}  // namespace slo::sim
