// SPDX-License-Identifier: GPL-2.0-only
#include "base/time_span.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>

namespace slo {
namespace {

constexpr std::uint64_t us = 1000;
constexpr std::uint64_t ms = 1000 * us;
constexpr std::uint64_t s = 1000 * ms;

TEST(TimeSpan, ReadsWhatSystemdTimeDescribes) {
  const std::pair<const char*, std::uint64_t> spans[] = {
      {"500us", 500 * us},
      {"500usec", 500 * us},
      {"500\u00b5s", 500 * us},
      {"500\u03bcs", 500 * us},
      {"5ms", 5 * ms},
      {"5msec", 5 * ms},
      {"5 ms", 5 * ms},
      {"  5ms\t", 5 * ms},
      {"1s 500ms", 1500 * ms},
      {"1s500ms", 1500 * ms},
      {"500ms 1s", 1500 * ms},
      {"1.5ms", 1500 * us},
      {".5s", 500 * ms},
      {"0.0000000019s", 1},
      {"2sec", 2 * s},
      {"1second 2seconds", 3 * s},
      {"1m", 60 * s},
      {"1min 1minute 1minutes", 180 * s},
      {"1h 1hr 1hour 1hours", 4 * 3600 * s},
      {"1d 1day 1days", 3 * 86400 * s},
      {"1w 1week 1weeks", 3 * 7 * 86400 * s},
      {"1M", 2629800 * s},
      {"1month 1months", 2 * 2629800 * s},
      {"1y 1year 1years", 3 * 31557600 * s},
      {"0s", 0},
  };
  for (const auto& [text, ns] : spans) EXPECT_EQ(parse_time_span_ns(text), ns) << text;
}

TEST(TimeSpan, RefusesBareNumbersSignsAndNonsense) {
  for (const char* text :
       {"",       " ",   "5",         "0",      "1s 5",    "5 5ms",    "-5ms",     "+5ms",   "1s -5ms",
        "banana", "ms",  "5 bananas", "5MS",    "5Ms",     "infinity", "1,5ms",    "5ms;",   "0x5ms",
        "1e3ms",  ".ms", ".",         "5..5ms", "5.5.5ms", "5\xc2",    "5\xff ms", "5ms\x01"}) {
    EXPECT_EQ(parse_time_span_ns(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_time_span_ns(std::string_view("5ms\0", 4)), std::nullopt);
}

TEST(TimeSpan, RefusesWhatDoesNotFitIn64Bits) {
  EXPECT_EQ(parse_time_span_ns("18446744073709551us"), 18446744073709551U * us);
  EXPECT_EQ(parse_time_span_ns("18446744073709551.615us"), UINT64_MAX);
  EXPECT_EQ(parse_time_span_ns("18446744073709551.616us"), std::nullopt);
  EXPECT_EQ(parse_time_span_ns("18446744073709552us"), std::nullopt);
  EXPECT_EQ(parse_time_span_ns("99999999999999999999999us"), std::nullopt);
  EXPECT_EQ(parse_time_span_ns("584y 10000w"), std::nullopt);
  EXPECT_EQ(parse_time_span_ns("585y"), std::nullopt);
}

TEST(TimeSpan, WritesTheShortestExactForm) {
  const std::pair<std::uint64_t, const char*> spans[] = {
      {0, "0"},
      {1, "0.001us"},
      {1500, "1.5us"},
      {5 * ms, "5ms"},
      {1500 * ms, "1s 500ms"},
      {100 * us, "100us"},
      {5 * ms + us, "5ms 1us"},
      {60 * s, "1min"},
      {90 * s, "1min 30s"},
      {3600 * s, "1h"},
      {86400 * s, "1d"},
      {7 * 86400 * s, "1w"},
  };
  for (const auto& [ns, text] : spans) EXPECT_EQ(format_time_span_ns(ns), text);
}

TEST(TimeSpan, ReadsBackWhatItWroteForAnyValue) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t ns = random() >> (random() % 63);
    if (ns == 0) continue;
    EXPECT_EQ(parse_time_span_ns(format_time_span_ns(ns)), ns) << format_time_span_ns(ns);
  }
  EXPECT_EQ(parse_time_span_ns(format_time_span_ns(UINT64_MAX)), UINT64_MAX);
}

TEST(TimeSpan, SurvivesHostileText) {
  std::mt19937_64 random(2);
  const std::string alphabet("0123456789.usmhdwyM \t-+;=\xc2\xb5\xff\0e", 29);
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (auto length = random() % 24; length > 0; --length) text += alphabet[random() % alphabet.size()];
    const auto ns = parse_time_span_ns(text);
    if (ns.value_or(0) == 0) continue;
    EXPECT_EQ(parse_time_span_ns(format_time_span_ns(*ns)), ns) << text;
  }
}

TEST(TimeSpan, ShowsLatenciesWithAboutThreeDigits) {
  const std::pair<std::uint64_t, const char*> latencies[] = {
      {0, "0ns"},
      {512, "512ns"},
      {999, "999ns"},
      {1000, "1.00us"},
      {9994, "9.99us"},
      {9995, "10us"},
      {87'000, "87us"},
      {999'499, "999us"},
      {999'500, "1.00ms"},
      {1'520'000, "1.52ms"},
      {13'100'000, "13.1ms"},
      {131'000'000, "131ms"},
      {999'499'999, "999ms"},
      {999'500'000, "1.00s"},
      {2'400'000'000, "2.40s"},
      {24'000'000'000, "24.0s"},
      {100'000'000'000, "100s"},
      {68'719'000'000'000, "68719s"},
      {UINT64_MAX, "18446744074s"},
  };
  for (const auto& [ns, text] : latencies) EXPECT_EQ(format_latency_ns(ns), text) << ns;
}

}  // namespace
}  // namespace slo
