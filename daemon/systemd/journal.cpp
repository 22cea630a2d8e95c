// SPDX-License-Identifier: GPL-2.0-only
#include "systemd/journal.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <ranges>

#include "base/printable.h"

namespace slo {
namespace {

constexpr const char* identifier = "scx-slod";
constexpr std::string_view unit_field = "SCX_SLO_UNIT";
// The journal drops entries with more than 1,024 fields.
constexpr std::size_t most_units = 1000;
constexpr std::uint64_t misses_interval_ns = 60 * SLO_NSEC_PER_SEC;
// Of so many units it is remembered when they missed last; beyond that, of those of the last two minutes.
constexpr std::size_t most_remembered = 1024;

// systemd.exec(5), $JOURNAL_STREAM: device and inode of the stream, to be compared with what stderr is by
// now.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat now{};
  if (stream == nullptr || fstat(STDERR_FILENO, &now) != 0) return false;
  return stream == std::to_string(now.st_dev) + ":" + std::to_string(now.st_ino);
}

Priority priority_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::critical:
      return Priority::critical;
    case spdlog::level::err:
      return Priority::error;
    case spdlog::level::warn:
      return Priority::warning;
    case spdlog::level::info:
      return Priority::info;
    default:
      return Priority::debug;
  }
}

// spdlog's own sink for systemd waits while the journal has no room.
class JournalSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit JournalSink(std::shared_ptr<JournalWriter> writer) : writer_(std::move(writer)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    writer_->write(priority_of(message.level), std::string(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}

  std::shared_ptr<JournalWriter> writer_;
};

}  // namespace

void JournalWriter::write(Priority priority, const std::string& message, const JournalFields& fields) {
  const auto entry = [](Priority of, std::string text) -> JournalFields {
    return {{"MESSAGE", std::move(text)},
            {"PRIORITY", std::to_string(static_cast<int>(of))},
            {"SYSLOG_IDENTIFIER", identifier}};
  };
  const std::uint64_t lost = socket_.lost();
  if (lost > told_lost_ &&
      socket_.send(entry(Priority::warning, std::to_string(lost - told_lost_) +
                                                " lines are lost: the journal had no room for them")))
    told_lost_ = lost;
  JournalFields all = entry(priority, message);
  std::ranges::copy_if(fields, std::back_inserter(all),
                       [](const auto& field) { return !field.second.empty(); });
  socket_.send(all);
}

Journal::Journal(const std::string& level) {
  std::shared_ptr<spdlog::logger> logger;
  if (stderr_is_journal()) {
    writer_ = std::make_shared<JournalWriter>();
    logger = std::make_shared<spdlog::logger>(identifier, std::make_shared<JournalSink>(writer_));
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
  JournalFields fields = {{"MESSAGE_ID", std::string{message_id_config_problem}},
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
  if (!writer_ && !exit.dump.empty()) spdlog::error("{}", exit.dump);
}

void Journal::scheduler_renewed(std::uint64_t gap_ns) {
  write(Priority::notice,
        "the scheduler was loaded anew with what the files set now; the kernel's own was in charge for " +
            format_latency_ns(gap_ns),
        {{"MESSAGE_ID", std::string{message_id_scheduler_renewed}},
         {"SCX_SLO_GAP_USEC", std::to_string(gap_ns / SLO_NSEC_PER_USEC)}});
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

void Journal::pending_changed(const PendingNews& news) {
  write(news.number > 0 ? Priority::error : Priority::notice, to_sentence(news),
        {{"MESSAGE_ID", std::string{message_id_pending}}, {"SCX_SLO_PENDING", std::to_string(news.number)}});
}

void Journal::deadline_missed(const MissReport& report) {
  forget_old_misses(report.timestamp_ns);
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

// A unit that misses later begins anew.
void Journal::forget_old_misses(std::uint64_t now_ns) {
  if (misses_.size() < most_remembered) return;
  std::erase_if(misses_,
                [&](const auto& unit) { return unit.second.written_ns + 2 * misses_interval_ns < now_ns; });
}

void Journal::write(Priority priority, const std::string& message, const JournalFields& fields) const {
  const auto level = priority == Priority::error     ? spdlog::level::err
                     : priority == Priority::warning ? spdlog::level::warn
                                                     : spdlog::level::info;
  const std::string shown = printable_lines(message);
  if (!writer_) {
    spdlog::log(level, "{}", shown);
  } else if (spdlog::should_log(level)) {
    writer_->write(priority, shown, fields);
  }
}

}  // namespace slo
