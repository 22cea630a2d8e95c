// SPDX-License-Identifier: GPL-2.0-only
#include "story.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "bpf/abi/slo_abi.h"

namespace slo::sim {
namespace {

struct Grammar {
  std::string_view verb;
  std::string_view subject;  // empty: it has none
  std::string_view value;
};

// In the order of Verb.
constexpr std::array grammar = {
    Grammar{"wake", "task", "exec_us"},
    Grammar{"sleep", "task", ""},
    Grammar{"fork", "task", "exec_us"},
    Grammar{"exit", "task", ""},
    Grammar{"yield", "task", ""},
    Grammar{"affinity", "task", "cpus"},
    Grammar{"hold", "task", ""},
    Grammar{"release", "task", ""},
    Grammar{"move", "task", "unit"},
    Grammar{"nice", "task", "nice"},
    Grammar{"real_time", "task", "priority"},
    Grammar{"weight", "unit", "weight"},
    Grammar{"budget", "unit", "budget_us"},
    Grammar{"importance", "unit", "importance"},
    Grammar{"reserve", "unit", "permille"},
    Grammar{"offline", "cpu", ""},
    Grammar{"online", "cpu", ""},
    Grammar{"attach", "", ""},
    Grammar{"detach", "", ""},
    Grammar{"limit", "unit", "quota_us"},
    Grammar{"freeze", "task", ""},
    Grammar{"thaw", "task", ""},
    Grammar{"lock_rcu", "task", ""},
    Grammar{"unlock_rcu", "task", ""},
    Grammar{"fault", "task", ""},
    Grammar{"fault_ends", "task", ""},
};

const Grammar& grammar_of(Verb verb) {
  return grammar[static_cast<std::size_t>(verb)];
}

// What `from` says.
std::string_view from_of(Verb verb) {
  if (verb == Verb::fork) return "child";
  return verb == Verb::limit ? "period_us" : "from";
}

void add(std::string& line, std::string_view key, std::int64_t value) {
  if (!key.empty()) line += std::format(" {}={}", key, value);
}

template <typename Number>
void add_unless(std::string& line, std::string_view key, Number value, Number usual) {
  if (value != usual) add(line, key, static_cast<std::int64_t>(value));
}

// The words of a line: the first, and what is said to the others.
class Words {
 public:
  explicit Words(const std::string& line) {
    std::istringstream stream(line);
    std::string word;
    while (stream >> word) {
      const auto equals = word.find('=');
      if (equals == std::string::npos)
        plain_.push_back(word);
      else
        said_[word.substr(0, equals)] = number(word.substr(equals + 1));
    }
  }
  [[nodiscard]] const std::vector<std::string>& plain() const { return plain_; }
  [[nodiscard]] std::int64_t take(std::string_view key, std::int64_t usual) {
    const auto found = said_.find(std::string(key));
    if (found == said_.end()) return usual;
    const std::int64_t value = found->second;
    said_.erase(found);
    return value;
  }
  template <typename Number>
  void take_into(std::string_view key, Number& value) {
    value = static_cast<Number>(take(key, static_cast<std::int64_t>(value)));
  }
  void expect_no_more() const {
    if (!said_.empty()) throw std::invalid_argument("'" + said_.begin()->first + "=' is not known here");
  }
  static std::int64_t number(const std::string& text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
      throw std::invalid_argument("'" + text + "' is no number");
    return value;
  }

 private:
  std::vector<std::string> plain_;
  std::map<std::string, std::int64_t> said_;
};

void read_machine(Words& words, Story& story) {
  Machine& machine = story.machine;
  words.take_into("cpus", machine.cpus);
  if (machine.cpus < 1 || machine.cpus > 64) throw std::invalid_argument("cpus: 1 to 64");
  words.take_into("cache_cpus", machine.cache_cpus);
  words.take_into("nodes", machine.nodes);
  words.take_into("threads", machine.threads);
  machine.siblings = words.take("adjacent", 0) != 0 ? Siblings::adjacent : Siblings::halves;
  const std::int64_t offline = words.take("offline", 0);
  for (std::uint32_t cpu = 0; cpu < machine.cpus; ++cpu)
    if ((offline >> cpu & 1) != 0) machine.offline.push_back(cpu);
  story.is_6_12 = words.take("is_6_12", 0) != 0;
  words.take_into("attach_us", story.attach_us);
  words.take_into("seed", story.seed);
  words.take_into("span_us", story.span_us);
}

// The kernel takes no others.
void expect_limit(std::uint64_t quota_us, std::uint64_t period_us) {
  if (quota_us == 0) return;
  if (quota_us < 1000) throw std::invalid_argument("quota_us: 1000 or more");
  if (period_us < 1000 || period_us > 1'000'000) throw std::invalid_argument("period_us: 1000 to 1000000");
}

Limit read_limit(Words& words) {
  const auto taken = [&](std::string_view key) { return static_cast<std::uint64_t>(words.take(key, 0)); };
  const std::uint64_t quota_us = taken("quota_us");
  const std::uint64_t period_us = taken("period_us");
  const std::uint64_t burst_us = taken("burst_us");
  expect_limit(quota_us, period_us);
  if (burst_us > quota_us) throw std::invalid_argument("burst_us: no more than quota_us");
  if (quota_us == 0) return {};
  return {.quota_ns = quota_us * SLO_NSEC_PER_USEC,
          .period_ns = period_us * SLO_NSEC_PER_USEC,
          .burst_ns = burst_us * SLO_NSEC_PER_USEC};
}

Unit read_unit(Words& words, const Story& story) {
  Unit unit{.name = std::to_string(story.units.size())};
  unit.budget_ns = static_cast<std::uint64_t>(words.take("budget_us", 0)) * SLO_NSEC_PER_USEC;
  unit.max_exec_ns = static_cast<std::uint64_t>(words.take("max_exec_us", 0)) * SLO_NSEC_PER_USEC;
  unit.bounds_response = words.take("response", 0) != 0;
  words.take_into("importance", unit.importance);
  words.take_into("reserve", unit.reserve_permille);
  words.take_into("weight", unit.cpu_weight);
  unit.is_cpu_idle = words.take("idle", 0) != 0;
  unit.is_operator = words.take("operator", 0) != 0;
  unit.slice = static_cast<std::uint32_t>(words.take("slice", no_unit));
  unit.limit = read_limit(words);
  if (unit.slice != no_unit && unit.slice >= story.units.size())
    throw std::invalid_argument("slice: a unit above");
  return unit;
}

Step read_step(Words& words) {
  Step step{.at_us = static_cast<std::uint64_t>(Words::number(words.plain()[0]))};
  const std::string& verb = words.plain()[1];
  const auto found = std::ranges::find(grammar, verb, &Grammar::verb);
  if (found == grammar.end()) throw std::invalid_argument("'" + verb + "' is no verb");
  step.verb = static_cast<Verb>(found - grammar.begin());
  words.take_into(found->subject, step.subject);
  words.take_into(found->value, step.value);
  words.take_into(from_of(step.verb), step.from);
  if (step.verb == Verb::limit) expect_limit(static_cast<std::uint64_t>(step.value), step.from);
  step.is_sync = words.take("sync", 0) != 0;
  words.take_into("times", step.times);
  words.take_into("every_us", step.every_us);
  return step;
}

void read_line(const std::string& line, Story& story) {
  Words words(line);
  if (words.plain().empty()) return;
  const std::string& first = words.plain()[0];
  if (first == "machine") {
    read_machine(words, story);
  } else if (first == "unit") {
    story.units.push_back(read_unit(words, story));
  } else if (first == "task") {
    story.tasks.push_back(static_cast<std::uint32_t>(words.take("unit", 0)));
    if (story.tasks.back() >= story.units.size()) throw std::invalid_argument("unit: one above");
  } else if (words.plain().size() == 2) {
    story.steps.push_back(read_step(words));
  } else {
    throw std::invalid_argument("accepted are machine, unit, task, and a time with a verb");
  }
  words.expect_no_more();
}

std::string machine_line(const Story& story) {
  const Machine& machine = story.machine;
  std::int64_t offline = 0;
  for (const std::uint32_t cpu : machine.offline) offline |= std::int64_t{1} << cpu;
  std::string line = std::format("machine cpus={}", machine.cpus);
  add_unless(line, "cache_cpus", machine.cache_cpus, Machine{}.cache_cpus);
  add_unless(line, "nodes", machine.nodes, 1U);
  add_unless(line, "threads", machine.threads, 1U);
  add_unless(line, "adjacent", machine.siblings == Siblings::adjacent ? 1 : 0, 0);
  add_unless(line, "offline", offline, std::int64_t{0});
  add_unless(line, "is_6_12", story.is_6_12 ? 1 : 0, 0);
  add_unless(line, "attach_us", story.attach_us, std::uint64_t{0});
  return line + std::format(" seed={} span_us={}\n", story.seed, story.span_us);
}

std::string unit_line(const Unit& unit) {
  std::string line = "unit";
  add_unless(line, "budget_us", std::uint64_t{unit.budget_ns / SLO_NSEC_PER_USEC}, std::uint64_t{0});
  add_unless(line, "max_exec_us", std::uint64_t{unit.max_exec_ns / SLO_NSEC_PER_USEC}, std::uint64_t{0});
  add_unless(line, "response", unit.bounds_response ? 1 : 0, 0);
  add_unless(line, "importance", unit.importance, Unit{}.importance);
  add_unless(line, "reserve", unit.reserve_permille, std::uint64_t{0});
  add_unless(line, "weight", unit.cpu_weight, 0U);
  add_unless(line, "idle", unit.is_cpu_idle ? 1 : 0, 0);
  add_unless(line, "operator", unit.is_operator ? 1 : 0, 0);
  add_unless(line, "slice", unit.slice, no_unit);
  if (unit.limit.quota_ns != 0) {
    add(line, "quota_us", static_cast<std::int64_t>(unit.limit.quota_ns / SLO_NSEC_PER_USEC));
    add(line, "period_us", static_cast<std::int64_t>(unit.limit.period_ns / SLO_NSEC_PER_USEC));
    add_unless(line, "burst_us", std::uint64_t{unit.limit.burst_ns / SLO_NSEC_PER_USEC}, std::uint64_t{0});
  }
  return line + '\n';
}

}  // namespace

std::string to_text(const Step& step) {
  const Grammar& words = grammar_of(step.verb);
  std::string line = std::format("{} {}", step.at_us, words.verb);
  add(line, words.subject, static_cast<std::int64_t>(step.subject));
  add(line, words.value, step.value);
  add_unless(line, from_of(step.verb), step.from, std::uint64_t{0});
  add_unless(line, "sync", step.is_sync ? 1 : 0, 0);
  add_unless(line, "times", step.times, std::uint64_t{1});
  add_unless(line, "every_us", step.every_us, std::uint64_t{0});
  return line;
}

std::string to_text(const Story& story) {
  std::string text = machine_line(story);
  for (const Unit& unit : story.units) text += unit_line(unit);
  for (const std::uint32_t unit : story.tasks) text += std::format("task unit={}\n", unit);
  for (const Step& step : story.steps) text += to_text(step) + '\n';
  return text;
}

std::expected<Story, std::string> parse_story(const std::string& text) {
  Story story;
  std::istringstream stream(text);
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    try {
      read_line(line.substr(0, line.find('#')), story);
    } catch (const std::invalid_argument& error) {
      return std::unexpected(std::format("line {}: {}", number, error.what()));
    }
  }
  return story;
}

}  // namespace slo::sim
