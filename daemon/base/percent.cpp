// SPDX-License-Identifier: GPL-2.0-only
#include "base/percent.h"

#include <algorithm>

namespace slo {
namespace {

constexpr std::uint32_t ppm_per_percent = 10'000;

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<std::uint32_t> parse_percent_ppm(std::string_view text, std::uint32_t most_ppm) {
  if (!text.ends_with('%')) return {};
  text.remove_suffix(1);
  const auto dot = text.find('.');
  const std::string_view percents = text.substr(0, dot);
  const std::string_view fraction = dot == std::string_view::npos ? "" : text.substr(dot + 1);
  if (percents.empty() || !all_digits(percents) || !all_digits(fraction)) return {};
  if (dot != std::string_view::npos && fraction.empty()) return {};

  std::uint64_t ppm = 0;
  for (const char c : percents) {
    ppm = ppm * 10 + static_cast<std::uint64_t>(c - '0') * ppm_per_percent;
    if (ppm > most_ppm) return {};
  }
  std::uint32_t scale = ppm_per_percent;
  for (const char c : fraction) {
    scale /= 10;
    if (scale == 0 && c != '0') return {};
    ppm += static_cast<std::uint64_t>(c - '0') * scale;
  }
  if (ppm > most_ppm) return {};
  return static_cast<std::uint32_t>(ppm);
}

std::string format_percent_ppm(std::uint32_t ppm) {
  std::string text = std::to_string(ppm / ppm_per_percent);
  if (const auto rest = ppm % ppm_per_percent; rest != 0) {
    const std::string digits = std::to_string(ppm_per_percent + rest).substr(1);
    text += "." + digits.substr(0, digits.find_last_not_of('0') + 1);
  }
  return text + "%";
}

}  // namespace slo
