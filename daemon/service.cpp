// SPDX-License-Identifier: GPL-2.0-only
#include "service.h"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <time.h>

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "base/handle.h"
#include "base/this_machine.h"
#include "settings/unit_search.h"
#include "systemd/service_notice.h"

namespace slo {
namespace {

constexpr std::uint64_t usec_per_sec = 1'000'000;
constexpr std::uint64_t tick_usec = usec_per_sec;
constexpr std::uint64_t tick_slack_usec = usec_per_sec / 10;
constexpr std::uint64_t load_usec = Overload::step_ns / 1000;

bool asked_to_stop(sd_event* event) {
  int code = 0;
  return sd_event_get_exit_code(event, &code) >= 0;
}

}  // namespace

void log_exception() {
  try {
    throw;
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
  }
}

int cannot_start(Journal& journal, const std::vector<std::string>& sentences) {
  for (const std::string& sentence : sentences) journal.requirement_missing(sentence);
  notify("STATUS=Cannot start: " + sentences.front());
  return exit_requirements;
}

SystemdClient::Listener Service::listener() {
  return {.listed = [this](const Result<std::vector<UnitFact>>& facts) { take_list(facts); },
          .patterns = [this](const std::vector<UnitPattern>& found) { parts_.manager.patterns_found(found); },
          .awaited = [this] { list_awaited(); },
          .changed = [this](const UnitFact& fact) { parts_.manager.unit_changed(fact); },
          .gone = [this](std::string_view name) { parts_.manager.unit_gone(name); },
          .failed = [this](const Error& error) { parts_.journal.failed(error); }};
}

// A list of units has been asked for, or soon will be: an idle daemon is urgent until it has ended, as it may
// bring the first budget, which is to hold soon on a machine that has too much to do. The start is urgent as
// a whole. A list that the end of a connection cuts off is asked for again, so each is followed by an end.
void Service::list_awaited() {
  if (!first_list_ || parts_.manager.state() != State::idle) return;
  // It is told when systemd begins to read and when it has read, and each may take its time.
  if (std::exchange(urgent_for_list_, true)) parts_.urgency.leave();
  parts_.urgency.enter();
}

// It has come, or will not.
void Service::take_list(const Result<std::vector<UnitFact>>& facts) {
  Result<void> outcome;
  if (facts) {
    parts_.manager.units_listed(*facts);
  } else {
    outcome = std::unexpected(facts.error());
    parts_.manager.list_failed();
    parts_.journal.failed(facts.error());
  }
  parts_.bus.list_ended(outcome);
  if (!first_list_) first_list_ = facts.has_value();
  if (std::exchange(urgent_for_list_, false)) parts_.urgency.leave();
  if (std::exchange(reloading_, false)) notify("READY=1");
}

int Service::on_stop_signal(sd_event_source* source, const signalfd_siginfo* /*info*/, void* /*userdata*/) {
  notify("STOPPING=1");
  return sd_event_exit(sd_event_source_get_event(source), EXIT_SUCCESS);
}

int Service::on_reload_signal(sd_event_source* /*source*/, const signalfd_siginfo* /*info*/, void* userdata) {
  auto* const self = static_cast<Service*>(userdata);
  return guard_callback(0, log_exception, [self] {
    notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now().monotonic_ns / SLO_NSEC_PER_USEC));
    self->reloading_ = true;
    self->parts_.manager.reload();
    return 0;
  });
}

// A daemon whose scheduler is dead is as good as dead, and the watchdog's end of it is the end of both.
void Service::pet_while_alive() {
  const bool alive = parts_.manager.scheduler_alive();
  if (std::exchange(petting_, alive) == alive) return;
  if (alive) spdlog::info("the scheduler serves its queues again");
  check(sd_event_set_watchdog(parts_.event, alive ? 1 : 0), "serve the watchdog");
}

int Service::on_tick(sd_event_source* source, std::uint64_t /*usec*/, void* userdata) {
  auto* const self = static_cast<Service*>(userdata);
  static_cast<void>(sd_event_source_set_time_relative(source, tick_usec));
  static_cast<void>(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT));
  return guard_callback(0, log_exception, [self] {
    self->parts_.manager.tick();
    self->pet_while_alive();
    self->parts_.bus.tend();
    self->parts_.systemd.tend(now().monotonic_ns);
    return 0;
  });
}

int Service::on_load(sd_event_source* source, std::uint64_t /*usec*/, void* userdata) {
  auto* const self = static_cast<Service*>(userdata);
  static_cast<void>(sd_event_source_set_time_relative(source, self->look_after_ns_ / SLO_NSEC_PER_USEC));
  static_cast<void>(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT));
  return guard_callback(0, log_exception, [self] {
    self->parts_.manager.look_at_load();
    self->pace_looks();
    return 0;
  });
}

// Ten times a second only while there is something to decide: else the machine could sleep.
void Service::pace_looks() {
  const std::uint64_t after_ns = parts_.manager.look_after_ns();
  if (std::exchange(look_after_ns_, after_ns) == after_ns) return;
  static_cast<void>(sd_event_source_set_time_relative(looks_, after_ns / SLO_NSEC_PER_USEC));
}

int Service::on_events(sd_event_source* /*source*/, int /*fd*/, std::uint32_t /*revents*/, void* userdata) {
  auto* const self = static_cast<Service*>(userdata);
  return guard_callback(0, log_exception, [self] {
    self->parts_.kernel.drain_events(
        [self](std::span<const std::byte> record) { self->parts_.manager.take_event(record); });
    self->parts_.manager.tell_misses();
    self->pace_looks();
    return 0;
  });
}

void Service::add_event_sources() {
  for (const int number : {SIGTERM, SIGINT}) {
    check(sd_event_add_signal(parts_.event, nullptr, number | SD_EVENT_SIGNAL_PROCMASK, on_stop_signal,
                              nullptr),
          "handle signals");
  }
  check(sd_event_add_signal(parts_.event, nullptr, SIGHUP | SD_EVENT_SIGNAL_PROCMASK, on_reload_signal, this),
        "handle signals");
  check(sd_event_add_time_relative(parts_.event, nullptr, CLOCK_MONOTONIC, tick_usec, tick_slack_usec,
                                   on_tick, this),
        "start the clock");
  check(sd_event_add_time_relative(parts_.event, &looks_, CLOCK_MONOTONIC, load_usec, load_usec / 10, on_load,
                                   this),
        "look at the load");
  check(sd_event_add_io(parts_.event, nullptr, parts_.kernel.events_fd(), EPOLLIN, on_events, this),
        "hear of missed jobs");
  check(sd_event_set_watchdog(parts_.event, 1), "serve the watchdog");
}

// One turn of the event loop, as sd_event_run() does it, but with a look at the clock once there is something
// to do. False: the loop has ended.
bool Service::take_turn() {
  const int pending = sd_event_prepare(parts_.event);
  check(pending, "run the event loop");
  if (pending == 0) {
    const int arrived = sd_event_wait(parts_.event, UINT64_MAX);
    check(arrived, "run the event loop");
    if (arrived == 0) return true;
  }
  parts_.turns.begin(now().monotonic_ns);
  const int going_on = sd_event_dispatch(parts_.event);
  parts_.turns.end(now().monotonic_ns);
  check(going_on, "run the event loop");
  return going_on > 0;
}

void Service::run() {
  while (take_turn()) continue;
}

void Service::take_unit_files() {
  const UnitDirectories directories(standard_unit_path(), as_known(parts_.unit_files));
  std::vector<UnitFact> facts;
  for (const auto& name : directories.with_settings()) {
    UnitFact& fact = facts.emplace_back();
    fact.name = name;
    fact.files = directories.files_of(name);
  }
  parts_.manager.patterns_found(directories.patterns());
  parts_.manager.units_listed(facts);
}

std::optional<int> Service::start_up() {
  take_unit_files();
  parts_.bus.connect(parts_.manager);
  parts_.systemd.connect(listener());
  // The scheduler of a daemon that was killed may still be leaving.
  const auto settling = [this] {
    return parts_.manager.state() == State::recovering && !parts_.manager.cannot_enforce();
  };
  const auto refused = [this] { return parts_.bus.named() && !*parts_.bus.named(); };
  while (!first_list_ || (*first_list_ && (settling() || !parts_.bus.named()))) {
    take_turn();
    if (asked_to_stop(parts_.event)) return EXIT_SUCCESS;
    if (refused()) break;
  }
  if (!first_list_ || !*first_list_ || refused()) return EXIT_FAILURE;
  if (parts_.manager.mode() == Mode::enforce && parts_.manager.cannot_enforce())
    return cannot_start(parts_.journal,
                        {parts_.manager.state_reason() + "; Mode=enforce is set, Mode=auto would observe"});
  return std::nullopt;
}

}  // namespace slo
