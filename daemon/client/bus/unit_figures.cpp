// SPDX-License-Identifier: GPL-2.0-only
#include "client/bus/unit_figures.h"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace slo::client {
namespace {

using Json = nlohmann::json;

class JsonFigures final : public NamedFigures {
 public:
  explicit JsonFigures(const Json& unit) : unit_(unit) {}

  [[nodiscard]] std::optional<std::uint64_t> number(const std::string& name) const override {
    return find<std::uint64_t>(name);
  }
  [[nodiscard]] std::optional<std::string> text(const std::string& name) const override {
    return find<std::string>(name);
  }
  [[nodiscard]] std::optional<double> ratio(const std::string& name) const override {
    return find<double>(name);
  }
  [[nodiscard]] Histogram histogram(const std::string& name) const override {
    Histogram histogram;
    for (const Json& bucket : unit_.value(name, Json::array())) {
      const Json& upper = bucket.at(1);
      histogram.push_back({.lower_ns = bucket.at(0).get<std::uint64_t>(),
                           .upper_ns = upper.is_null() ? UINT64_MAX : upper.get<std::uint64_t>(),
                           .count = bucket.at(2).get<std::uint64_t>()});
    }
    return histogram;
  }

 private:
  template <class T>
  [[nodiscard]] std::optional<T> find(const std::string& name) const {
    const auto at = unit_.find(name);
    if (at == unit_.end() || at->is_null()) return {};
    return at->get<T>();
  }

  const Json& unit_;
};

LimitReport take_limit(const Json& limit) {
  const JsonFigures figures(limit);
  const auto count = [&](const char* name) { return figures.number(name).value_or(0); };
  return {.unit = figures.text("Unit").value_or(""),
          .control_group_id = count("ControlGroupId"),
          .quota_per_sec_usec = count("QuotaPerSecUSec"),
          .period_usec = count("PeriodUSec"),
          .burst_usec = count("BurstUSec"),
          .periods = count("Periods"),
          .throttled_periods = count("ThrottledPeriods"),
          .throttled_usec = count("ThrottledUSec"),
          .parked_tasks = count("ParkedTasks")};
}

std::string not_expected(const Json::exception& error) {
  return std::string("the statistics of scx-slo are not what was expected: ") + error.what();
}

Latency take_latency(const NamedFigures& figures, const std::string& prefix) {
  return {.mean_usec = figures.number(prefix + "MeanUSec"),
          .p50_usec = figures.number(prefix + "P50USec"),
          .p90_usec = figures.number(prefix + "P90USec"),
          .p99_usec = figures.number(prefix + "P99USec"),
          .p999_usec = figures.number(prefix + "P999USec"),
          .max_usec = figures.number(prefix + "MaxUSec"),
          .histogram = figures.histogram(prefix + "HistogramNSec")};
}

}  // namespace

void take_figures(UnitReport& unit, const NamedFigures& figures) {
  const auto count = [&](const char* name) { return figures.number(name).value_or(0); };
  unit.counted_with = figures.text("CountedWith");
  unit.jobs = count("Jobs");
  unit.misses = count("Misses");
  unit.causes = {.late_start = count("MissesLateStart"),
                 .preempted = count("MissesPreempted"),
                 .overlong = count("MissesOverlong"),
                 .overrun = count("MissesOverrun"),
                 .throttled = count("MissesThrottled")};
  unit.miss_ratio = figures.ratio("MissRatio");
  unit.demotions = count("Demotions");
  unit.renewals = count("Renewals");
  unit.exec_usec = count("ExecUSec");
  unit.key_exec_usec = count("ExecByKeyUSec");
  unit.throttled_exec_usec = count("ExecThrottledUSec");
  unit.wait = take_latency(figures, "Wait");
  unit.response = take_latency(figures, "Response");
}

std::expected<std::vector<UnitReport>, std::string> with_figures(std::vector<UnitReport> units,
                                                                 const std::string& document) {
  try {
    const Json parsed = Json::parse(document);
    std::map<std::string, const Json*> by_name;
    for (const Json& unit : parsed.at("Units")) by_name.emplace(unit.at("Unit").get<std::string>(), &unit);
    std::erase_if(units, [&](const UnitReport& unit) { return !by_name.contains(unit.name); });
    for (UnitReport& unit : units) take_figures(unit, JsonFigures(*by_name.at(unit.name)));
    return units;
  } catch (const Json::exception& error) {
    return std::unexpected(not_expected(error));
  }
}

std::expected<Limits, std::string> limits_in(const std::string& document) {
  try {
    const Json parsed = Json::parse(document);
    const Json& listed = parsed.at("Limits");
    if (listed.is_null()) return Limits{};
    std::vector<LimitReport> limits;
    for (const Json& limit : listed.get_ref<const Json::array_t&>()) limits.push_back(take_limit(limit));
    return limits;
  } catch (const Json::exception& error) {
    return std::unexpected(not_expected(error));
  }
}

}  // namespace slo::client
