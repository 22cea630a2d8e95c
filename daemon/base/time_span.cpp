// SPDX-License-Identifier: GPL-2.0-only
#include "base/time_span.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

namespace slo {
namespace {

constexpr std::uint64_t usec = 1000;
constexpr std::uint64_t msec = 1000 * usec;
constexpr std::uint64_t second = 1000 * msec;
constexpr std::uint64_t minute = 60 * second;
constexpr std::uint64_t hour = 60 * minute;
constexpr std::uint64_t day = 24 * hour;
constexpr std::uint64_t week = 7 * day;
// systemd.time(7): a month is 30.44 days, a year 365.25 days, in whole seconds.
constexpr std::uint64_t month = 2'629'800 * second;
constexpr std::uint64_t year = 31'557'600 * second;

struct NamedUnit {
  std::string_view name;
  std::uint64_t ns;
};

constexpr auto units = std::to_array<NamedUnit>({
    {"us", usec},     {"usec", usec},    {"\u00b5s", usec},  {"\u03bcs", usec},   {"ms", msec},
    {"msec", msec},   {"s", second},     {"sec", second},    {"second", second},  {"seconds", second},
    {"m", minute},    {"min", minute},   {"minute", minute}, {"minutes", minute}, {"h", hour},
    {"hr", hour},     {"hour", hour},    {"hours", hour},    {"d", day},          {"day", day},
    {"days", day},    {"w", week},       {"week", week},     {"weeks", week},     {"M", month},
    {"month", month}, {"months", month}, {"y", year},        {"year", year},      {"years", year},
});

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
// What may stand in the name of a unit: letters, and the bytes of a UTF-8 encoded mu.
bool is_unit_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

template <class Predicate>
std::string_view take_while(std::string_view& rest, Predicate holds) {
  const auto end = std::ranges::find_if_not(rest, holds);
  const auto count = static_cast<std::size_t>(std::distance(rest.begin(), end));
  const std::string_view taken = rest.substr(0, count);
  rest.remove_prefix(count);
  return taken;
}

// whole.fraction times scale; digits of the fraction below a nanosecond are dropped.
std::optional<std::uint64_t> scaled(std::string_view whole, std::string_view fraction, std::uint64_t scale) {
  std::uint64_t value = 0;
  for (const char c : whole) {
    if (__builtin_mul_overflow(value, 10U, &value)) return {};
    if (__builtin_add_overflow(value, static_cast<unsigned>(c - '0'), &value)) return {};
  }
  if (__builtin_mul_overflow(value, scale, &value)) return {};
  for (const char c : fraction) {
    scale /= 10;
    if (__builtin_add_overflow(value, static_cast<unsigned>(c - '0') * scale, &value)) return {};
  }
  return value;
}

std::optional<std::uint64_t> parse_part(std::string_view& rest) {
  const std::string_view whole = take_while(rest, is_digit);
  std::string_view fraction;
  if (!rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    fraction = take_while(rest, is_digit);
  }
  if (whole.empty() && fraction.empty()) return {};
  take_while(rest, is_blank);
  const std::string_view name = take_while(rest, is_unit_char);
  const auto unit = std::ranges::find(units, name, &NamedUnit::name);
  if (unit == units.end()) return {};
  return scaled(whole, fraction, unit->ns);
}

}  // namespace

std::optional<std::uint64_t> parse_time_span_ns(std::string_view text) {
  std::uint64_t total = 0;
  std::string_view rest = text;
  take_while(rest, is_blank);
  if (rest.empty()) return {};
  while (!rest.empty()) {
    const auto part = parse_part(rest);
    if (!part || __builtin_add_overflow(total, *part, &total)) return {};
    take_while(rest, is_blank);
  }
  return total;
}

std::string format_time_span_ns(std::uint64_t ns) {
  if (ns == 0) return "0";
  static constexpr auto parts = std::to_array<NamedUnit>(
      {{"w", week}, {"d", day}, {"h", hour}, {"min", minute}, {"s", second}, {"ms", msec}});
  std::string text;
  const auto append = [&text](const std::string& part) { text += (text.empty() ? "" : " ") + part; };
  for (const auto& [name, scale] : parts) {
    if (ns >= scale) append(std::to_string(ns / scale).append(name));
    ns %= scale;
  }
  if (ns == 0) return text;
  std::string micros = std::to_string(ns / usec);
  if (ns % usec != 0) {
    const std::string digits = std::to_string(usec + ns % usec).substr(1);
    micros += "." + digits.substr(0, digits.find_last_not_of('0') + 1);
  }
  append(micros + "us");
  return text;
}

std::string format_latency_ns(std::uint64_t ns) {
  struct Form {
    std::uint64_t below;  // the first value that rounds up to the next form
    double scale;
    const char* format;
  };
  static constexpr auto forms = std::to_array<Form>({
      {1000, 1, "%.0fns"},
      {9995, 1e3, "%.2fus"},
      {999'500, 1e3, "%.0fus"},
      {9'995'000, 1e6, "%.2fms"},
      {99'950'000, 1e6, "%.1fms"},
      {999'500'000, 1e6, "%.0fms"},
      {9'995'000'000, 1e9, "%.2fs"},
      {99'950'000'000, 1e9, "%.1fs"},
      {UINT64_MAX, 1e9, "%.0fs"},
  });
  const auto* form = std::ranges::find_if(forms, [ns](const Form& f) { return ns < f.below; });
  if (form == forms.end()) --form;
  std::array<char, 40> text{};
  static_cast<void>(
      std::snprintf(text.data(), text.size(), form->format, static_cast<double>(ns) / form->scale));
  return text.data();
}

}  // namespace slo
