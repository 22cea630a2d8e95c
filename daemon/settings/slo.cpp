// SPDX-License-Identifier: GPL-2.0-only
#include "settings/slo.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "base/percent.h"
#include "base/time_span.h"
#include "bpf/policy/policy.h"

namespace slo {
namespace {

constexpr std::uint32_t importance_max = 10'000;
constexpr std::uint32_t ppm_per_permille = 1'000;
constexpr std::uint32_t reserve_min_ppm = 10'000;
constexpr std::uint32_t reserve_max_ppm = SLO_MAX_CPUS * 1'000'000;
constexpr std::uint32_t objective_min_ppm = 500'000;
constexpr std::uint32_t objective_max_ppm = 999'990;
constexpr std::uint64_t max_exec_min_ns = SLO_NSEC_PER_MSEC;
constexpr std::uint64_t max_exec_max_ns = 3600 * SLO_NSEC_PER_SEC;

}  // namespace

std::expected<Budget, std::string> Budget::parse(std::string_view text) {
  if (text == "infinity") return infinity();
  const auto ns = parse_time_span_ns(text);
  if (!ns || *ns < SLO_BUDGET_MIN_NS || *ns > SLO_BUDGET_MAX_NS) return std::unexpected(accepted());
  return Budget(*ns);
}

std::string Budget::accepted() {
  return "a time span with its unit from " + format_time_span_ns(SLO_BUDGET_MIN_NS) + " to " +
         format_time_span_ns(SLO_BUDGET_MAX_NS) + " such as 5ms or 1s 500ms, or infinity";
}

Budget Budget::infinity() {
  return Budget(infinite);
}

Budget Budget::implicit() {
  return Budget(SLO_IMPLICIT_BUDGET_NS);
}

std::string Budget::to_string() const {
  return is_infinite() ? "infinity" : format_time_span_ns(ns_);
}

std::expected<Metric, std::string> Metric::parse(std::string_view text) {
  if (text == "wait") return wait();
  if (text == "response") return response();
  return std::unexpected(accepted());
}

std::string Metric::accepted() {
  return "wait or response";
}

std::string Metric::to_string() const {
  return response_ ? "response" : "wait";
}

std::expected<Objective, std::string> Objective::parse(std::string_view text) {
  const auto ppm = parse_percent_ppm(text);
  if (!ppm || *ppm < objective_min_ppm || *ppm > objective_max_ppm) return std::unexpected(accepted());
  return Objective(*ppm);
}

std::string Objective::accepted() {
  return "a share with its percent sign from " + format_percent_ppm(objective_min_ppm) + " to " +
         format_percent_ppm(objective_max_ppm) + " such as 99.9%";
}

std::string Objective::to_string() const {
  return format_percent_ppm(ppm_);
}

std::expected<Importance, std::string> Importance::parse(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > importance_max)
    return std::unexpected(accepted());
  return Importance(value);
}

std::string Importance::accepted() {
  return "a number from 1 to " + std::to_string(importance_max) + " such as 100";
}

std::expected<Reserve, std::string> Reserve::parse(std::string_view text) {
  const auto ppm = parse_percent_ppm(text, reserve_max_ppm);
  if (!ppm || *ppm < reserve_min_ppm || *ppm % ppm_per_permille != 0) return std::unexpected(accepted());
  return Reserve(*ppm / ppm_per_permille);
}

std::string Reserve::accepted() {
  return "a share of one CPU with its percent sign from " + format_percent_ppm(reserve_min_ppm) + " to " +
         format_percent_ppm(reserve_max_ppm) + " such as 50% or 250%";
}

std::string Reserve::to_string() const {
  return format_percent_ppm(static_cast<std::uint32_t>(permille_) * ppm_per_permille);
}

std::expected<MaxExec, std::string> MaxExec::parse(std::string_view text) {
  const auto ns = parse_time_span_ns(text);
  if (!ns || *ns < max_exec_min_ns || *ns > max_exec_max_ns) return std::unexpected(accepted());
  return MaxExec(*ns);
}

std::string MaxExec::accepted() {
  return "a time span with its unit from " + format_time_span_ns(max_exec_min_ns) + " to " +
         format_time_span_ns(max_exec_max_ns) + " such as 100ms";
}

MaxExec MaxExec::standard(const Budget& finite) {
  return MaxExec(slo_default_max_exec_ns(std::min<std::uint64_t>(finite.ns(), SLO_BUDGET_MAX_NS)));
}

std::string MaxExec::to_string() const {
  return format_time_span_ns(ns_);
}

bool SloSettings::empty() const {
  bool any = false;
  for_each_setting(*this, [&any](const char* /*key*/, const auto& setting) { any = any || setting; });
  return !any;
}

SloSettings merge(SloSettings child, const SloSettings& parent) {
#define SLO_INHERIT(member, ...) \
  if (!child.member) child.member = parent.member;
  SLO_UNIT_SETTINGS(SLO_INHERIT)
#undef SLO_INHERIT
  return child;
}

SloSettings standard_settings() {
  SloSettings settings;
  settings.metric = Setting<Metric>{.value = Metric::wait(), .origin = {}};
  settings.objective = Setting<Objective>{.value = Objective::standard(), .origin = {}};
  settings.importance = Setting<Importance>{.value = Importance::standard(), .origin = {}};
  return settings;
}

SloSettings completed(SloSettings merged) {
  if (merged.has_budget() && !merged.max_exec)
    merged.max_exec = Setting<MaxExec>{.value = MaxExec::standard(merged.budget->value), .origin = {}};
  return merged;
}

std::vector<NamedSetting> named(const SloSettings& settings) {
  std::vector<NamedSetting> all;
  for_each_setting(settings, [&all](const char* key, const auto& setting) {
    if (setting) all.push_back({.key = key, .value = setting->value.to_string(), .origin = setting->origin});
  });
  return all;
}

slo_cfg implicit_cfg() {
  SloSettings settings;
  settings.budget = Setting<Budget>{.value = Budget::implicit(), .origin = {}};
  return to_cfg(settings, SLO_NO_SLOT, SLO_NO_UNIT);
}

slo_cfg operator_cfg() {
  slo_cfg cfg{};
  cfg.slot = SLO_NO_SLOT;
  cfg.unit = SLO_NO_UNIT;
  cfg.importance = Importance::standard().value();
  cfg.flags = SLO_CFG_NO_BUDGET | SLO_CFG_ROOT_ONLY;
  cfg.server = SLO_SERVER_OPERATOR;
  return cfg;
}

slo_cfg to_cfg(const SloSettings& effective, std::uint32_t slot, std::uint32_t unit) {
  slo_cfg cfg{};
  cfg.slot = slot;
  cfg.unit = unit;
  cfg.importance =
      effective.importance ? effective.importance->value.value() : Importance::standard().value();
  cfg.server = SLO_NO_SLOT;
  if (!effective.has_budget()) {
    cfg.flags = SLO_CFG_NO_BUDGET;
    return cfg;
  }
  const SloSettings complete = completed(effective);
  cfg.budget_ns = complete.budget->value.ns();
  cfg.max_exec_ns = complete.max_exec->value.ns();
  if (complete.metric && complete.metric->value.is_response()) cfg.flags |= SLO_CFG_RESPONSE;
  return cfg;
}

}  // namespace slo
