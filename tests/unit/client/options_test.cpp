// SPDX-License-Identifier: GPL-2.0-only
#include "client/options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace slo::client {
namespace {

std::expected<Options, EarlyExit> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "scx-slo");
  return parse_options(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
}

TEST(ClientOptions, NoCommandMeansStatus) {
  const auto options = parse({});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->command, Command::status);
  EXPECT_FALSE(options->json);
}

TEST(ClientOptions, EveryCommandIsUnderstoodByTheNameItIsShownWith) {
  for (const Command command : {Command::status, Command::list, Command::attach, Command::confirm,
                                Command::detach, Command::reload}) {
    const std::string name(to_string(command));
    const auto options = parse({name.c_str()});
    ASSERT_TRUE(options) << name;
    EXPECT_EQ(options->command, command) << name;
  }
}

TEST(ClientOptions, JsonIsTakenBeforeAndAfterTheCommand) {
  EXPECT_TRUE(parse({"--json"})->json);
  EXPECT_TRUE(parse({"--json", "list"})->json);
  EXPECT_TRUE(parse({"list", "--json"})->json);
  EXPECT_TRUE(parse({"stats", "nginx", "--json"})->json);
}

TEST(ClientOptions, StatsTakesOneUnitAndCompletesItsName) {
  const auto options = parse({"stats", "nginx"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->command, Command::stats);
  EXPECT_EQ(options->unit, "nginx.service");
}

TEST(ClientOptions, StatsWithoutUnitIsAboutAllOfThem) {
  const auto options = parse({"stats"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->command, Command::stats);
  EXPECT_TRUE(options->unit.empty());
  EXPECT_EQ(options->watch_usec, std::nullopt);
}

TEST(ClientOptions, WatchTakesAnIntervalOrIsEveryTwoSeconds) {
  EXPECT_EQ(parse({"stats", "--watch"})->watch_usec, 2'000'000U);
  EXPECT_EQ(parse({"stats", "nginx", "--watch"})->watch_usec, 2'000'000U);
  EXPECT_EQ(parse({"stats", "--watch=100ms"})->watch_usec, 100'000U);
  EXPECT_EQ(parse({"stats", "--watch=1h"})->watch_usec, 3'600'000'000U);
  EXPECT_EQ(parse({"stats", "--watch=1min 30s", "--json"})->watch_usec, 90'000'000U);
  const auto before_the_unit = parse({"stats", "--watch", "nginx"});
  ASSERT_TRUE(before_the_unit);
  EXPECT_EQ(before_the_unit->unit, "nginx.service");
  EXPECT_EQ(before_the_unit->watch_usec, 2'000'000U);
}

TEST(ClientOptions, AnIntervalOutsideItsBoundsIsRefusedWithThem) {
  for (const char* argument : {"--watch=99ms", "--watch=1h 1us", "--watch=0", "--watch=2", "--watch=-1s",
                               "--watch=x", "--watch=infinity", "--watch=99999y"}) {
    const auto options = parse({"stats", argument});
    ASSERT_FALSE(options) << argument;
    EXPECT_EQ(options.error().code, exit_usage) << argument;
    EXPECT_NE(options.error().text.find("100ms to 1h"), std::string::npos) << options.error().text;
  }
}

TEST(ClientOptions, AnIntervalAfterABlankIsNotTakenForAUnit) {
  const auto options = parse({"stats", "--watch", "5s"});
  ASSERT_FALSE(options);
  EXPECT_NE(options.error().text.find("--watch=5s"), std::string::npos) << options.error().text;
}

TEST(ClientOptions, AttachTakesTheLengthOfATrial) {
  EXPECT_EQ(parse({"attach"})->for_usec, std::nullopt);
  EXPECT_EQ(parse({"attach", "--for", "10min"})->for_usec, 600'000'000U);
  EXPECT_EQ(parse({"attach", "--json", "--for=1min 30s"})->for_usec, 90'000'000U);
}

TEST(ClientOptions, CatTakesOneUnitAndCompletesItsName) {
  const auto options = parse({"cat", "nginx"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->command, Command::cat);
  EXPECT_EQ(options->unit, "nginx.service");
  EXPECT_FALSE(parse({"cat"}));
  EXPECT_FALSE(parse({"cat", "a.timer"}));
}

TEST(ClientOptions, CheckTakesFilesAsTheyAre) {
  const auto options = parse({"check", "--json", "a.conf", "./b c.service"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->command, Command::check);
  EXPECT_EQ(options->files, (std::vector<std::filesystem::path>{"a.conf", "./b c.service"}));
  EXPECT_TRUE(options->json);
  EXPECT_FALSE(parse({"check"}));
}

TEST(ClientOptions, RecordTakesUnitsEachOnceATimeAndAFile) {
  const auto options =
      parse({"record", "nginx", "batch.slice", "nginx.service", "--for", "1min 30s", "-o", "web.trace"});
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(options->command, Command::record);
  EXPECT_EQ(options->units, (std::vector<std::string>{"nginx.service", "batch.slice"}));
  EXPECT_EQ(options->for_usec, 90'000'000U);
  EXPECT_EQ(options->file, "web.trace");
  EXPECT_FALSE(options->force);
  const auto forced = parse({"record", "--force", "--for=10min", "--output=-", "nginx"});
  ASSERT_TRUE(forced) << forced.error().text;
  EXPECT_TRUE(forced->force);
  EXPECT_EQ(forced->file, "-");
}

TEST(ClientOptions, ARecordingOutsideItsBoundsIsRefusedWithThem) {
  for (const char* time : {"999ms", "10min 1us", "0", "30", "-1s", "x", "infinity"}) {
    const auto options = parse({"record", "nginx", "-o", "f", "--for", time});
    ASSERT_FALSE(options) << time;
    EXPECT_EQ(options.error().code, exit_usage) << time;
    EXPECT_NE(options.error().text.find("1s to 10min"), std::string::npos) << options.error().text;
  }
}

TEST(ClientOptions, ShowTraceTakesOneFile) {
  const auto options = parse({"show-trace", "--records", "./web trace"});
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(options->command, Command::show_trace);
  EXPECT_EQ(options->file, "./web trace");
  EXPECT_TRUE(options->records);
  EXPECT_FALSE(parse({"show-trace", "f", "--records"})->json);
  EXPECT_FALSE(parse({"show-trace", "f", "--records", "--json"}));
}

TEST(ClientOptions, HelpAndVersionEndWithSuccess) {
  const auto version = parse({"--version"});
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().code, exit_ok);
  EXPECT_EQ(version.error().text, "scx-slo 1.2.3\n");

  const auto help = parse({"--help"});
  ASSERT_FALSE(help);
  EXPECT_EQ(help.error().code, exit_ok);
  for (const char* word :
       {"status", "list", "stats", "cat", "check", "attach", "confirm", "detach", "reload", "record",
        "show-trace", "--json", "Exit status", "3 scx-slo does not run", "4 it runs, but"})
    EXPECT_NE(help.error().text.find(word), std::string::npos) << word;

  const auto command_help = parse({"stats", "--help"});
  ASSERT_FALSE(command_help);
  EXPECT_EQ(command_help.error().code, exit_ok);
  EXPECT_NE(command_help.error().text.find("UNIT"), std::string::npos);
  EXPECT_NE(command_help.error().text.find("--watch=INTERVAL"), std::string::npos)
      << command_help.error().text;
}

TEST(ClientOptions, WrongArgumentsAreUsageErrorsThatNameThem) {
  struct Case {
    std::vector<const char*> arguments;
    const char* named;
  };
  for (const Case& wrong : {Case{{"stat"}, "stat"},
                            Case{{"--frobnicate"}, "--frobnicate"},
                            Case{{"cat"}, "UNIT"},
                            Case{{"stats", "a", "b"}, "b"},
                            Case{{"stats", ""}, "''"},
                            Case{{"list", "--watch"}, "--watch"},
                            Case{{"list", "extra"}, "extra"},
                            Case{{"stats", "nginx.timer"}, "nginx.timer"},
                            Case{{"stats", "/etc/passwd"}, "/etc/passwd"},
                            Case{{"attach", "detach"}, "detach"},
                            Case{{"attach", "--for", "10"}, "'10'"},
                            Case{{"attach", "--for", "0s"}, "'0s'"},
                            Case{{"record", "--for", "30s", "-o", "f"}, "UNIT"},
                            Case{{"record", "a", "-o", "f"}, "--for"},
                            Case{{"record", "a", "--for", "30s"}, "--output"},
                            Case{{"record", "a", "b.timer", "--for", "30s", "-o", "f"}, "b.timer"},
                            Case{{"show-trace"}, "FILE"},
                            Case{{"show-trace", "a", "b"}, "b"},
                            Case{{"attach", "--for"}, "--for"},
                            Case{{"detach", "--for", "10min"}, "--for"}}) {
    const auto options = parse(wrong.arguments);
    ASSERT_FALSE(options) << wrong.named;
    EXPECT_EQ(options.error().code, exit_usage) << wrong.named;
    EXPECT_NE(options.error().text.find(wrong.named), std::string::npos) << options.error().text;
    EXPECT_TRUE(options.error().text.starts_with("scx-slo: ")) << options.error().text;
  }
}

TEST(ClientOptions, NamesOfServicesScopesAndSlicesStayAsTheyAre) {
  for (const char* name : {"nginx.service", "session-1.scope", "-.slice", "batch.slice",
                           "foo@bar\\x2dbaz.service", "user@1000.service"})
    EXPECT_EQ(complete_unit_name(name), name);
}

TEST(ClientOptions, NamesWithoutSuffixAreServices) {
  EXPECT_EQ(complete_unit_name("nginx"), "nginx.service");
  EXPECT_EQ(complete_unit_name("getty@tty1"), "getty@tty1.service");
  EXPECT_EQ(complete_unit_name("org.example.daemon"), "org.example.daemon.service");
}

TEST(ClientOptions, WhatCannotBeAUnitWithABudgetIsRefused) {
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a/b"), std::string("a\nb"), std::string(".service"),
        std::string("dev-sda.device"), std::string(256, 'x')}) {
    const auto full = complete_unit_name(name);
    ASSERT_FALSE(full) << name;
    EXPECT_NE(full.error().find("accepted is"), std::string::npos) << full.error();
  }
}

TEST(ClientOptions, TheLongestNameThatSystemdAllowsIsTaken) {
  EXPECT_TRUE(complete_unit_name(std::string(247, 'x')));
  EXPECT_FALSE(complete_unit_name(std::string(248, 'x')));
}

}  // namespace
}  // namespace slo::client
