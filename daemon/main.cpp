// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "bus_link.h"
#include "config.h"
#include "handle.h"
#include "journal.h"
#include "kernel.h"
#include "kernel_probe.h"
#include "manager.h"
#include "requirements.h"
#include "unit_file.h"

namespace slo {
namespace {

constexpr const char* root = "/";
constexpr int exit_usage = 2;
constexpr int exit_requirements = 78;  // EX_CONFIG: starting again does not help, and the unit file says so

constexpr std::uint64_t usec_per_sec = 1'000'000;
constexpr std::uint64_t tick_usec = usec_per_sec;
constexpr std::uint64_t tick_slack_usec = usec_per_sec / 10;

constexpr auto predecessor_poll = std::chrono::milliseconds(50);
constexpr auto predecessor_patience = std::chrono::seconds(10);

using EventLoop = std::unique_ptr<sd_event, Deleter<sd_event_unref>>;

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

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

std::string first_word(const std::filesystem::path& path) {
  std::string word;
  std::ifstream(path) >> word;
  return word;
}

std::vector<std::string> missing_requirements(const KernelFacts& facts) {
  Requirements now = check_requirements(root, own_capabilities(root), facts);
  std::vector<std::string> missing = std::move(now.fatal);
  missing.insert(missing.end(), now.enforcing.begin(), now.enforcing.end());
  if (!now.other_scheduler.empty()) missing.push_back(other_scheduler_sentence(now.other_scheduler));
  return missing;
}

// A scheduler of ours whose daemon was killed is still there until the kernel has taken it down, which takes
// a loaded machine longer than systemd waits before it starts us again. Giving up on it would be for good.
std::vector<std::string> missing_once_predecessor_left(
    const std::function<std::vector<std::string>()>& missing_requirements_now) {
  const std::filesystem::path sched_ext = "/sys/kernel/sched_ext";
  for (auto waited = std::chrono::milliseconds::zero();; waited += predecessor_poll) {
    const bool leaving = first_word(sched_ext / "state") == "disabling" ||
                         first_word(sched_ext / "root/ops").starts_with("scx_slo");
    if (!leaving || waited >= predecessor_patience) return missing_requirements_now();
    std::this_thread::sleep_for(predecessor_poll);
  }
}

// The line that `systemctl status` shows.
class StatusLine final : public Audience {
 public:
  void state_changed(State state, const std::string& reason) override {
    std::string status{to_string(state)};
    status.front() = static_cast<char>(status.front() - 'a' + 'A');
    static_cast<void>(sd_notify(0, ("STATUS=" + status + ": " + reason).c_str()));
  }
};

struct Parts {
  Manager& manager;
  BusLink& bus;
};

// The objects on the bus speak for the manager, so they go before it does, whatever ends the daemon.
struct Disconnect {
  void operator()(BusLink* bus) const { bus->disconnect(); }
};

int on_stop_signal(sd_event_source* source, const signalfd_siginfo* /*info*/, void* /*userdata*/) {
  static_cast<void>(sd_notify(0, "STOPPING=1"));
  return sd_event_exit(sd_event_source_get_event(source), EXIT_SUCCESS);
}

int on_reload_signal(sd_event_source* /*source*/, const signalfd_siginfo* /*info*/, void* userdata) {
  auto* const parts = static_cast<Parts*>(userdata);
  return guard_callback(0, log_exception, [parts] {
    parts->manager.reload();
    return 0;
  });
}

int on_tick(sd_event_source* source, std::uint64_t /*usec*/, void* userdata) {
  auto* const parts = static_cast<Parts*>(userdata);
  static_cast<void>(sd_event_source_set_time_relative(source, tick_usec));
  static_cast<void>(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT));
  return guard_callback(0, log_exception, [parts] {
    parts->manager.check_scheduler();
    parts->bus.tend();
    return 0;
  });
}

void add_event_sources(sd_event* event, Parts& parts) {
  for (const int number : {SIGTERM, SIGINT}) {
    check(sd_event_add_signal(event, nullptr, number | SD_EVENT_SIGNAL_PROCMASK, on_stop_signal, nullptr),
          "handle signals");
  }
  check(sd_event_add_signal(event, nullptr, SIGHUP | SD_EVENT_SIGNAL_PROCMASK, on_reload_signal, &parts),
        "handle signals");
  check(sd_event_add_time_relative(event, nullptr, CLOCK_MONOTONIC, tick_usec, tick_slack_usec, on_tick,
                                   &parts),
        "start the clock");
  check(sd_event_set_watchdog(event, 1), "serve the watchdog");
}

bool asked_to_stop(sd_event* event) {
  int code = 0;
  return sd_event_get_exit_code(event, &code) >= 0;
}

// Before anyone is told that we are ready, the units are known and the scheduler runs. Empty: it is so; else
// the exit code. What went wrong has been logged.
std::optional<int> start_up(sd_event* event, Manager& manager, BusLink& bus) {
  bus.connect(manager);
  while (!bus.first_list()) {
    check(sd_event_run(event, UINT64_MAX), "run the event loop");
    if (asked_to_stop(event)) return EXIT_SUCCESS;
  }
  const auto& list = bus.first_list();
  if (!list || !*list || !manager.attach()) return EXIT_FAILURE;
  bus.own_name();
  return std::nullopt;
}

int run(const std::string& log_level) {
  Journal journal(log_level);
  const EventLoop event = new_event_loop();
  const KernelFacts facts = probe_kernel(scheduler_object(), observer_object());
  const auto missing = [&facts] { return missing_requirements(facts); };
  if (const auto sentences = missing_once_predecessor_left(missing); !sentences.empty()) {
    for (const std::string& sentence : sentences) journal.requirement_missing(sentence);
    static_cast<void>(sd_notify(0, ("STATUS=Cannot start: " + sentences.front()).c_str()));
    return exit_requirements;
  }

  const auto kernel = KernelScheduler::make(Config{}.tunables);
  if (!kernel) throw std::runtime_error(kernel.error().message());
  BusLink bus(event.get(), SCX_SLO_VERSION, [&journal](const Error& error) { journal.failed(error); });
  StatusLine status_line;
  Audiences audience({&journal, &bus, &status_line});
  Manager manager(**kernel, bus, audience, read_unit_files, missing);
  const std::unique_ptr<BusLink, Disconnect> disconnect_first(&bus);
  Parts parts{manager, bus};
  add_event_sources(event.get(), parts);

  if (const auto early_end = start_up(event.get(), manager, bus)) return *early_end;
  static_cast<void>(sd_notify(0, "READY=1"));
  check(sd_event_loop(event.get()), "run the event loop");
  manager.detach("scx-slo was stopped");
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace slo

int main(int argc, char** argv) {
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
