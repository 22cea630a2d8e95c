// SPDX-License-Identifier: GPL-2.0-only
#include "service.h"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <time.h>

#include <cstddef>
#include <cstdlib>
#include <exception>
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

// The start is urgent as a whole. A list that the end of a connection cuts off is asked for again, so each is
// followed by an end.
void Service::list_awaited() {
  if (!first_list_ || manager_.state() != State::idle) return;
  // It is told when systemd begins to read and when it has read, and each may take its time.
  if (std::exchange(urgent_for_list_, true)) urgency_.leave();
  urgency_.enter();
}

void Service::list_ended(bool came) {
  if (!first_list_) first_list_ = came;
  if (std::exchange(urgent_for_list_, false)) urgency_.leave();
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
    self->manager_.reload();
    return 0;
  });
}

// A daemon whose scheduler is dead is as good as dead, and the watchdog's end of it is the end of both.
void Service::pet_while_alive() {
  const bool alive = manager_.scheduler_alive();
  if (std::exchange(petting_, alive) == alive) return;
  if (alive) spdlog::info("the scheduler serves its queues again");
  check(sd_event_set_watchdog(event_, alive ? 1 : 0), "serve the watchdog");
}

int Service::on_tick(sd_event_source* source, std::uint64_t /*usec*/, void* userdata) {
  auto* const self = static_cast<Service*>(userdata);
  static_cast<void>(sd_event_source_set_time_relative(source, tick_usec));
  static_cast<void>(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT));
  return guard_callback(0, log_exception, [self] {
    self->manager_.tick();
    self->pet_while_alive();
    self->bus_.tend();
    return 0;
  });
}

int Service::on_load(sd_event_source* source, std::uint64_t /*usec*/, void* userdata) {
  auto* const self = static_cast<Service*>(userdata);
  static_cast<void>(sd_event_source_set_time_relative(source, load_usec));
  static_cast<void>(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT));
  return guard_callback(0, log_exception, [self] {
    self->manager_.look_at_load();
    return 0;
  });
}

int Service::on_events(sd_event_source* /*source*/, int /*fd*/, std::uint32_t /*revents*/, void* userdata) {
  auto* const self = static_cast<Service*>(userdata);
  return guard_callback(0, log_exception, [self] {
    self->kernel_.drain_events(
        [self](std::span<const std::byte> record) { self->manager_.take_event(record); });
    self->manager_.tell_misses();
    return 0;
  });
}

void Service::add_event_sources() {
  for (const int number : {SIGTERM, SIGINT}) {
    check(sd_event_add_signal(event_, nullptr, number | SD_EVENT_SIGNAL_PROCMASK, on_stop_signal, nullptr),
          "handle signals");
  }
  check(sd_event_add_signal(event_, nullptr, SIGHUP | SD_EVENT_SIGNAL_PROCMASK, on_reload_signal, this),
        "handle signals");
  check(
      sd_event_add_time_relative(event_, nullptr, CLOCK_MONOTONIC, tick_usec, tick_slack_usec, on_tick, this),
      "start the clock");
  check(
      sd_event_add_time_relative(event_, nullptr, CLOCK_MONOTONIC, load_usec, load_usec / 10, on_load, this),
      "look at the load");
  check(sd_event_add_io(event_, nullptr, kernel_.events_fd(), EPOLLIN, on_events, this),
        "hear of missed jobs");
  check(sd_event_set_watchdog(event_, 1), "serve the watchdog");
}

void Service::take_unit_files() {
  const UnitDirectories directories(standard_unit_path());
  std::vector<UnitFact> facts;
  for (const auto& name : directories.with_settings()) {
    UnitFact& fact = facts.emplace_back();
    fact.name = name;
    fact.files = directories.files_of(name);
  }
  manager_.patterns_found(directories.patterns());
  manager_.units_listed(facts);
}

std::optional<int> Service::start_up(Journal& journal) {
  take_unit_files();
  bus_.connect(manager_);
  // The scheduler of a daemon that was killed may still be leaving.
  const auto settling = [this] {
    return manager_.state() == State::recovering && !manager_.cannot_enforce();
  };
  while (!first_list_ || (*first_list_ && settling())) {
    check(sd_event_run(event_, UINT64_MAX), "run the event loop");
    if (asked_to_stop(event_)) return EXIT_SUCCESS;
  }
  if (!*first_list_) return EXIT_FAILURE;
  if (manager_.mode() == Mode::enforce && manager_.cannot_enforce())
    return cannot_start(journal,
                        {manager_.state_reason() + "; Mode=enforce is set, Mode=auto would observe"});
  bus_.own_name();
  return std::nullopt;
}

}  // namespace slo
