// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "client/report.h"
#include "client/table.h"

namespace slo::client {
namespace {

UnitReport nginx() {
  UnitReport unit;
  unit.name = "nginx.service";
  unit.control_group = "/system.slice/nginx.service";
  unit.control_group_id = 4711;
  unit.budget_usec = 5000;
  unit.budget_origin = "/etc/systemd/system/nginx.service.d/slo.conf:2";
  unit.jobs = 20000;
  unit.misses = 3;
  unit.miss_ratio = 3.0 / 20000;
  unit.demotions = 7;
  unit.exec_usec = 2400000;
  unit.wait = {.p50_usec = 12, .p90_usec = 40, .p99_usec = 87, .p999_usec = 910, .max_usec = 6100};
  unit.response = {.p50_usec = 250, .p90_usec = 410, .p99_usec = 990, .p999_usec = {}, .max_usec = 9000};
  return unit;
}

UnitReport idle_batch() {
  UnitReport unit;
  unit.name = "b.slice";
  return unit;
}

const Overview enforcing{.version = "1.2.3",
                         .mode = "enforce",
                         .state = "enforcing",
                         .reason = "1 unit with a budget",
                         .config_errors = 0};

TEST(ClientTable, ColumnsAreAsWideAsTheirWidestCellAndLinesEndWithoutBlanks) {
  Table table({{"A"}, {"NUMBER", Table::Align::right}, {"LAST"}});
  table.add_row({"longer", "1", "x"});
  table.add_row({"b", "1234567"});
  EXPECT_EQ(table.to_string(),
            "A        NUMBER  LAST\n"
            "longer        1  x\n"
            "b       1234567\n");
}

TEST(ClientTable, WidthIsCountedInCharactersNotBytes) {
  Table table({{""}, {""}});
  table.add_row({"µs", "1"});
  table.add_row({"abc", "2"});
  EXPECT_EQ(table.to_string(), "µs   1\nabc  2\n");
}

TEST(ClientTable, ControlCharactersCannotReachTheTerminal) {
  Table table({{""}});
  table.add_row({"a\x1b[31m\nb\x7f"});
  EXPECT_EQ(table.to_string(), "a?[31m?b?\n");
}

TEST(ClientTable, WithoutRowsOnlyTheTitlesStand) {
  EXPECT_EQ(Table({{"A"}, {"B"}}).to_string(), "A  B\n");
}

TEST(ClientReport, PercentNeverRoundsAMissAwayNorAKeptJob) {
  EXPECT_EQ(percent_text({}), "-");
  EXPECT_EQ(percent_text(0.0), "0%");
  EXPECT_EQ(percent_text(0.000001), "<0.01%");
  EXPECT_EQ(percent_text(0.0001), "0.01%");
  EXPECT_EQ(percent_text(0.125), "12.50%");
  EXPECT_EQ(percent_text(0.999999), ">99.99%");
  EXPECT_EQ(percent_text(1.0), "100.00%");
}

TEST(ClientReport, ListShowsEveryColumnOfAUnit) {
  EXPECT_EQ(list_text({nginx()}),
            "UNIT           BUDGET   JOBS  MISSES  MISS %  P99 WAIT  SET IN\n"
            "nginx.service     5ms  20000       3   0.01%      87us  "
            "/etc/systemd/system/nginx.service.d/slo.conf:2\n");
}

TEST(ClientReport, AUnitWithoutJobsAndBudgetHasDashesNotZeros) {
  EXPECT_EQ(list_text({idle_batch()}),
            "UNIT       BUDGET  JOBS  MISSES  MISS %  P99 WAIT  SET IN\n"
            "b.slice  infinity     0       0       -         -\n");
}

TEST(ClientReport, WithoutUnitsTheTextSaysHowToGiveABudget) {
  EXPECT_NE(list_text({}).find("systemctl edit UNIT"), std::string::npos);
  EXPECT_NE(status_text(enforcing, {}).find("systemctl edit UNIT"), std::string::npos);
}

TEST(ClientReport, StatusSaysStateSchedulerAndUnits) {
  EXPECT_EQ(status_text(enforcing, {nginx()}),
            "State      enforcing: 1 unit with a budget\n"
            "Scheduler  scx_slo\n"
            "Mode       enforce\n"
            "Version    1.2.3\n"
            "\n"
            "UNIT           BUDGET   JOBS  MISSES  P99 WAIT\n"
            "nginx.service     5ms  20000       3      87us\n");
}

TEST(ClientReport, StatusDoesNotClaimTheSchedulerUnlessItEnforces) {
  Overview failed = enforcing;
  failed.state = "failed";
  failed.reason = "the kernel ended the scheduler: runnable task stall";
  const std::string text = status_text(failed, {});
  EXPECT_NE(text.find("failed: the kernel ended the scheduler: runnable task stall\n"), std::string::npos);
  EXPECT_NE(text.find("Scheduler  not scx_slo"), std::string::npos);
}

TEST(ClientReport, StatusTellsOfIgnoredSettings) {
  Overview overview = enforcing;
  EXPECT_EQ(status_text(overview, {}).find("journalctl"), std::string::npos);
  overview.config_errors = 2;
  EXPECT_NE(status_text(overview, {}).find("2 ignored as wrong; see: journalctl -b -u scx-slo"),
            std::string::npos);
}

TEST(ClientReport, StatsShowsWaitsAndResponsesAndWhatIsNotYetKnown) {
  const std::string text = stats_text("nginx.service", nginx());
  EXPECT_NE(text.find("Budget         5ms of waiting for a CPU per job\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Misses         3 (0.01%)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("CPU time       2.40s\n"), std::string::npos) << text;
  EXPECT_NE(text.find("       WAIT FOR CPU  WAIT + CPU TIME\n"), std::string::npos) << text;
  EXPECT_NE(text.find("p99            87us            990us\n"), std::string::npos) << text;
  EXPECT_NE(text.find("p99.9         910us    not yet known\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("Settings of"), std::string::npos) << text;
}

TEST(ClientReport, StatsOfAnInheritingUnitNamesWhoseSettingsAndFiguresTheyAre) {
  const std::string text = stats_text("worker.service", nginx());
  EXPECT_NE(text.find("Unit           worker.service\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Settings of    nginx.service"), std::string::npos) << text;
}

TEST(ClientReport, StatsBeforeTheFirstJobSaysSo) {
  const std::string text = stats_text("b.slice", idle_batch());
  EXPECT_NE(text.find("No job has ended yet.\n"), std::string::npos);
  EXPECT_NE(text.find("Control group  none now\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("p50"), std::string::npos);
}

TEST(ClientReport, AWaitUnderAMicrosecondIsNotShownAsNone) {
  UnitReport unit = nginx();
  unit.wait.p99_usec = 0;
  EXPECT_NE(list_text({unit}).find("<1us"), std::string::npos);
}

TEST(ClientReport, AStateWithoutReasonHasNoColon) {
  EXPECT_EQ(state_text({.version = {}, .mode = {}, .state = "idle", .reason = "", .config_errors = 0}),
            "idle\n");
  EXPECT_EQ(state_text(enforcing), "enforcing: 1 unit with a budget\n");
}

TEST(ClientReport, AFigureTooLargeForNanosecondsDoesNotWrap) {
  UnitReport unit = nginx();
  unit.exec_usec = UINT64_MAX;
  UnitReport largest = nginx();
  largest.exec_usec = UINT64_MAX / 1000;
  EXPECT_EQ(stats_text("nginx.service", unit), stats_text("nginx.service", largest));
}

}  // namespace
}  // namespace slo::client
