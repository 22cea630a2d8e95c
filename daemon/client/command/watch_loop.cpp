// SPDX-License-Identifier: GPL-2.0-only
#include "client/command/watch_loop.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>

#include "client/figures/watch.h"
#include "client/print/clock.h"
#include "client/print/json.h"
#include "client/print/output.h"
#include "client/print/screen.h"
#include "client/print/watch_report.h"

namespace slo::client {
namespace {

std::uint64_t monotonic_usec() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

void sleep_until(std::uint64_t usec) {
  std::this_thread::sleep_until(
      std::chrono::steady_clock::time_point(std::chrono::microseconds(static_cast<std::int64_t>(usec))));
}

std::uint64_t epoch_usec() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

extern "C" void end_with_success(int /*signal*/) {
  _exit(exit_ok);
}

sigset_t ending_signals() {
  sigset_t set{};
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

// Ends at once, even while a daemon that hangs is waited for: there is nothing to tidy up.
void end_when_interrupted() {
  struct sigaction action{};
  action.sa_handler = end_with_success;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

// A reader never gets half a print.
int print_whole(const std::string& text) {
  const sigset_t held = ending_signals();
  sigprocmask(SIG_BLOCK, &held, nullptr);
  const int code = print(text, exit_ok);
  sigprocmask(SIG_UNBLOCK, &held, nullptr);
  return code;
}

Answer<Reading> read_once(const DaemonProxy& daemon, const std::string& unit) {
  auto overview = daemon.overview();
  if (!overview) return std::unexpected(overview.error());
  Reading reading{
      .daemon = {}, .state = std::move(overview->state), .reason = std::move(overview->reason), .units = {}};
  if (unit.empty()) {
    auto units = daemon.units();
    if (!units) return std::unexpected(units.error());
    reading.units = *std::move(units);
  } else {
    auto report = daemon.stats(unit);
    if (!report) return std::unexpected(report.error());
    reading.units.push_back(*std::move(report));
  }
  return reading;
}

// All of it by one and the same daemon: read again if that was started again meanwhile.
Answer<Reading> read(const DaemonProxy& daemon, const std::string& unit) {
  for (;;) {
    auto before = daemon.unique_name();
    if (!before) return std::unexpected(before.error());
    auto reading = read_once(daemon, unit);
    if (!reading) return reading;
    const auto after = daemon.unique_name();
    if (!after) return std::unexpected(after.error());
    reading->daemon = *std::move(before);
    if (reading->daemon == *after) return reading;
  }
}

// The daemon, on a new connection after every failure: the bus may have been started again too.
class Source {
 public:
  Answer<Reading> read(const std::string& unit) {
    if (!daemon_) {
      auto daemon = DaemonProxy::connect();
      if (!daemon) return std::unexpected(daemon.error());
      daemon_ = *std::move(daemon);
    }
    auto reading = client::read(*daemon_, unit);
    if (!reading) daemon_.reset();
    return reading;
  }

 private:
  std::optional<DaemonProxy> daemon_;
};

// Text or JSON, screen or pipe.
class Printer {
 public:
  Printer(const Options& options, std::uint64_t interval_usec)
      : options_(options), interval_usec_(interval_usec) {}

  int figures(const Print& print) {
    told_.clear();
    if (options_.json) return print_whole(watch_json(print, options_.unit, epoch_usec()));
    const Screen screen = screen_of(STDOUT_FILENO);
    return print_whole(
        repaint(watch_text(print, options_.unit, clock_text(time(nullptr)), screen.columns), screen));
  }

  int trouble(const BusError& error) {
    const std::string sentence = explain(error, options_.command, geteuid() == 0);
    if (options_.json) {
      const auto running = is_not_running(error) ? std::optional(false) : std::nullopt;
      return print_whole(watch_trouble_json(sentence, running, epoch_usec()));
    }
    const Screen screen = screen_of(STDOUT_FILENO);
    // Where nothing can be cleared, once is enough.
    if (std::exchange(told_, sentence) == sentence && !screen.clears) return exit_ok;
    return print_whole(
        repaint(watch_trouble_text(sentence, clock_text(time(nullptr)), interval_usec_), screen));
  }

 private:
  const Options& options_;
  std::uint64_t interval_usec_;
  std::string told_;
};

}  // namespace

Answer<int> watch(const Options& options, std::uint64_t interval_usec) {
  end_when_interrupted();
  Source source;
  Watch watch;
  Printer printer(options, interval_usec);
  auto reading = source.read(options.unit);
  if (!reading) return std::unexpected(reading.error());
  std::uint64_t due = monotonic_usec();
  for (;;) {
    const int code = reading ? printer.figures(watch.take(*std::move(reading), monotonic_usec()))
                             : printer.trouble(reading.error());
    if (code != exit_ok) return code;
    due = next_due_usec(due, interval_usec, monotonic_usec());
    sleep_until(due);
    reading = source.read(options.unit);
  }
}

}  // namespace slo::client
