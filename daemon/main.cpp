// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "attachment/latch.h"
#include "attachment/requirements.h"
#include "base/handle.h"
#include "base/often_timer.h"
#include "base/this_machine.h"
#include "bus/link.h"
#include "kernel/bpf_kernel.h"
#include "kernel/probe.h"
#include "kernel/recorder.h"
#include "manager.h"
#include "settings/config.h"
#include "settings/unit_file.h"
#include "systemd/journal.h"
#include "systemd/service_notice.h"

namespace slo {
namespace {

constexpr const char* root = "/";
constexpr int exit_usage = 2;
constexpr int exit_requirements = 78;  // EX_CONFIG: starting again does not help, and the unit file says so

constexpr std::uint64_t usec_per_sec = 1'000'000;
constexpr std::uint64_t tick_usec = usec_per_sec;
constexpr std::uint64_t tick_slack_usec = usec_per_sec / 10;
constexpr std::uint64_t load_usec = Overload::step_ns / 1000;

using EventLoop = std::unique_ptr<sd_event, Deleter<sd_event_unref>>;

EventLoop new_event_loop() {
  sd_event* event = nullptr;
  check(sd_event_default(&event), "make an event loop");
  return EventLoop(event);
}

void log_exception() {
  try {
    throw;
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
  }
}

// What systemd waits for, and what it is told.
struct Service {
  sd_event* event;
  KernelScheduler& kernel;
  Manager& manager;
  BusLink& bus;
  std::optional<bool> first_list = {};  // whether it came
  bool reloading = false;
  bool petting = true;  // the watchdog

  void list_ended(bool came) {
    if (!first_list) first_list = came;
    if (std::exchange(reloading, false)) notify("READY=1");
  }
};

// The objects on the bus speak for the manager, so they go before it does, whatever ends the daemon.
struct Disconnect {
  void operator()(BusLink* bus) const { bus->disconnect(); }
};

int on_stop_signal(sd_event_source* source, const signalfd_siginfo* /*info*/, void* /*userdata*/) {
  notify("STOPPING=1");
  return sd_event_exit(sd_event_source_get_event(source), EXIT_SUCCESS);
}

int on_reload_signal(sd_event_source* /*source*/, const signalfd_siginfo* /*info*/, void* userdata) {
  auto* const service = static_cast<Service*>(userdata);
  return guard_callback(0, log_exception, [service] {
    notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now().monotonic_ns / SLO_NSEC_PER_USEC));
    service->reloading = true;
    service->manager.reload();
    return 0;
  });
}

// A daemon whose scheduler is dead is as good as dead, and the watchdog's end of it is the end of both.
void pet_while_alive(Service& service) {
  const bool alive = service.manager.scheduler_alive();
  if (std::exchange(service.petting, alive) == alive) return;
  if (alive) spdlog::info("the scheduler serves its queues again");
  check(sd_event_set_watchdog(service.event, alive ? 1 : 0), "serve the watchdog");
}

int on_tick(sd_event_source* source, std::uint64_t /*usec*/, void* userdata) {
  auto* const service = static_cast<Service*>(userdata);
  static_cast<void>(sd_event_source_set_time_relative(source, tick_usec));
  static_cast<void>(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT));
  return guard_callback(0, log_exception, [service] {
    service->manager.tick();
    pet_while_alive(*service);
    service->bus.tend();
    return 0;
  });
}

int on_load(sd_event_source* source, std::uint64_t /*usec*/, void* userdata) {
  auto* const service = static_cast<Service*>(userdata);
  static_cast<void>(sd_event_source_set_time_relative(source, load_usec));
  static_cast<void>(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT));
  return guard_callback(0, log_exception, [service] {
    service->manager.look_at_load();
    return 0;
  });
}

int on_events(sd_event_source* /*source*/, int /*fd*/, std::uint32_t /*revents*/, void* userdata) {
  auto* const service = static_cast<Service*>(userdata);
  return guard_callback(0, log_exception, [service] {
    service->kernel.drain_events(
        [service](std::span<const std::byte> record) { service->manager.take_event(record); });
    service->manager.tell_misses();
    return 0;
  });
}

void add_event_sources(Service& service) {
  sd_event* const event = service.event;
  for (const int number : {SIGTERM, SIGINT}) {
    check(sd_event_add_signal(event, nullptr, number | SD_EVENT_SIGNAL_PROCMASK, on_stop_signal, nullptr),
          "handle signals");
  }
  check(sd_event_add_signal(event, nullptr, SIGHUP | SD_EVENT_SIGNAL_PROCMASK, on_reload_signal, &service),
        "handle signals");
  check(sd_event_add_time_relative(event, nullptr, CLOCK_MONOTONIC, tick_usec, tick_slack_usec, on_tick,
                                   &service),
        "start the clock");
  check(sd_event_add_time_relative(event, nullptr, CLOCK_MONOTONIC, load_usec, load_usec / 10, on_load,
                                   &service),
        "look at the load");
  check(sd_event_add_io(event, nullptr, service.kernel.events_fd(), EPOLLIN, on_events, &service),
        "hear of missed jobs");
  check(sd_event_set_watchdog(event, 1), "serve the watchdog");
}

bool asked_to_stop(sd_event* event) {
  int code = 0;
  return sd_event_get_exit_code(event, &code) >= 0;
}

int cannot_start(Journal& journal, const std::vector<std::string>& sentences) {
  for (const std::string& sentence : sentences) journal.requirement_missing(sentence);
  notify("STATUS=Cannot start: " + sentences.front());
  return exit_requirements;
}

// Before anyone is told that we are ready, the units are known and what can run does. Empty: it is so; else
// the exit code. What went wrong has been logged.
std::optional<int> start_up(Service& service, Journal& journal) {
  const Manager& manager = service.manager;
  service.bus.connect(service.manager);
  // The scheduler of a daemon that was killed may still be leaving.
  const auto settling = [&manager] {
    return manager.state() == State::recovering && !manager.cannot_enforce();
  };
  while (!service.first_list || (*service.first_list && settling())) {
    check(sd_event_run(service.event, UINT64_MAX), "run the event loop");
    if (asked_to_stop(service.event)) return EXIT_SUCCESS;
  }
  if (!*service.first_list) return EXIT_FAILURE;
  if (manager.mode() == Mode::enforce && manager.cannot_enforce())
    return cannot_start(journal, {manager.state_reason() + "; Mode=enforce is set, Mode=auto would observe"});
  service.bus.own_name();
  return std::nullopt;
}

std::filesystem::path runtime_directory() {
  const char* const given = std::getenv("RUNTIME_DIRECTORY");
  return given != nullptr ? given : "/run/scx-slo";
}

Latch read_latch(const LatchFile& file) {
  auto latch = file.read();
  if (latch) return *std::move(latch);
  spdlog::warn("{}; going on as if nobody had detached the scheduler, and as if it had not failed",
               latch.error().message());
  return {};
}

int run(const std::string& log_level) {
  Journal journal(log_level);
  const EventLoop event = new_event_loop();
  ConfigReading config = read_config(root);
  const KernelFacts facts = probe_kernel(scheduler_object(), observer_object());
  const auto requirements = [&facts] { return check_requirements(root, own_capabilities(root), facts); };
  {
    const Requirements missing = requirements();
    if (!missing.fatal.empty()) return cannot_start(journal, missing.fatal);
    if (config.config.mode == Mode::enforce && !missing.enforcing.empty())
      return cannot_start(journal, missing.enforcing);
    const std::string careful = caution(facts);
    if (!careful.empty() && missing.enforcing.empty() && config.config.mode != Mode::observe)
      spdlog::warn("{}", careful);
  }
  const auto kernel = KernelScheduler::make(config.config.tunables);
  if (!kernel) {
    journal.failed(kernel.error());
    return EXIT_FAILURE;
  }

  const LatchFile latch_file(runtime_directory() / "latch");
  std::function<void(bool)> list_ended;
  BusLink bus(
      event.get(), SCX_SLO_VERSION, journal.target(),
      [&journal](const Error& error) { journal.failed(error); },
      [&list_ended](const Result<void>& outcome) { list_ended(outcome.has_value()); });
  const Patience patience;
  StatusLine status_line;
  OftenTimer often(event.get(), log_exception);
  Audiences audience({&journal, &bus, &status_line});
  Manager manager({.kernel = **kernel,
                   .source = bus,
                   .audience = audience,
                   .read_unit_files = read_unit_files,
                   .read_config = [] { return read_config(root); },
                   .check_requirements = requirements,
                   .keep_latch = [&latch_file](const Latch& latch) { return latch_file.write(latch); },
                   .now = now,
                   .loading = [&patience](bool begins) { patience.loading(begins); },
                   .load_recorder = load_recorder,
                   .machine = this_machine,
                   .tick_often = [&often](bool on) { often.set(on); }},
                  std::move(config), read_latch(latch_file));
  const std::unique_ptr<BusLink, Disconnect> disconnect_first(&bus);
  Service service{.event = event.get(), .kernel = **kernel, .manager = manager, .bus = bus};
  often.call([&manager] { manager.forward_recording(); });
  list_ended = [&service](bool came) { service.list_ended(came); };
  add_event_sources(service);

  if (const auto early_end = start_up(service, journal)) return *early_end;
  notify("READY=1");
  check(sd_event_loop(event.get()), "run the event loop");
  manager.stop();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace slo

int main(int argc, char** argv) {
  // A reader of a trace may go when it likes; writing to it then fails, which is enough.
  static_cast<void>(signal(SIGPIPE, SIG_IGN));
  CLI::App app("The daemon of scx-slo: keeps the latency budgets of systemd units. systemd starts it.",
               "scx-slod");
  std::string log_level = "info";
  app.set_version_flag("--version", "scx-slod " SCX_SLO_VERSION);
  app.add_option("--log-level", log_level, "How much to say")
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "critical", "off"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : slo::exit_usage;
  }

  try {
    return slo::run(log_level);
  } catch (const std::exception& error) {
    spdlog::critical("{}", error.what());
    return EXIT_FAILURE;
  }
}
