// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/report.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "client/print/bars.h"
#include "client/print/table.h"
#include "tests/unit/client/fixtures.h"

namespace slo::client {
namespace {

UnitReport idle_batch() {
  UnitReport unit;
  unit.name = "b.slice";
  return unit;
}

const Overview enforcing{.version = "1.2.3",
                         .mode = "auto",
                         .state = "enforcing",
                         .reason = "1 unit with a budget",
                         .operator_reserve_usec = 50'000,
                         .scheduler = "scx_slo"};

const Limits no_limits{std::vector<LimitReport>{}};

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
  table.add_row({"a\x1b[31m\nb\x7f\u009b\u202e"});
  EXPECT_EQ(table.to_string(), "a\\x1b[31m\\x0ab\\x7f\\xc2\\x9b\\xe2\\x80\\xae\n");
}

TEST(ClientTable, WithoutRowsOnlyTheTitlesStand) {
  EXPECT_EQ(Table({{"A"}, {"B"}}).to_string(), "A  B\n");
}

TEST(ClientReport, ListShowsEveryColumnOfAUnit) {
  EXPECT_EQ(list_text({nginx()}),
            "UNIT           BUDGET  IMPORTANCE  RESERVE   JOBS  MISSES  MISS %  P99 WAIT  SET IN\n"
            "nginx.service     5ms         250      50%  20000       3   0.01%      87us  "
            "/etc/systemd/system/nginx.service.d/slo.conf:2\n");
}

TEST(ClientReport, AUnitWithoutJobsAndBudgetHasDashesNotZeros) {
  EXPECT_EQ(list_text({idle_batch()}),
            "UNIT       BUDGET  IMPORTANCE  RESERVE  JOBS  MISSES  MISS %  P99 WAIT  SET IN\n"
            "b.slice  infinity           -        -     0       0       -         -\n");
}

TEST(ClientReport, WithoutUnitsTheTextSaysHowToGiveABudget) {
  EXPECT_NE(list_text({}).find("systemctl edit UNIT"), std::string::npos);
  EXPECT_NE(status_text(enforcing, {}).find("systemctl edit UNIT"), std::string::npos);
}

TEST(ClientReport, StatusSaysStateSchedulerAndUnits) {
  EXPECT_EQ(status_text(enforcing, {nginx()}),
            "State      enforcing: 1 unit with a budget\n"
            "Scheduler  scx_slo\n"
            "Mode       auto\n"
            "Version    1.2.3\n"
            "Operator   5% of a CPU is for root's sessions and logins\n"
            "\n"
            "UNIT           BUDGET   JOBS  MISSES  OBJECTIVE   P99 WAIT\n"
            "nginx.service     5ms  20000       3  99.9% kept      87us\n");
}

TEST(ClientReport, StatusNamesTheSchedulerThatIsInCharge) {
  Overview observing{.state = "observing", .reason = "detached by an operator"};
  EXPECT_NE(status_text(observing, {}).find("Scheduler  the kernel's own\n"), std::string::npos);
  observing.scheduler = "scx_flash";
  EXPECT_NE(status_text(observing, {}).find("Scheduler  scx_flash, which is not ours\n"), std::string::npos);
}

TEST(ClientReport, StatusSaysWhatOperatorsCanCountOn) {
  Overview overview = enforcing;
  overview.operator_reserve_usec = 0;
  EXPECT_NE(status_text(overview, {nginx()})
                .find("Operator   nothing is reserved for root's sessions: OperatorReserve=0%\n"),
            std::string::npos);
  overview.state = "observing";
  EXPECT_EQ(status_text(overview, {nginx()}).find("Operator"), std::string::npos);
}

TEST(ClientReport, StatusTellsOfTroublesAndOnlyThen) {
  Overview overview = enforcing;
  UnitReport unit = nginx();
  const char* const names[] = {"Settings ", "Pending ", "Changed ", "Waiting ",
                               "Failures ", "Lost ",    "Late ",    "Untracked "};
  for (const char* name : names)
    EXPECT_EQ(status_text(overview, {unit}).find(name), std::string::npos) << name;
  overview.config_errors = 2;
  overview.pending = 6;
  overview.failures = 3;
  overview.events_lost = 4;
  overview.untracked = 5;
  overview.late_budgets = 2;
  overview.late_budget_max_usec = 45'000;
  unit.need_daemon_reload = true;
  overview.waiting = {"a.service"};
  const std::string text = status_text(overview, {unit});
  for (const char* name : names) EXPECT_NE(text.find(name), std::string::npos) << name << text;
  EXPECT_NE(text.find("2 ignored as wrong; see: journalctl -b -u scx-slo"), std::string::npos);
  EXPECT_NE(
      text.find("Pending    6 settings refused by the kernel so far, not in force, and tried again; see: "
                "journalctl -b -u scx-slo\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("2 units got a budget only after the start, at most 45.0ms later"), std::string::npos)
      << text;
  EXPECT_NE(text.find("nginx.service; what was read before holds until: systemctl daemon-reload"),
            std::string::npos);
  EXPECT_NE(text.find("a.service; nothing of [X-Slo] holds for it until: systemctl daemon-reload"),
            std::string::npos);
}

TEST(ClientReport, StatusNamesWhoWasShed) {
  Overview overview = enforcing;
  EXPECT_EQ(status_text(overview, {nginx()}).find("Shed"), std::string::npos);
  overview.shed = {"a.service", "b.service"};
  EXPECT_NE(
      status_text(overview, {nginx()})
          .find("Shed       a.service, b.service; too much work for all, so these come after the others "
                "for now\n"),
      std::string::npos);
}

TEST(ClientReport, StatusCountsLimitsWhereThereAreAny) {
  Overview overview = enforcing;
  EXPECT_EQ(status_text(overview, {nginx()}).find("Limits"), std::string::npos);
  overview.limited_units = 1;
  EXPECT_NE(status_text(overview, {nginx()}).find("Limits     1 unit with CPUQuota=, none used up now\n"),
            std::string::npos);
  overview.limited_units = 3;
  overview.throttled_units = 2;
  EXPECT_NE(status_text(overview, {nginx()}).find("Limits     3 units with CPUQuota=, 2 used up now\n"),
            std::string::npos);
}

TEST(ClientReport, StatusNamesWhatIsNotKept) {
  Overview overview = enforcing;
  EXPECT_EQ(status_text(overview, {nginx()}).find("Not kept"), std::string::npos);
  overview.unkept = {{.unit = "a.service", .setting = "CPUQuota=", .why = "why"},
                     {.unit = "b.service", .setting = "CPUQuota=", .why = "therefore"}};
  EXPECT_NE(status_text(overview, {nginx()})
                .find("Not kept   CPUQuota= for a.service: why\n"
                      "Not kept   CPUQuota= for b.service: therefore\n"),
            std::string::npos);
}

TEST(ClientReport, StatusSaysThatTheCapacityIsUsedUpWhereItIs) {
  Overview overview = enforcing;
  overview.capacity = 1024;
  EXPECT_EQ(status_text(overview, {nginx()}).find("Capacity"), std::string::npos);
  EXPECT_NE(status_text(overview, {nginx(), folded("web.slice")})
                .find("Capacity   1024 of 1024 units, 1 counted with a unit above them\n"),
            std::string::npos);
  EXPECT_NE(status_text(overview, {folded("web.slice"), folded(""), folded("web.slice")})
                .find("Capacity   1024 of 1024 units, 2 counted with a unit above them, 1 not counted\n"),
            std::string::npos);
}

TEST(ClientReport, AUnitWithoutCountersOfItsOwnHasNoFiguresButSaysWhoseTheyAre) {
  EXPECT_EQ(list_text({folded("web.slice"), folded("")}),
            "UNIT            BUDGET  IMPORTANCE  RESERVE          JOBS  MISSES  MISS %  P99 WAIT  SET IN\n"
            "worker.service     2ms         100        -  in web.slice       -       -         -  "
            "/etc/worker.conf:2\n"
            "worker.service     2ms         100        -   not counted       -       -         -  "
            "/etc/worker.conf:2\n");
  EXPECT_EQ(stats_text("worker.service", folded("web.slice"), nullptr, 80),
            "Unit           worker.service\n"
            "Budget         2ms of waiting for a CPU per job\n"
            "Set in         /etc/worker.conf:2\n"
            "Control group  /web.slice/worker.service\n"
            "Counted        with web.slice, as Capacity= of scx-slo.conf is used up; see: scx-slo stats "
            "web.slice\n");
  EXPECT_NE(stats_text("worker.service", folded(""), nullptr, 80)
                .find("Counted        not at all: Capacity= of scx-slo.conf is used up, and no unit above is "
                      "counted\n"),
            std::string::npos);
}

TEST(ClientReport, ABudgetThatTheKernelHasRefusedIsNotShownAsInForce) {
  UnitReport unit = nginx();
  EXPECT_EQ(list_text({unit}).find("pending"), std::string::npos);
  unit.pending = true;
  for (const std::string& text :
       {list_text({unit}), stats_text({unit}, no_limits), status_text(enforcing, {unit})})
    EXPECT_NE(text.find("nginx.service  5ms pending  "), std::string::npos) << text;
  EXPECT_NE(
      stats_text("nginx.service", unit, nullptr, 80)
          .find("Pending        the kernel has refused the settings so far: they are not in force, and are "
                "tried again\n"),
      std::string::npos);
}

TEST(ClientReport, AnObjectiveIsKeptUpToItsLastMiss) {
  UnitReport unit = nginx();
  unit.jobs = 1000;
  unit.misses = 1;
  EXPECT_EQ(unit.objective_kept(), true);
  unit.misses = 2;
  EXPECT_EQ(unit.objective_kept(), false);
  EXPECT_NE(status_text(enforcing, {unit}).find("99.9% NOT KEPT"), std::string::npos);
  unit.jobs = unit.misses = 0;
  EXPECT_EQ(unit.objective_kept(), std::nullopt);
  EXPECT_EQ(status_text(enforcing, {unit}).find("KEPT"), std::string::npos);
}

TEST(ClientReport, StatsShowsWaitsAndResponsesAndWhatIsNotYetKnown) {
  const std::string text = stats_text("nginx.service", nginx(), nullptr, 80);
  EXPECT_NE(text.find("Budget         5ms of waiting for a CPU per job\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Objective      99.9% kept\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Misses         3 (0.01%): 2 late-start, 1 overlong\n"), std::string::npos) << text;
  EXPECT_NE(text.find("mean           14us            260us\n"), std::string::npos) << text;
  EXPECT_NE(text.find("CPU time       2.40s, 2.30s of it by key, 50.0ms throttled by its reserve\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("       WAIT FOR CPU  WAIT + CPU TIME\n"), std::string::npos) << text;
  EXPECT_NE(text.find("p99            87us            990us\n"), std::string::npos) << text;
  EXPECT_NE(text.find("p99.9         910us    not yet known\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("Settings of"), std::string::npos) << text;
}

TEST(ClientReport, StatsEndsWithTheHistogramOfWaits) {
  const UnitReport unit = nginx();
  EXPECT_TRUE(
      stats_text("nginx.service", unit, nullptr, 80).ends_with("\n\n" + bars_text(unit, nullptr, 80)));
}

TEST(ClientReport, StatsOfADaemonWithoutHistogramsEndsWithTheQuantiles) {
  UnitReport unit = nginx();
  unit.wait.histogram.clear();
  EXPECT_TRUE(
      stats_text("nginx.service", unit, nullptr, 80).ends_with("max          6.10ms           9.00ms\n"));
}

TEST(ClientReport, StatsOfAllUnitsHasALineForEach) {
  UnitReport few = idle_batch();
  few.budget_usec = 20000;
  few.jobs = 3;
  few.miss_ratio = 0;
  few.wait.max_usec = 0;
  EXPECT_EQ(stats_text({few, nginx()}, no_limits),
            "UNIT           BUDGET   JOBS  MISSES  MISS %       P50 WAIT       P99 WAIT  MAX WAIT\n"
            "b.slice          20ms      3       0      0%  not yet known  not yet known      <1us\n"
            "nginx.service     5ms  20000       3   0.01%           12us           87us    6.10ms\n");
  EXPECT_NE(stats_text(std::vector<UnitReport>{}, no_limits).find("systemctl edit UNIT"), std::string::npos);
}

TEST(ClientReport, BelowTheUnitsStandTheLimits) {
  const LimitReport idle{.unit = "batch.slice", .quota_per_sec_usec = 1'500'000, .period_usec = 1'000'000};
  EXPECT_TRUE(
      stats_text({nginx()}, Limits{{idle, limit()}})
          .ends_with("6.10ms\n"
                     "\n"
                     "UNIT           QUOTA  PERIOD  PERIODS  THROTTLED  THROTTLED %  THROTTLED TIME\n"
                     "batch.slice     150%      1s        0          0            -            <1us\n"
                     "nginx.service    20%   100ms     1200        340       28.33%           24.1s\n"))
      << stats_text({nginx()}, Limits{{idle, limit()}});
  EXPECT_TRUE(stats_text({nginx()}, no_limits).ends_with("6.10ms\n"));
}

TEST(ClientReport, WhereTheKernelKeepsLimitsStatsSaysWhereItCounts) {
  EXPECT_TRUE(
      stats_text({nginx()}, Limits{})
          .ends_with("\nWhile scx-slo does not enforce, the kernel keeps CPUQuota= itself, and counts "
                     "in cpu.stat of each control group.\n"));
}

TEST(ClientReport, StatsOfAUnitHasItsLimit) {
  EXPECT_EQ(stats_text("nginx.service", nginx(), nullptr, 80).find("Limit"), std::string::npos);
  LimitReport own = limit();
  const std::string text = stats_text("nginx.service", nginx(), &own, 80);
  EXPECT_NE(text.find("Limit          20% of a CPU, per 100ms (CPUQuota=)\n"
                      "Throttled      340 of 1200 periods (28.33%), 24.1s in all\n"),
            std::string::npos)
      << text;
  own.burst_usec = 50'000;
  own.parked_tasks = 3;
  const std::string more = stats_text("worker.service", folded("web.slice"), &own, 80);
  EXPECT_NE(more.find("Limit          20% of a CPU, per 100ms, and up to 50ms saved up (CPUQuota=)\n"),
            std::string::npos)
      << more;
  EXPECT_NE(more.find("24.1s in all; 3 tasks wait now\n"), std::string::npos) << more;
}

TEST(ClientReport, StatsSaysWhatTheBudgetBounds) {
  UnitReport unit = nginx();
  unit.metric = "response";
  EXPECT_NE(stats_text("nginx.service", unit, nullptr, 80).find("5ms from wakeup to sleep, per job"),
            std::string::npos);
}

TEST(ClientReport, StatsOfAnInheritingUnitNamesWhoseSettingsAndFiguresTheyAre) {
  const std::string text = stats_text("worker.service", nginx(), nullptr, 80);
  EXPECT_NE(text.find("Unit           worker.service\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Settings of    nginx.service"), std::string::npos) << text;
}

TEST(ClientReport, StatsBeforeTheFirstJobSaysSo) {
  const std::string text = stats_text("b.slice", idle_batch(), nullptr, 80);
  EXPECT_NE(text.find("No job has ended yet.\n"), std::string::npos);
  EXPECT_NE(text.find("Control group  none now\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("p50"), std::string::npos);
  EXPECT_EQ(text.find("Causes"), std::string::npos) << "none missed";
}

TEST(ClientReport, AWaitUnderAMicrosecondIsNotShownAsNone) {
  UnitReport unit = nginx();
  unit.wait.p99_usec = 0;
  EXPECT_NE(list_text({unit}).find("<1us"), std::string::npos);
}

TEST(ClientReport, AStateWithoutReasonHasNoColon) {
  EXPECT_EQ(state_text({.state = "idle"}), "idle\n");
  EXPECT_EQ(state_text(enforcing), "enforcing: 1 unit with a budget\n");
}

TEST(ClientReport, AReasonCannotTakeTheTerminalOver) {
  EXPECT_EQ(state_text({.state = "observing", .reason = "the scheduler a\x1b[2J\u009b runs"}),
            "observing: the scheduler a\\x1b[2J\\xc2\\x9b runs\n");
}

TEST(ClientReport, AFigureTooLargeForNanosecondsDoesNotWrap) {
  UnitReport unit = nginx();
  unit.exec_usec = UINT64_MAX;
  UnitReport largest = nginx();
  largest.exec_usec = UINT64_MAX / 1000;
  EXPECT_EQ(stats_text("nginx.service", unit, nullptr, 80),
            stats_text("nginx.service", largest, nullptr, 80));
}

}  // namespace
}  // namespace slo::client
