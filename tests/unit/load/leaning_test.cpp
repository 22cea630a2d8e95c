// SPDX-License-Identifier: GPL-2.0-only
#include "load/leaning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace slo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t second_ns = 1'000'000'000;

// One unit, half of a CPU being its part, and what is said of it while time passes.
class LeaningTest : public testing::Test {
 protected:
  std::vector<std::string> run(std::uint64_t seconds, double cpus) {
    std::vector<std::string> named;
    for (std::uint64_t second = 0; second < seconds; ++second) {
      now_ns_ += second_ns;
      unit_.key_exec_ns += static_cast<std::uint64_t>(cpus * second_ns);
      for (const auto& leaner : leaning_.step(now_ns_, std::vector{unit_}, capacity))
        named.push_back(to_sentence(leaner));
    }
    return named;
  }

  static constexpr double capacity = 0.95;
  static constexpr std::uint64_t window = Leaning::window_ns / second_ns;
  static constexpr std::uint64_t silence = Leaning::silence_ns / second_ns;

  LoadSample unit_{.unit = "web.service", .share = 0.5};
  Leaning leaning_;
  std::uint64_t now_ns_ = 0;
};

TEST_F(LeaningTest, OnlyWholeMinutesBeyondItsPartCount) {
  EXPECT_THAT(run(window / 2, 0.9), IsEmpty());
  EXPECT_THAT(run(4 * window, 0.1), IsEmpty());
  EXPECT_THAT(
      run(3 * window, 0.9),
      ElementsAre("web.service used 90% of a CPU by its budget for a minute; only 50% are its part of the "
                  "machine, the rest is what other units with budgets leave. To have it kept, add "
                  "SloReserve=90% to its [X-Slo]"));
}

TEST_F(LeaningTest, ItsPartIsItsOwn) {
  EXPECT_THAT(run(10 * window, 0.5), IsEmpty());
}

TEST_F(LeaningTest, WhoHasAReserveKnowsWhatItMayUse) {
  unit_.has_reserve = true;
  EXPECT_THAT(run(10 * window, 0.9), IsEmpty());
}

TEST_F(LeaningTest, AUnitIsNamedAgainOnlyAfterAnHourAndAPause) {
  EXPECT_EQ(run(3 * window, 0.9).size(), 1U);
  EXPECT_THAT(run(2 * silence, 0.9), IsEmpty()) << "it never paused";
  run(2 * window, 0.1);
  EXPECT_EQ(run(3 * window, 0.9).size(), 1U);
  run(2 * window, 0.1);
  EXPECT_THAT(run(3 * window, 0.9), IsEmpty()) << "within an hour";
}

TEST_F(LeaningTest, CountersThatBeginAnewAreNoUse) {
  run(window, 0.4);
  unit_.key_exec_ns = 0;
  EXPECT_THAT(run(window / 2, 0.9), IsEmpty());
  EXPECT_THAT(run(window / 4, 0.1), IsEmpty());
}

TEST_F(LeaningTest, WhoComesBackWithinTheHourIsNotNamedAgain) {
  EXPECT_EQ(run(3 * window, 0.9).size(), 1U);
  const auto be_away = [this](std::uint64_t seconds) {
    for (std::uint64_t second = 0; second < seconds; ++second)
      EXPECT_THAT(leaning_.step(now_ns_ += second_ns, {}, capacity), IsEmpty());
  };
  be_away(window);
  EXPECT_THAT(run(3 * window, 0.9), IsEmpty());
  be_away(silence);
  EXPECT_EQ(run(3 * window, 0.9).size(), 1U);
}

TEST_F(LeaningTest, WhoIsAloneTakesFromNobody) {
  unit_.share = capacity;
  EXPECT_THAT(run(10 * window, 1), IsEmpty());
}

TEST_F(LeaningTest, AFigureThatReadsLikeItsPartIsNone) {
  EXPECT_THAT(run(10 * window, 0.52), IsEmpty());
}

}  // namespace
}  // namespace slo
