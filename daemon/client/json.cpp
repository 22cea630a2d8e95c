// SPDX-License-Identifier: GPL-2.0-only
#include "json.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

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

// The figures without the unit's name, whose meaning differs between list and stats.
Json figures(const UnitReport& report) {
  return {{"budget_usec", or_null(report.budget_usec)},
          {"budget_origin", report.budget_origin},
          {"metric", report.metric},
          {"objective", report.objective},
          {"objective_kept", or_null(report.objective_kept())},
          {"max_exec_usec", or_null(report.max_exec_usec)},
          {"need_daemon_reload", report.need_daemon_reload},
          {"control_group", report.control_group},
          {"control_group_id", report.control_group_id},
          {"jobs", report.jobs},
          {"misses", report.misses},
          {"misses_by_cause",
           {{"late_start", report.causes.late_start},
            {"preempted", report.causes.preempted},
            {"overlong", report.causes.overlong},
            {"overrun", report.causes.overrun}}},
          {"miss_ratio", or_null(report.miss_ratio)},
          {"demotions", report.demotions},
          {"exec_usec", report.exec_usec},
          {"wait", latency(report.wait)},
          {"response", latency(report.response)}};
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

// Replaces what is not UTF-8 rather than throwing: a path may hold any byte.
std::string text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string status_json(const Overview& overview, const std::vector<UnitReport>& units) {
  return text({{"running", true},
               {"state", overview.state},
               {"reason", overview.reason},
               {"mode", overview.mode},
               {"version", overview.version},
               {"config_errors", overview.config_errors},
               {"scheduler", overview.scheduler},
               {"failures", overview.failures},
               {"events_lost", overview.events_lost},
               {"untracked", overview.untracked},
               {"units", list(units)}});
}

std::string not_running_json() {
  return text({{"running", false}, {"state", "not-running"}});
}

std::string list_json(const std::vector<UnitReport>& units) {
  return text({{"units", list(units)}});
}

std::string stats_json(std::string_view asked, const UnitReport& report) {
  Json object = {{"unit", asked}, {"settings_of", report.name}};
  object.update(figures(report));
  return text(object);
}

std::string state_json(const Overview& overview) {
  return text({{"state", overview.state}, {"reason", overview.reason}});
}

}  // namespace slo::client
