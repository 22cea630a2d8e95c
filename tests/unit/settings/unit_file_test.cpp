// SPDX-License-Identifier: GPL-2.0-only
#include "settings/unit_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/fakes.h"

namespace slo {
namespace {

using Severity = ConfigProblem::Severity;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* accepted =
    "accepted is a time span with its unit from 100us to 10s such as 5ms or 1s 500ms, or infinity";

class UnitFile : public testing::Test {
 protected:
  UnitFileSettings read(std::string_view content) {
    file_ = directory_.write("a.service", content);
    return read_unit_files(std::vector<std::string>{file_});
  }

  // The budget as text; "-" when there is none.
  std::string budget_of(std::string_view content) {
    const auto result = read(content);
    return result.settings.budget ? result.settings.budget->value.to_string() : "-";
  }

  static std::vector<std::string> messages(const UnitFileSettings& result) {
    std::vector<std::string> all;
    for (const auto& problem : result.problems) all.push_back(problem.message());
    return all;
  }

  fakes::TemporaryDirectory directory_;
  std::filesystem::path file_;
};

TEST_F(UnitFile, GivesTheBudgetWithFileAndLine) {
  const auto result = read("[Unit]\nDescription=x\n\n[X-Slo]\nSloBudget=5ms\n");
  ASSERT_TRUE(result.settings.budget);
  EXPECT_EQ(result.settings.budget->value, *Budget::parse("5ms"));
  EXPECT_EQ(result.settings.budget->origin, (Origin{.file = file_.string(), .line = 5}));
  EXPECT_THAT(result.problems, IsEmpty());
}

TEST_F(UnitFile, WithoutTheSectionSaysNothing) {
  const auto result = read("[Service]\nExecStart=/bin/true\nSloBudget=5ms\nbanana\n=\n[Bad\n");
  EXPECT_TRUE(result.settings.empty());
  EXPECT_THAT(result.problems, IsEmpty());
}

TEST_F(UnitFile, ReportsABareNumberAndABananaWithWhatIsAccepted) {
  for (const char* value : {"5", "banana", "-5ms", "99us", "11s", "auto", "5ms # fast"}) {
    const auto result = read("[X-Slo]\nSloBudget=" + std::string(value) + "\n");
    EXPECT_FALSE(result.settings.budget) << value;
    EXPECT_THAT(messages(result),
                ElementsAre(file_.string() + ":2: SloBudget=" + value + " ignored; " + accepted));
    EXPECT_THAT(result.problems, ElementsAre(testing::Field(&ConfigProblem::severity, Severity::error)));
  }
}

TEST_F(UnitFile, ABadLineLeavesWhatEarlierOnesSaid) {
  EXPECT_EQ(budget_of("[X-Slo]\nSloBudget=5ms\nSloBudget=banana\n"), "5ms");
}

TEST_F(UnitFile, LaterLinesWinAndAnEmptyValueForgets) {
  EXPECT_EQ(budget_of("[X-Slo]\nSloBudget=5ms\nSloBudget=7ms\n"), "7ms");
  EXPECT_EQ(budget_of("[X-Slo]\nSloBudget=5ms\nSloBudget=\n"), "-");
  EXPECT_EQ(budget_of("[X-Slo]\nSloBudget=5ms\n[Service]\n[X-Slo]\nSloBudget=  \n"), "-");
  EXPECT_EQ(budget_of("[X-Slo]\nSloBudget=\nSloBudget=infinity\n"), "infinity");
}

TEST_F(UnitFile, LaterFilesWinAndNameThemselves) {
  const auto base = directory_.write("a.service", "[X-Slo]\nSloBudget=5ms\n");
  const auto drop_in = directory_.write("a.service.d/slo.conf", "[X-Slo]\n\nSloBudget=9ms\n");
  const auto reset = directory_.write("a.service.d/zz.conf", "[X-Slo]\nSloBudget=\n");
  const auto both = read_unit_files(std::vector<std::string>{base, drop_in});
  ASSERT_TRUE(both.settings.budget);
  EXPECT_EQ(both.settings.budget->value.to_string(), "9ms");
  EXPECT_EQ(both.settings.budget->origin, (Origin{.file = drop_in.string(), .line = 3}));
  EXPECT_FALSE(read_unit_files(std::vector<std::string>{base, drop_in, reset}).settings.budget);
}

TEST_F(UnitFile, StripsBlanksAroundKeysValuesAndSections) {
  EXPECT_EQ(budget_of("  [X-Slo]  \n\t SloBudget \t=  1s 500ms  \n"), "1s 500ms");
  EXPECT_EQ(budget_of("\xef\xbb\xbf[X-Slo]\r\nSloBudget=5ms\r\n"), "5ms");
  EXPECT_EQ(budget_of("[X-Slo]\rSloBudget=5ms"), "5ms");
}

TEST_F(UnitFile, TakesCommentsOnlyAsWholeLines) {
  EXPECT_EQ(budget_of("[X-Slo]\n# SloBudget=1ms\n  ; SloBudget=1ms\nSloBudget=5ms\n"), "5ms");
  EXPECT_EQ(budget_of("[X-Slo]\nSloBudget=5ms ; generous\n"), "-");
  EXPECT_EQ(budget_of("[X-Slo]\nSloBudget= ;5ms\n"), "-");
  const auto result = read("[X-Slo]\nSloBudget=5ms ; generous\n");
  EXPECT_THAT(messages(result),
              ElementsAre(file_.string() + ":2: SloBudget=5ms ; generous ignored; " + accepted));
}

TEST_F(UnitFile, JoinsContinuedLinesAndCountsThemRight) {
  EXPECT_EQ(budget_of("[X-Slo]\nSloBudget=1s \\\n  500ms\n"), "1s 500ms");
  EXPECT_EQ(budget_of("[X-Slo]\nSloBudget=1s \\\n# a comment between\n;another\n500ms\n"), "1s 500ms");
  EXPECT_EQ(budget_of("[X-Slo]\n# comments do not continue \\\nSloBudget=5ms\n"), "5ms");
  EXPECT_EQ(budget_of("[X-Slo]\nSloBudget=5ms\\"), "5ms");
  EXPECT_EQ(budget_of("[Service]\nExecStart=/bin/sh \\\n[X-Slo]\nSloBudget=5ms\n"), "-")
      << "the header was swallowed";
  EXPECT_EQ(budget_of("[Service]\nEnvironment=A=\\\\\n[X-Slo]\nSloBudget=5ms\n"), "5ms")
      << "the backslash is escaped";

  const auto result = read("[X-Slo]\nSloBudget=\\\n1s\\\n 500ms\n\nSloBudget=\\\nbanana\nTypo=1\n");
  ASSERT_TRUE(result.settings.budget);
  EXPECT_EQ(result.settings.budget->origin.line, 2U);
  ASSERT_THAT(result.problems, SizeIs(2));
  EXPECT_EQ(result.problems[0].line, 6U);
  EXPECT_EQ(result.problems[1].line, 8U);
}

TEST_F(UnitFile, LinesOfOtherSectionsMayBeAsLongAsTheyLike) {
  const std::string line(100'000, 'x');
  const std::string other =
      "[Service]\nExecStart=/bin/sh -c ; " + line + "\n   Indented=" + line + "\n# " + line + "\n";
  const auto result = read(other + "[X-Slo]\nSloBudget=5ms\n" + other);
  EXPECT_TRUE(result.settings.budget);
  EXPECT_EQ(result.settings.budget->origin.line, 6U);
  EXPECT_THAT(result.problems, IsEmpty());
}

TEST_F(UnitFile, RefusesLoudlyWhatTheParserWouldCut) {
  for (std::size_t zeros = 150; zeros < 260; ++zeros) {
    const auto result = read("[X-Slo]\nSloBudget=1s\nSloBudget=" + std::string(zeros, '0') + "5ms\n");
    ASSERT_TRUE(result.settings.budget);
    const bool fits = std::string_view("SloBudget=").size() + zeros + 3 <= 198;
    EXPECT_EQ(result.problems.empty(), fits) << zeros;
    if (fits) {
      EXPECT_EQ(result.settings.budget->value.to_string(), "5ms") << zeros;
      continue;
    }
    EXPECT_EQ(result.settings.budget->value.to_string(), "1s") << zeros;
    EXPECT_THAT(
        messages(result),
        ElementsAre(testing::AllOf(StartsWith(file_.string() + ":3: SloBudget=000"), HasSubstr("ignored; "),
                                   EndsWith(accepted + std::string(", on a line of at most 198 bytes")))));
  }
  EXPECT_THAT(read("[X-Slo]\nSloBudget=" + std::string(300, '0') + "5ms\n").problems, SizeIs(1));
}

TEST_F(UnitFile, ALongCommentOrUnknownKeyDoesNotDisturbTheNextLine) {
  const auto result = read("[X-Slo]\n#" + std::string(5000, 'c') + "\n" + std::string(5000, 'k') + "=" +
                           std::string(5000, 'v') + "\nSloBudget=5ms\n");
  EXPECT_TRUE(result.settings.budget);
  EXPECT_THAT(messages(result), ElementsAre(HasSubstr("unknown key")));
}

TEST_F(UnitFile, WarnsOfUnknownKeysAndOfThoseNotYetHonouredDifferently) {
  const auto result = read("[X-Slo]\nSlobudget=5ms\nSloBudgetMin=50ms\nSlo:Budget=5ms\nSloBudget:x=5ms\n");
  EXPECT_TRUE(result.settings.empty()) << "keys are case-sensitive";
  EXPECT_THAT(
      messages(result),
      ElementsAre(EndsWith(":2: Slobudget=5ms: unknown key in [X-Slo]; accepted are SloBudget=, SloMetric=, "
                           "SloObjective=, SloImportance=, SloReserve= and SloMaxExec="),
                  EndsWith(":3: SloBudgetMin=50ms: this version of scx-slo does not honour it yet"),
                  HasSubstr(":4: Slo:Budget=5ms: unknown key"),
                  HasSubstr(":5: SloBudget:x=5ms: unknown key")));
  for (const auto& problem : result.problems) EXPECT_EQ(problem.severity, Severity::warning);
}

TEST_F(UnitFile, EveryKeyOfALaterVersionIsRecognised) {
  for (const char* key : {"SloBudgetMin", "SloBudgetMax"}) {
    const std::string line = std::string(key) + "=" + std::string(300, '1');
    EXPECT_THAT(messages(read("[X-Slo]\n" + line + "\n")), ElementsAre(HasSubstr("does not honour"))) << key;
  }
}

TEST_F(UnitFile, GivesEveryKeyThatIsHonoured) {
  const auto result = read(
      "[X-Slo]\nSloMetric=response\nSloObjective=99.5%\nSloMaxExec=50ms\nSloBudget=5ms\nSloMaxExec=80ms\n");
  const auto at = [this](unsigned line) { return Origin{.file = file_.string(), .line = line}; };
  EXPECT_THAT(named(result.settings),
              ElementsAre(NamedSetting{.key = "SloBudget", .value = "5ms", .origin = at(5)},
                          NamedSetting{.key = "SloMetric", .value = "response", .origin = at(2)},
                          NamedSetting{.key = "SloObjective", .value = "99.5%", .origin = at(3)},
                          NamedSetting{.key = "SloMaxExec", .value = "80ms", .origin = at(6)}));
  EXPECT_THAT(result.problems, IsEmpty());
}

TEST_F(UnitFile, EveryKeyIsCheckedAndForgottenAlike) {
  const auto result = read(
      "[X-Slo]\nSloMetric=response\nSloObjective=99%\nSloMaxExec=50ms\n"
      "SloMetric=latency\nSloObjective=99\nSloMaxExec=infinity\n");
  EXPECT_THAT(named(result.settings), SizeIs(3)) << "what earlier lines said holds";
  EXPECT_THAT(
      messages(result),
      ElementsAre(EndsWith(":5: SloMetric=latency ignored; accepted is wait or response"),
                  EndsWith(":6: SloObjective=99 ignored; accepted is a share with its percent sign from 50% "
                           "to 99.999% such as 99.9%"),
                  EndsWith(":7: SloMaxExec=infinity ignored; accepted is a time span with its unit from 1ms "
                           "to 1h such as 100ms")));
  EXPECT_TRUE(read("[X-Slo]\nSloMetric=response\nSloObjective=99%\nSloMaxExec=50ms\n"
                   "SloMetric=\nSloObjective=\nSloMaxExec=\n")
                  .settings.empty());
}

TEST_F(UnitFile, ABudgetOnASliceThatHoldsNearlyEverythingIsWarnedAbout) {
  const auto finite = read("[X-Slo]\nSloBudget=5ms\n").settings;
  for (const char* unit : {"-.slice", "system.slice", "user.slice"}) {
    const auto problem = too_broad(unit, finite);
    ASSERT_TRUE(problem) << unit;
    EXPECT_EQ(problem->severity, Severity::warning);
    EXPECT_THAT(problem->message(), StartsWith(file_.string() + ":2: SloBudget=5ms: accepted, but "));
  }
  EXPECT_FALSE(too_broad("web.slice", finite));
  EXPECT_FALSE(too_broad("user-1000.slice", finite));
  EXPECT_FALSE(too_broad("system.slice", read("[X-Slo]\nSloBudget=infinity\nSloObjective=99%\n").settings));
}

TEST_F(UnitFile, WarnsOnceOfEachSectionThatLooksLikeOurs) {
  const auto result = read(
      "[X-SLO]\nSloBudget=1ms\n[x-slo]\nSloBudget=2ms\n[X-Scx-Slo]\nSloBudget=3ms\n[X-SLO]\nSloBudget=4ms\n"
      "[X-Slo ]\n[X-Slo\n[X-Slow]\n[Service]\n");
  EXPECT_TRUE(result.settings.empty());
  EXPECT_THAT(messages(result), ElementsAre(HasSubstr(":1: [X-SLO]: nothing in this section is used"),
                                            HasSubstr(":3: [x-slo]: "), HasSubstr(":5: [X-Scx-Slo]: "),
                                            HasSubstr(":9: [X-Slo ]: "), HasSubstr(":10: [X-Slo: ")));
}

TEST_F(UnitFile, WarnsOfATinyBudgetButTakesIt) {
  const auto result = read("[X-Slo]\nSloBudget=150us\n");
  EXPECT_TRUE(result.settings.budget);
  EXPECT_THAT(
      messages(result),
      ElementsAre(EndsWith(":2: SloBudget=150us: accepted, but few machines keep a budget under 200us")));
  EXPECT_EQ(result.problems[0].severity, Severity::warning);
  EXPECT_THAT(read("[X-Slo]\nSloBudget=200us\n").problems, IsEmpty());
}

TEST_F(UnitFile, ReportsALineThatIsNoSetting) {
  const auto result = read("[X-Slo]\nSloBudget 5ms\n=5ms\nSloBudget: 5ms\n");
  EXPECT_THAT(messages(result),
              ElementsAre(HasSubstr(":2: SloBudget 5ms ignored; accepted is KEY=VALUE"),
                          HasSubstr(":3: =5ms ignored"), HasSubstr(":4: SloBudget: 5ms ignored")));
}

TEST_F(UnitFile, AFileThatCannotBeUsedIsOneProblemAndTheOthersAreRead) {
  const auto good = directory_.write("good.conf", "[X-Slo]\nSloBudget=5ms\n");
  const auto nul = directory_.write("nul.conf", std::string_view("[X-Slo]\nSloBudget=1ms\0\n", 23));
  const auto huge = directory_.write("huge.conf", std::string((1 << 20) + 1, '#'));
  const auto fifo = directory_.path() / "fifo.conf";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0644), 0);
  const auto result = read_unit_files(
      std::vector<std::string>{good, nul, huge, fifo, directory_.path() / "missing.conf", directory_.path()});
  ASSERT_TRUE(result.settings.budget);
  EXPECT_EQ(result.settings.budget->value.to_string(), "5ms");
  EXPECT_THAT(
      messages(result),
      ElementsAre(
          nul.string() + ":2: the file holds a NUL byte and was not read; accepted is plain text",
          huge.string() + ": is larger than 1 MiB and was not read",
          fifo.string() + ": is not a regular file, and was not read",
          EndsWith("missing.conf: the file is missing although systemd lists it; run: systemctl "
                   "daemon-reload"),
          directory_.path().string() + ": is a directory where a file is expected, and was not read"));
}

TEST_F(UnitFile, AFileOfExactlyOneMebibyteIsRead) {
  std::string content = "[X-Slo]\nSloBudget=5ms\n#";
  content.resize(1 << 20, 'x');
  EXPECT_EQ(budget_of(content), "5ms");
}

TEST_F(UnitFile, AMaskedUnitSaysNothing) {
  const auto masked = directory_.path() / "masked.service";
  std::filesystem::create_symlink("/dev/null", masked);
  const auto result = read_unit_files(std::vector<std::string>{masked});
  EXPECT_TRUE(result.settings.empty());
  EXPECT_THAT(result.problems, IsEmpty());
}

TEST_F(UnitFile, AnUnreadableFileNamesTheChmodToType) {
  namespace fs = std::filesystem;
  fs::permissions(directory_.path(), fs::perms{0755});
  const auto secret = directory_.write("secret.conf", "[X-Slo]\nSloBudget=5ms\n");
  const auto inner = directory_.write("closed/inner.conf", "[X-Slo]\nSloBudget=5ms\n");
  fs::permissions(secret, fs::perms{0});
  fs::permissions(inner.parent_path(), fs::perms{0600});
  const auto result = [&] {
    const fakes::AsNobody nobody;
    return read_unit_files(std::vector<std::string>{secret, inner});
  }();
  fs::permissions(inner.parent_path(), fs::perms{0700});
  const std::string denied = ": cannot be read (Permission denied); run: ";
  EXPECT_TRUE(result.settings.empty());
  EXPECT_THAT(messages(result),
              ElementsAre(secret.string() + denied + "chmod o+r " + secret.string(),
                          inner.string() + denied + "chmod o+x " + inner.parent_path().string()));
}

TEST_F(UnitFile, AMessageIsOneShortLineOfPrintableText) {
  const auto result = read(
      "[X-Slo]\nSloBudget=\x1b[31m\x07"
      "a\xff\u00b5" +
      std::string(3000, 'z') + "\n");
  ASSERT_THAT(result.problems, SizeIs(1));
  const std::string message = result.problems[0].message();
  EXPECT_THAT(message, HasSubstr("SloBudget=\\x1b[31m\\x07a\\xff\u00b5zzz"));
  EXPECT_THAT(message, EndsWith(accepted + std::string(", on a line of at most 198 bytes")));
  EXPECT_LT(message.size(), 320U);
}

TEST_F(UnitFile, SurvivesHostileBytes) {
  std::mt19937_64 random(4);
  const std::vector<std::string> pieces = {"[X-Slo]\n",   "SloBudget=5ms\n",
                                           "SloBudget=",  "[X-Slo]",
                                           "[X-SLO]",     "[",
                                           "]",           "SloBudget",
                                           "=",           "5ms",
                                           "\\",          "\n",
                                           "\n",          "\r",
                                           "\\\n",        ";",
                                           "#",           " ",
                                           "\t",          "\xff",
                                           "\x01",        ":",
                                           "banana",      "infinity",
                                           "\xef\xbb\xbf"};
  unsigned with_budget = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string content = random() % 2 == 0 ? "[X-Slo]\n" : "";
    for (auto count = random() % 20; count > 0; --count) {
      content += pieces[random() % pieces.size()];
      if (random() % 20 == 0) content += static_cast<char>(random());
      if (random() % 50 == 0) content.append(random() % 400, 'x');
    }
    const auto result = read(content);
    with_budget += result.settings.budget ? 1 : 0;
    const auto lines = static_cast<unsigned>(content.size()) + 1;
    for (const auto& problem : result.problems) {
      EXPECT_LE(problem.line, lines);
      for (const char c : problem.message()) EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20) << content;
    }
  }
  EXPECT_GT(with_budget, 20U) << "the generator no longer makes anything valid";
}

}  // namespace
}  // namespace slo
