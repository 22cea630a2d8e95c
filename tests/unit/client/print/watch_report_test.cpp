// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/watch_report.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/print/bars.h"
#include "tests/unit/client/fixtures.h"

namespace slo::client {
namespace {

constexpr const char* noon = "2026-11-22 12:00:00";

Print print_of(std::vector<WatchedUnit> units) {
  return {.state = "enforcing", .reason = "1 unit with a budget", .units = std::move(units)};
}

WatchedUnit later() {
  return {.report = nginx_later(), .last = interval_between(nginx(), nginx_later(), 2'000'000)};
}

TEST(ClientWatchReport, AllUnitsHaveALineEachWithWhatIsNew) {
  EXPECT_EQ(watch_text(print_of({later()}), "", noon, 80),
            "2026-11-22 12:00:00  enforcing: 1 unit with a budget\n"
            "\n"
            "UNIT           BUDGET   JOBS  JOBS/S  MISSES  NEW  MISS %  P99 WAIT  MAX WAIT\n"
            "nginx.service     5ms  20600     300       5    2   0.01%      87us    6.10ms\n");
}

TEST(ClientWatchReport, WithoutAnIntervalThereAreDashes) {
  const std::string text = watch_text(print_of({{.report = nginx(), .last = {}}}), "", noon, 80);
  EXPECT_NE(text.find("nginx.service     5ms  20000       -       3    -   0.01%      87us    6.10ms\n"),
            std::string::npos)
      << text;
}

TEST(ClientWatchReport, OneUnitHasTheLastIntervalBesideAllAndItsBars) {
  const WatchedUnit unit = later();
  EXPECT_EQ(watch_text(print_of({unit}), "nginx.service", noon, 80),
            "2026-11-22 12:00:00  enforcing: 1 unit with a budget\n"
            "nginx.service: budget 5ms of waiting for a CPU per job, objective 99.9% kept\n"
            "\n"
            "                    LAST 2.00s     IN ALL\n"
            "Jobs                       600      20600\n"
            "Jobs per second            300\n"
            "Misses               2 (0.33%)  5 (0.01%)\n"
            "  late-start                 2          4\n"
            "  overlong                   0          1\n"
            "CPU time                90.0ms      2.49s\n"
            "Wait p50                  39us       12us\n"
            "Wait p99         not yet known       87us\n"
            "Wait max               <9.44ms     6.10ms\n"
            "\n" +
                bars_text(unit.report, &*unit.last, 80));
}

TEST(ClientWatchReport, ABudgetForResponsesShowsResponses) {
  WatchedUnit unit = later();
  unit.report.metric = "response";
  const std::string text = watch_text(print_of({unit}), "nginx.service", noon, 80);
  EXPECT_NE(text.find("Response max            <262us     9.00ms\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("Wait p50"), std::string::npos) << text;
}

TEST(ClientWatchReport, AnInheritingUnitNamesWhoseFiguresTheyAre) {
  EXPECT_NE(watch_text(print_of({later()}), "worker.service", noon, 80)
                .find("Settings and figures of nginx.service, which it is part of\n"),
            std::string::npos);
}

TEST(ClientWatchReport, ARestartIsToldAndNothingIsNegative) {
  Print print = print_of({{.report = nginx(), .last = {}}});
  print.restarted = true;
  const std::string text = watch_text(print, "nginx.service", noon, 80);
  EXPECT_NE(text.find("scx-slo has been started again since the last print and counts from 0.\n"),
            std::string::npos);
  EXPECT_NE(text.find("Jobs                -      20000\n"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\n\n" + bars_text(nginx(), nullptr, 80)));
}

TEST(ClientWatchReport, UnitsThatAreCountedAnewAreNamed) {
  const WatchedUnit unit{.report = nginx(), .last = {}, .counted_anew = true};
  EXPECT_NE(watch_text(print_of({unit, later(), unit}), "", noon, 80)
                .find("Counted from 0 since the last print: nginx.service, nginx.service\n"),
            std::string::npos);
  EXPECT_EQ(watch_text(print_of({later()}), "", noon, 80).find("Counted"), std::string::npos);
}

TEST(ClientWatchReport, WithoutJobsOrUnitsThatIsSaid) {
  UnitReport unit;
  unit.name = "b.slice";
  EXPECT_NE(
      watch_text(print_of({{.report = unit, .last = {}}}), "b.slice", noon, 80).find("No job has ended yet."),
      std::string::npos);
  EXPECT_NE(watch_text(print_of({}), "", noon, 80).find("systemctl edit UNIT"), std::string::npos);
}

TEST(ClientWatchReport, OfAUnitWithoutCountersOfItsOwnItIsSaidWhoseTheyAre) {
  EXPECT_TRUE(
      watch_text(print_of({{.report = folded("web.slice"), .last = {}}}), "worker.service", noon, 80)
          .ends_with("\n\nCounted with web.slice, as Capacity= of scx-slo.conf is used up; see: scx-slo "
                     "stats web.slice.\n"));
  EXPECT_NE(
      watch_text(print_of({{.report = folded("web.slice"), .last = {}}}), "", noon, 80)
          .find("worker.service     2ms  in web.slice       -       -    -       -         -         -\n"),
      std::string::npos);
}

TEST(ClientWatchReport, ABudgetThatTheKernelHasRefusedIsNotShownAsInForce) {
  WatchedUnit unit = later();
  EXPECT_EQ(watch_text(print_of({unit}), "nginx.service", noon, 80).find("ending"), std::string::npos);
  unit.report.pending = true;
  EXPECT_NE(
      watch_text(print_of({unit}), "nginx.service", noon, 80).find("\nPending: the kernel has refused "),
      std::string::npos);
  EXPECT_NE(watch_text(print_of({unit}), "", noon, 80).find("nginx.service  5ms pending  "),
            std::string::npos);
}

TEST(ClientWatchReport, ADaemonThatIsGoneIsWaitedForInWords) {
  EXPECT_EQ(watch_trouble_text("scx-slo is not running", noon, 500'000),
            "2026-11-22 12:00:00  scx-slo is not running\nTrying again every 500ms; Ctrl-C ends this.\n");
}

}  // namespace
}  // namespace slo::client
