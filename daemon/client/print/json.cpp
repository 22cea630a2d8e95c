// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/json.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace slo::client {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json latency(const Latency& figures) {
  return {{"mean_usec", or_null(figures.mean_usec)}, {"p50_usec", or_null(figures.p50_usec)},
          {"p90_usec", or_null(figures.p90_usec)},   {"p99_usec", or_null(figures.p99_usec)},
          {"p999_usec", or_null(figures.p999_usec)}, {"max_usec", or_null(figures.max_usec)}};
}

// A figure of a unit that may have none of its own.
Json own(const UnitReport& report, std::uint64_t figure) {
  return report.counted_with ? Json(nullptr) : Json(figure);
}

Json causes(const Causes& causes) {
  return {{"late_start", causes.late_start},
          {"preempted", causes.preempted},
          {"overlong", causes.overlong},
          {"overrun", causes.overrun},
          {"throttled", causes.throttled}};
}

Json shown(const Shown_t& value) {
  return or_null(value);
}
Json shown(const Shown_s& value) {
  return value;
}
Json shown(Shown_d value) {
  return value;
}

Json settings(const UnitReport& report) {
  Json object = Json::object();
#define SLO_SHOW(member, Type, Suffix, type, json, ...) object[#json] = shown(report.json);
  SLO_UNIT_SETTINGS(SLO_SHOW)
#undef SLO_SHOW
  object["budget_origin"] = report.budget_origin;
  object["objective_kept"] = or_null(report.objective_kept());
  return object;
}

// The figures without the unit's name and its settings; the name's meaning differs between list and stats.
Json counters(const UnitReport& report) {
  return {{"need_daemon_reload", report.need_daemon_reload},
          {"pending", report.pending},
          {"control_group", report.control_group},
          {"control_group_id", report.control_group_id},
          {"counted_with", or_null(report.counted_with)},
          {"jobs", own(report, report.jobs)},
          {"misses", own(report, report.misses)},
          {"misses_by_cause", report.counted_with ? Json(nullptr) : causes(report.causes)},
          {"miss_ratio", or_null(report.miss_ratio)},
          {"demotions", own(report, report.demotions)},
          {"renewals", own(report, report.renewals)},
          {"exec_usec", own(report, report.exec_usec)},
          {"key_exec_usec", own(report, report.key_exec_usec)},
          {"throttled_exec_usec", own(report, report.throttled_exec_usec)},
          {"wait", latency(report.wait)},
          {"response", latency(report.response)}};
}

Json figures(const UnitReport& report) {
  Json object = settings(report);
  object.update(counters(report));
  return object;
}

Json histogram(const Histogram& buckets) {
  Json array = Json::array();
  for (const auto& [lower_ns, upper_ns, count] : buckets) {
    array.push_back({{"from_nsec", lower_ns},
                     {"below_nsec", upper_ns == UINT64_MAX ? Json(nullptr) : Json(upper_ns)},
                     {"jobs", count}});
  }
  return array;
}

Json latency_with_histogram(const Latency& figures) {
  Json object = latency(figures);
  object["histogram"] = histogram(figures.histogram);
  return object;
}

// As in list, and with the histograms, which would drown everything else there.
Json stats(std::string_view asked, const UnitReport& report) {
  Json object = {{"unit", asked}, {"settings_of", report.name}};
  object.update(figures(report));
  object["wait"] = latency_with_histogram(report.wait);
  object["response"] = latency_with_histogram(report.response);
  if (!report.counted_with) return object;
  for (const char* kind : {"wait", "response"}) object[kind]["histogram"] = nullptr;
  return object;
}

Json limit_json(const LimitReport& limit) {
  return {{"unit", limit.unit},
          {"control_group_id", limit.control_group_id},
          {"quota_per_sec_usec", limit.quota_per_sec_usec},
          {"period_usec", limit.period_usec},
          {"burst_usec", limit.burst_usec},
          {"periods", limit.periods},
          {"throttled_periods", limit.throttled_periods},
          {"throttled_usec", limit.throttled_usec},
          {"parked_tasks", limit.parked_tasks}};
}

Json unkept_json(const std::vector<UnkeptReport>& unkept) {
  Json array = Json::array();
  for (const auto& [unit, setting, why] : unkept)
    array.push_back({{"unit", unit}, {"setting", setting}, {"why", why}});
  return array;
}

Json interval(const std::optional<Interval>& last) {
  if (!last) return nullptr;
  Json object = {{"usec", last->usec},
                 {"jobs", last->jobs},
                 {"jobs_per_second", last->jobs_per_second()},
                 {"misses", last->misses},
                 {"misses_by_cause", causes(last->causes)},
                 {"miss_ratio", or_null(last->miss_ratio())},
                 {"demotions", last->demotions},
                 {"exec_usec", last->exec_usec},
                 {"wait", latency_with_histogram(last->wait)},
                 {"response", latency_with_histogram(last->response)}};
  // What a difference of two readings cannot tell is left out, as it will never be known.
  for (const char* kind : {"wait", "response"})
    for (const char* unknown : {"mean_usec", "max_usec"}) object[kind].erase(unknown);
  return object;
}

Json list(const std::vector<UnitReport>& units) {
  Json array = Json::array();
  for (const UnitReport& unit : units) {
    Json object = {{"unit", unit.name}};
    object.update(figures(unit));
    array.push_back(std::move(object));
  }
  return array;
}

// Replaces what is not UTF-8 rather than throwing: a path may hold any byte. All else is ASCII, as it may
// come to a terminal.
std::string text(const Json& json, int indent = 2) {
  return json.dump(indent, ' ', true, Json::error_handler_t::replace) + "\n";
}

std::string line(const Json& json) {
  return text(json, -1);
}

}  // namespace

std::string status_json(const Overview& overview, const std::vector<UnitReport>& units) {
  return text({{"running", true},
               {"state", overview.state},
               {"reason", overview.reason},
               {"healthy", overview.healthy},
               {"mode", overview.mode},
               {"version", overview.version},
               {"config_errors", overview.config_errors},
               {"pending", overview.pending},
               {"waiting", overview.waiting},
               {"scheduler", overview.scheduler},
               {"failures", overview.failures},
               {"events_lost", overview.events_lost},
               {"untracked", overview.untracked},
               {"late_budgets", overview.late_budgets},
               {"late_budget_max_usec", overview.late_budget_max_usec},
               {"systemd_behind", overview.systemd_behind},
               {"log_lines_lost", overview.log_lines_lost},
               {"longest_turn_usec", overview.longest_turn_usec},
               {"longest_loading_turn_usec", overview.longest_loading_turn_usec},
               {"capacity", overview.capacity},
               {"folded", overview.folded},
               {"shed", overview.shed},
               {"operator_reserve_per_sec_usec", overview.operator_reserve_usec},
               {"strict", overview.strict},
               {"limited_units", overview.limited_units},
               {"throttled_units", overview.throttled_units},
               {"unkept", unkept_json(overview.unkept)},
               {"units", list(units)}});
}

std::string not_running_json() {
  return text({{"running", false}, {"state", "not-running"}});
}

std::string list_json(const std::vector<UnitReport>& units) {
  return text({{"units", list(units)}});
}

std::string stats_json(std::string_view asked, const UnitReport& report, const LimitReport* limit) {
  Json object = stats(asked, report);
  object["limit"] = limit == nullptr ? Json(nullptr) : limit_json(*limit);
  return text(object);
}

std::string stats_json(const std::vector<UnitReport>& units, const Limits& limits) {
  Json array = Json::array();
  for (const UnitReport& unit : units) array.push_back(stats(unit.name, unit));
  Json limit_array = limits ? Json::array() : Json(nullptr);
  if (limits)
    for (const LimitReport& limit : *limits) limit_array.push_back(limit_json(limit));
  return text({{"units", std::move(array)}, {"limits", std::move(limit_array)}});
}

std::string watch_json(const Print& print, std::string_view asked, std::uint64_t time_usec) {
  Json object = {{"time_usec", time_usec},
                 {"running", true},
                 {"state", print.state},
                 {"reason", print.reason},
                 {"restarted", print.restarted}};
  Json array = Json::array();
  for (const WatchedUnit& unit : print.units) {
    Json figures = stats(asked.empty() ? std::string_view(unit.report.name) : asked, unit.report);
    figures["interval"] = interval(unit.last);
    if (asked.empty())
      array.push_back(std::move(figures));
    else
      object.update(figures);
  }
  if (asked.empty()) object["units"] = std::move(array);
  return line(object);
}

std::string watch_trouble_json(std::string_view why, std::optional<bool> running, std::uint64_t time_usec) {
  return line({{"time_usec", time_usec}, {"running", or_null(running)}, {"error", why}});
}

std::string state_json(const Overview& overview) {
  return text({{"state", overview.state}, {"reason", overview.reason}});
}

}  // namespace slo::client
