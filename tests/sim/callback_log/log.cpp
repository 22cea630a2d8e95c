// SPDX-License-Identifier: GPL-2.0-only
#include "log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <format>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "../machine/types.h"

namespace slo::sim {
namespace {

using Json = nlohmann::json;

constexpr std::array kind_names = {"select_cpu", "enqueue", "dispatch", "update_idle", "running", "tick",
                                   "stopping",   "enable",  "disable",  "waking",      "switch"};

struct Wrong : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::uint64_t number(const Json& json, const char* what) {
  if (!json.is_number_unsigned()) throw Wrong(std::string(what) + " has to be a number from 0 on");
  return json.get<std::uint64_t>();
}

std::uint64_t number_of(const Json& json, const char* key) {
  if (!json.contains(key)) throw Wrong(std::string("\"") + key + "\" is missing");
  return number(json.at(key), key);
}

std::uint64_t number_or(const Json& json, const char* key, std::uint64_t otherwise) {
  return json.contains(key) ? number(json.at(key), key) : otherwise;
}

LoggedEvent event_of(const Json& json) {
  if (json.size() != 6 || !json.at(1).is_string())
    throw Wrong("an event is [ns, name, CPU, tid, value, tid]");
  const auto name = json.at(1).get<std::string>();
  const auto* const kind = std::ranges::find(kind_names, name);
  if (kind == kind_names.end()) throw Wrong("'" + name + "' is no callback");
  return {.time_ns = number(json.at(0), "a time"),
          .kind = static_cast<LoggedKind>(kind - kind_names.begin()),
          .cpu = static_cast<std::uint32_t>(number(json.at(2), "a CPU")),
          .tid = static_cast<std::uint32_t>(number(json.at(3), "a task")),
          .value = number(json.at(4), "a value"),
          .by = static_cast<std::uint32_t>(number(json.at(5), "a task"))};
}

LoggedTask task_of(const Json& json) {
  return {.time_ns = number_of(json, "at"),
          .tid = static_cast<std::uint32_t>(number_of(json, "task")),
          .comm = json.value("comm", ""),
          .group = number_of(json, "group"),
          .cpu = static_cast<std::uint32_t>(number_of(json, "cpu")),
          .cpus = number_of(json, "cpus"),
          .flags = static_cast<std::uint32_t>(number_of(json, "flags")),
          .prio = static_cast<std::int32_t>(number_of(json, "prio"))};
}

LoggedGroup group_of(const Json& json) {
  if (json.value("has_reserve", false)) throw Wrong("units with a reserve are not replayed");
  return {.id = number_of(json, "group"),
          .path = json.value("path", ""),
          .weight = static_cast<std::uint32_t>(number_or(json, "weight", 0)),
          .is_idle = json.value("idle", false),
          .budget_ns = number_or(json, "budget_ns", 0),
          .max_exec_ns = number_or(json, "max_exec_ns", 0),
          .importance = static_cast<std::uint32_t>(number_or(json, "importance", 100)),
          .flags = static_cast<std::uint32_t>(number_or(json, "flags", 0))};
}

void take_head(CallbackLog& log, const Json& json) {
  constexpr std::uint64_t cpus_max = 64;
  if (number_of(json, "lost") != 0) throw Wrong("events were lost; log anew");
  log.cpus = static_cast<std::uint32_t>(number_of(json, "cpus"));
  if (log.cpus == 0 || log.cpus > cpus_max) throw Wrong("\"cpus\" has to be from 1 to 64");
  log.kernel = json.value("kernel", "");
}

void take_event(CallbackLog& log, const LoggedEvent& event) {
  if (event.cpu >= log.cpus) throw Wrong(std::format("there is no CPU {}", event.cpu));
  log.events.push_back(event);
}

void take_line(CallbackLog& log, std::size_t nth, const std::string& line) {
  const Json json = Json::parse(line);
  if (nth == 1) {
    if (!json.is_object() || json.value("callbacks", 0) != 1) throw Wrong("it is no log of callback_log");
    take_head(log, json);
  } else if (json.is_array()) {
    take_event(log, event_of(json));
  } else if (json.is_object() && json.contains("task")) {
    log.tasks.push_back(task_of(json));
  } else if (json.is_object()) {
    log.groups.push_back(group_of(json));
  } else {
    throw Wrong("a line is an event, a task or a group");
  }
}

}  // namespace

const char* name_of(LoggedKind kind) {
  return kind_names.at(static_cast<std::size_t>(kind));
}

Result<CallbackLog> load_callback_log(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::unexpected(Error{"read", path, errno, ""});
  CallbackLog log;
  std::string line;
  std::size_t nth = 0;
  while (std::getline(file, line)) try {
      take_line(log, ++nth, line);
    } catch (const Json::exception& error) {
      return std::unexpected(
          Error{"read", std::format("{}:{}", path, nth), 0, "a line is one value of JSON"});
    } catch (const Wrong& wrong) {
      return std::unexpected(Error{"read", std::format("{}:{}", path, nth), 0, wrong.what()});
    }
  if (nth == 0) return std::unexpected(Error{"read", path + ":1", 0, "it is no log of callback_log"});
  std::ranges::stable_sort(log.events, {}, &LoggedEvent::time_ns);
  return log;
}

}  // namespace slo::sim
