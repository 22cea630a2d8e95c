// SPDX-License-Identifier: GPL-2.0-only
#include "rt_app.h"

#include <algorithm>
#include <cerrno>
#include <format>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>

namespace slo::sim {
namespace {

// Keys are in the order of the file: that is the order of a thread's events.
using Json = nlohmann::ordered_json;

constexpr std::uint64_t nsec_per_usec = 1000;
constexpr std::string_view accepted_events = "run, sleep and timer";

// What is wrong at a place, from where it was found to the one function that returns it.
struct Wrong : std::runtime_error {
  Wrong(const std::string& place, const std::string& what) : std::runtime_error(place + ": " + what) {}
};

// A value and where it stands: /tasks/thread0/run.
struct Place {
  const Json& json;
  std::string path;

  [[nodiscard]] Place at(const std::string& key) const { return {json.at(key), path + "/" + key}; }
  [[noreturn]] void refuse(const std::string& accepted) const {
    throw Wrong(path, std::format("{} is not {}", json.dump(), accepted));
  }
};

const Json& object(const Place& place) {
  if (!place.json.is_object()) place.refuse("an object");
  return place.json;
}

std::int64_t integer(const Place& place, std::int64_t least, std::int64_t most) {
  if (!place.json.is_number_integer()) place.refuse("an integer");
  const auto value = place.json.get<std::int64_t>();
  if (value < least || value > most) place.refuse(std::format("from {} to {}", least, most));
  return value;
}

std::int64_t integer_or(const Place& parent, const char* key, std::int64_t otherwise, std::int64_t least,
                        std::int64_t most) {
  return parent.json.contains(key) ? integer(parent.at(key), least, most) : otherwise;
}

std::uint64_t microseconds(const Place& place, std::int64_t least = 0) {
  constexpr std::int64_t hour_us = 3'600'000'000;
  return static_cast<std::uint64_t>(integer(place, least, hour_us)) * nsec_per_usec;
}

std::string word(const Place& place) {
  if (!place.json.is_string()) place.refuse("a string");
  return place.json.get<std::string>();
}

std::uint32_t loops(const Place& parent, std::int64_t otherwise) {
  constexpr std::int64_t for_ever = -1;
  const std::int64_t value = integer_or(parent, "loop", otherwise, for_ever, UINT32_MAX - 1);
  if (value == 0) parent.at("loop").refuse("a number of times, or -1 for ever");
  return value == for_ever ? Script::for_ever : static_cast<std::uint32_t>(value);
}

// rt-app tells events by how their keys begin, so that one may come twice: run, run1. That runtime begins
// like run is its exception too.
bool begins(const std::string& key, std::string_view event) {
  return key.starts_with(event) && !key.starts_with("runtime");
}

class Reader {
 public:
  Reader(Workload& workload, std::uint32_t unit) : workload_(workload), unit_(unit) {}

  void read(const Place& root) {
    object(root);
    for (const auto& [key, value] : root.json.items())
      if (key != "tasks" && key != "global" && key != "resources")
        throw Wrong("/" + key, "accepted are tasks, global and resources");
    if (root.json.contains("global")) {
      const Place global = root.at("global");
      if (object(global).contains("default_policy")) default_policy_ = word(global.at("default_policy"));
    }
    if (!root.json.contains("tasks")) throw Wrong("/", "there are no tasks");
    const Place tasks = root.at("tasks");
    for (const auto& [name, value] : object(tasks).items()) thread(tasks.at(name));
  }

 private:
  void thread(const Place& place) {
    object(place);
    TaskSpec task{.unit = unit_, .behaviour = {}};
    set_class(task, place);
    if (place.json.contains("cpus")) task.cpus = cpus(place.at("cpus"));
    const auto instances = integer_or(place, "instance", 1, 1, 10'000);
    threads_ = static_cast<std::uint32_t>(instances);
    auto program = std::make_shared<Script::Program>();
    program->loops = loops(place, -1);
    timers_.clear();
    if (place.json.contains("phases")) {
      const Place phases = place.at("phases");
      for (const auto& [name, value] : object(phases).items())
        program->phases.push_back(phase(phases.at(name), {"loop"}));
      refuse_events(place);
    } else {
      auto only = phase(place, {"loop", "instance", "delay", "policy", "priority", "cpus"});
      only.loops = 1;
      program->phases.push_back(std::move(only));
    }
    program->timers = static_cast<std::uint32_t>(timers_.size());
    check_that_it_runs(*program, place);
    const auto begin_ns = place.json.contains("delay") ? microseconds(place.at("delay")) : 0;
    task.behaviour = Script{.program = std::move(program), .begin_ns = begin_ns};
    for (std::int64_t i = 0; i < instances; ++i) workload_.tasks.push_back(task);
  }

  void set_class(TaskSpec& task, const Place& place) const {
    const std::string policy = place.json.contains("policy") ? word(place.at("policy")) : default_policy_;
    if (policy == "SCHED_FIFO" || policy == "SCHED_RR") {
      task.real_time = static_cast<std::uint32_t>(integer_or(place, "priority", 10, 1, 99));
    } else if (policy == "SCHED_OTHER") {
      task.nice = static_cast<int>(integer_or(place, "priority", 0, -20, 19));
    } else {
      throw Wrong(place.path + "/policy",
                  std::format("{} is not SCHED_OTHER, SCHED_FIFO or SCHED_RR", policy));
    }
  }

  static std::vector<std::uint32_t> cpus(const Place& place) {
    if (!place.json.is_array() || place.json.empty()) place.refuse("a list of CPUs");
    std::vector<std::uint32_t> list;
    for (const Json& cpu : place.json)
      list.push_back(static_cast<std::uint32_t>(integer({cpu, place.path}, 0, 255)));
    return list;
  }

  // Beside phases a thread has no events of its own.
  static void refuse_events(const Place& place) {
    static const std::set<std::string> known{"phases", "loop",     "instance", "delay",
                                             "policy", "priority", "cpus"};
    for (const auto& [key, value] : place.json.items())
      if (!known.contains(key)) throw Wrong(place.path + "/" + key, "beside phases a thread has no events");
  }

  Script::Phase phase(const Place& place, const std::set<std::string>& settings) {
    Script::Phase phase{.loops = loops(place, 1), .steps = {}};
    for (const auto& [key, value] : object(place).items())
      if (!settings.contains(key)) phase.steps.push_back(step(key, place.at(key)));
    return phase;
  }

  Script::Step step(const std::string& key, const Place& place) {
    using enum Script::Kind;
    if (begins(key, "run")) return {.kind = run, .time_ns = microseconds(place, 1)};
    if (begins(key, "sleep")) return {.kind = sleep, .time_ns = microseconds(place)};
    if (!begins(key, "timer")) throw Wrong(place.path, std::format("accepted are {}", accepted_events));
    if (!object(place).contains("ref") || !place.json.contains("period"))
      place.refuse("a timer: ref, period, mode");
    const auto name = word(place.at("ref"));
    if (!name.starts_with("unique") && (threads_ > 1 || !shared_.insert({name, place.path}).second))
      throw Wrong(place.path,
                  "several use this timer; one whose ref begins with unique is each thread's own");
    const auto mode = place.json.contains("mode") ? word(place.at("mode")) : "relative";
    if (mode != "relative" && mode != "absolute") place.at("mode").refuse("relative or absolute");
    const auto index = static_cast<std::uint32_t>(timers_.emplace(name, timers_.size()).first->second);
    return {.kind = mode == "relative" ? timer : absolute_timer,
            .time_ns = microseconds(place.at("period")),
            .timer = index};
  }

  static void check_that_it_runs(const Script::Program& program, const Place& place) {
    const auto has_run = [](const Script::Phase& phase) {
      return std::ranges::any_of(phase.steps, [](auto& step) { return step.kind == Script::Kind::run; });
    };
    const auto sleeps_for_ever = [&](const Script::Phase& phase) {
      return phase.loops == Script::for_ever && !has_run(phase);
    };
    if (std::ranges::none_of(program.phases, has_run) || std::ranges::any_of(program.phases, sleeps_for_ever))
      throw Wrong(place.path, "it would sleep for ever; accepted is a run among the events");
  }

  Workload& workload_;
  std::uint32_t unit_;
  std::string default_policy_ = "SCHED_OTHER";
  std::uint32_t threads_ = 1;                  // of the object that is read
  std::map<std::string, std::size_t> timers_;  // of the same, by name
  std::set<std::pair<std::string, std::string>> shared_;
};

}  // namespace

Result<void> add_rt_app_text(Workload& workload, const Unit& unit, const std::string& path,
                             std::string_view text) {
  const auto index = static_cast<std::uint32_t>(workload.units.size());
  workload.units.push_back(unit);
  try {
    const Json json = Json::parse(text, nullptr, true, true);
    Reader(workload, index).read({json, ""});
  } catch (const Json::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 27: …": the place comes first there
    // too.
    const std::string_view what = error.what();
    const auto place = what.find("line ");
    return std::unexpected(
        Error{"read", path, 0, std::string(place == what.npos ? what : what.substr(place))});
  } catch (const Wrong& wrong) {
    return std::unexpected(Error{"read", path, 0, wrong.what()});
  }
  return {};
}

Result<void> add_rt_app(Workload& workload, const Unit& unit, const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::unexpected(Error{"read", path, errno, ""});
  const std::string text(std::istreambuf_iterator<char>(file), {});
  return add_rt_app_text(workload, unit, path, text);
}

}  // namespace slo::sim
