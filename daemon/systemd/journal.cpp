// SPDX-License-Identifier: GPL-2.0-only
#include "systemd/journal.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <ranges>

namespace slo {
namespace {

constexpr const char* identifier = "scx-slod";
constexpr std::string_view unit_field = "SCX_SLO_UNIT";
// The journal drops entries with more than 1,024 fields.
constexpr std::size_t most_units = 1000;
constexpr std::uint64_t misses_interval_ns = 60 * SLO_NSEC_PER_SEC;

// systemd.exec(5), $JOURNAL_STREAM: device and inode of the stream, to be compared with what stderr is by
// now.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat now{};
  if (stream == nullptr || fstat(STDERR_FILENO, &now) != 0) return false;
  return stream == std::to_string(now.st_dev) + ":" + std::to_string(now.st_ino);
}

}  // namespace

Journal::Journal(const std::string& level) : structured_(stderr_is_journal()) {
  std::shared_ptr<spdlog::logger> logger;
  if (structured_) {
    logger = std::make_shared<spdlog::logger>(identifier, std::make_shared<spdlog::sinks::systemd_sink_st>());
  } else {
    logger = std::make_shared<spdlog::logger>(identifier, std::make_shared<spdlog::sinks::stderr_sink_st>());
    logger->set_pattern("%n: %l: %v");
  }
  logger->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(std::move(logger));
}

void Journal::state_changed(State state, const std::string& reason) {
  const std::string name{to_string(state)};
  // Units come and go all day, and the reason for enforcing counts them.
  if (std::exchange(last_state_, state) == state && state == State::enforcing) {
    spdlog::debug("{}: {}", name, reason);
    return;
  }
  write(state == State::failed ? Priority::error : Priority::notice, name + ": " + reason,
        {{"MESSAGE_ID", std::string{message_id_state}}, {"SCX_SLO_STATE", name}, {"SCX_SLO_REASON", reason}});
}

void Journal::config_problem(const ConfigProblem& problem) {
  const bool error = problem.severity == ConfigProblem::Severity::error;
  Fields fields = {{"MESSAGE_ID", std::string{message_id_config_problem}},
                   {"SCX_SLO_FILE", problem.file},
                   {"SCX_SLO_LINE", std::to_string(problem.line)},
                   {"SCX_SLO_KEY", problem.key},
                   {"SCX_SLO_VALUE", problem.value}};
  // A field may be there more than once, and a match finds each of them.
  for (const auto& unit : problem.units | std::views::take(most_units)) fields.emplace_back(unit_field, unit);
  write(error ? Priority::error : Priority::warning, problem.message(), fields);
}

void Journal::scheduler_ended(const SchedulerExit& exit) {
  std::string message = "the scheduler ended: " + exit.reason;
  if (!exit.message.empty()) message += " (" + exit.message + ")";
  write(kind_of(exit) == EndKind::failure ? Priority::error : Priority::notice, message,
        {{"MESSAGE_ID", std::string{message_id_scheduler_ended}},
         {"SCX_SLO_EXIT_KIND", std::to_string(exit.kind)},
         {"SCX_SLO_EXIT_CODE", std::to_string(exit.exit_code)},
         {"SCX_SLO_DUMP", exit.dump}});
  if (!structured_ && !exit.dump.empty()) spdlog::error("{}", exit.dump);
}

void Journal::shed_changed(const ShedChange& change) {
  const std::string what =
      change.shed ? " loses its guarantee under overload: " : " has its guarantee back: ";
  write(change.shed ? Priority::warning : Priority::notice, change.unit + what + change.reason,
        {{"MESSAGE_ID", std::string{message_id_shed}},
         {unit_field, change.unit},
         {"SCX_SLO_SHED", change.shed ? "1" : "0"}});
}

void Journal::leans(const Leaner& leaner) {
  write(Priority::warning, to_sentence(leaner),
        {{"MESSAGE_ID", std::string{message_id_leans}}, {unit_field, leaner.unit}});
}

void Journal::unkept_changed(const std::vector<UnkeptSetting>& news) {
  for (const auto& unkept : news)
    write(Priority::warning, to_sentence(unkept),
          {{"MESSAGE_ID", std::string{message_id_unkept}},
           {unit_field, unkept.unit},
           {"SCX_SLO_KEY", unkept.setting}});
}

void Journal::deadline_missed(const MissReport& report) {
  Misses& unit = misses_[report.unit];
  unit.held_back += report.count;
  if (unit.written_ns != 0 && report.timestamp_ns < unit.written_ns + misses_interval_ns) return;
  unit.written_ns = report.timestamp_ns;
  const std::uint64_t count = std::exchange(unit.held_back, 0);
  const auto usec = [](std::uint64_t ns) { return std::to_string(ns / SLO_NSEC_PER_USEC); };
  const Rival& rival = report.rival;
  const auto if_known = [&rival](std::string text) { return rival.ran_ns == 0 ? "" : std::move(text); };
  const bool is_other = report.job_unit != report.unit;
  write(Priority::notice, to_sentence(report, count),
        {{"MESSAGE_ID", std::string{message_id_deadline_missed}},
         {unit_field, report.job_unit},
         {unit_field, is_other ? report.unit : ""},
         {"SCX_SLO_CAUSE", report.cause},
         {"SCX_SLO_COUNT", std::to_string(count)},
         {"SCX_SLO_MISS_USEC", usec(report.miss_ns)},
         {"SCX_SLO_WAIT_USEC", usec(report.wait_ns)},
         {"SCX_SLO_EXEC_USEC", usec(report.exec_ns)},
         {"SCX_SLO_KEY_USEC", usec(report.key_ns)},
         {"SCX_SLO_TID", std::to_string(report.tid)},
         {"SCX_SLO_COMM", report.comm},
         {"SCX_SLO_CPU", std::to_string(report.cpu)},
         {"SCX_SLO_RIVAL", rival.cgroup},
         {"SCX_SLO_RIVAL_USEC", if_known(usec(rival.ran_ns))},
         {"SCX_SLO_RIVAL_TID", if_known(std::to_string(rival.tid))},
         {"SCX_SLO_RIVAL_COMM", rival.comm}});
}

void Journal::failed(const Error& error) {
  write(Priority::error, error.message(), {{"SCX_SLO_SUBJECT", error.subject}});
}

void Journal::requirement_missing(const std::string& sentence) {
  write(Priority::error, sentence, {{"MESSAGE_ID", std::string{message_id_requirement}}});
}

void Journal::write(Priority priority, const std::string& message, const Fields& fields) const {
  const auto level = priority == Priority::error     ? spdlog::level::err
                     : priority == Priority::warning ? spdlog::level::warn
                                                     : spdlog::level::info;
  if (!structured_) {
    spdlog::log(level, "{}", message);
    return;
  }
  if (!spdlog::should_log(level)) return;
  std::vector<std::string> lines = {"MESSAGE=" + message,
                                    "PRIORITY=" + std::to_string(static_cast<int>(priority)),
                                    std::string{"SYSLOG_IDENTIFIER="} + identifier};
  for (const auto& [name, value] : fields) {
    if (!value.empty()) lines.push_back(std::string{name} + "=" + value);
  }
  std::vector<iovec> parts;
  parts.reserve(lines.size());
  for (std::string& line : lines) parts.push_back({line.data(), line.size()});
  // No journal to write to is no reason to stop; there is no one else to tell either.
  static_cast<void>(sd_journal_sendv(parts.data(), static_cast<int>(parts.size())));
}

}  // namespace slo
