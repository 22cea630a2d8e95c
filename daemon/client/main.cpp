// SPDX-License-Identifier: GPL-2.0-only
#include <unistd.h>

#include <exception>
#include <iostream>
#include <string>
#include <utility>

#include "base/active_scheduler.h"
#include "base/printable.h"
#include "client/bus/daemon_proxy.h"
#include "client/bus/failure.h"
#include "client/bus/systemd_proxy.h"
#include "client/command/cat.h"
#include "client/command/check.h"
#include "client/command/record_loop.h"
#include "client/command/watch_loop.h"
#include "client/options.h"
#include "client/print/json.h"
#include "client/print/output.h"
#include "client/print/report.h"
#include "client/print/screen.h"
#include "client/trace/show_trace.h"

namespace slo::client {
namespace {

// What a command came to: the text for standard output and the exit code.
struct Outcome {
  std::string text;
  int code = exit_ok;
};

Answer<Outcome> status(const DaemonProxy& daemon, bool json) {
  auto overview = daemon.overview();
  if (!overview) return std::unexpected(overview.error());
  overview->scheduler = active_scheduler_text("/");
  const auto units = daemon.units();
  if (!units) return std::unexpected(units.error());
  return Outcome{json ? status_json(*overview, *units) : status_text(*overview, *units),
                 overview->healthy ? exit_ok : exit_unhealthy};
}

Answer<Outcome> list(const DaemonProxy& daemon, bool json) {
  return daemon.units().transform(
      [json](const auto& units) { return Outcome{json ? list_json(units) : list_text(units)}; });
}

Answer<Outcome> stats(const DaemonProxy& daemon, const std::string& unit, bool json) {
  if (unit.empty()) {
    const auto units = daemon.units();
    if (!units) return std::unexpected(units.error());
    return daemon.limits().transform([&](const auto& limits) {
      return Outcome{json ? stats_json(*units, limits) : stats_text(*units, limits)};
    });
  }
  const auto report = daemon.stats(unit);
  if (!report) return std::unexpected(report.error());
  return daemon.limits().transform([&](const auto& limits) {
    const LimitReport* const limit = limit_of(limits, unit);
    return Outcome{json ? stats_json(unit, *report, limit)
                        : stats_text(unit, *report, limit, screen_of(STDOUT_FILENO).columns)};
  });
}

Answer<Outcome> cat(const DaemonProxy& daemon, const std::string& unit, bool json) {
  return daemon.settings(unit).transform([&](const auto& settings) {
    const auto holder = daemon.stats(unit);  // none where no budget holds
    const NotYet not_yet{.changed_on_disk = needs_daemon_reload(unit), .pending = holder && holder->pending};
    return Outcome{json ? cat_json(unit, settings, not_yet) : cat_text(unit, settings, not_yet)};
  });
}

Outcome check(const Options& options) {
  const Checked checked = check_files(options.files);
  return {options.json ? check_json(checked) : check_text(checked),
          checked.errors() > 0 ? exit_failure : exit_ok};
}

Answer<Outcome> order(const DaemonProxy& daemon, const Options& options) {
  const auto done = daemon.order(options);
  if (!done) return std::unexpected(done.error());
  return daemon.overview().transform([&options](const auto& overview) {
    return Outcome{options.json ? state_json(overview) : state_text(overview)};
  });
}

Answer<Outcome> carry_out(const Options& options) {
  if (options.command == Command::check) return check(options);
  if (options.command == Command::show_trace) return Outcome{{}, show_trace(options)};
  if (options.command == Command::record)
    return record(options).transform([](int code) { return Outcome{{}, code}; });
  if (options.watch_usec) {
    return watch(options, *options.watch_usec).transform([](int code) { return Outcome{{}, code}; });
  }
  const auto daemon = DaemonProxy::connect();
  if (!daemon) return std::unexpected(daemon.error());
  switch (options.command) {
    case Command::status:
      return status(*daemon, options.json);
    case Command::list:
      return list(*daemon, options.json);
    case Command::stats:
      return stats(*daemon, options.unit, options.json);
    case Command::cat:
      return cat(*daemon, options.unit, options.json);
    case Command::check:
    case Command::record:
    case Command::show_trace:
      break;  // above
    case Command::attach:
    case Command::confirm:
    case Command::detach:
    case Command::reload:
      return order(*daemon, options);
  }
  std::unreachable();
}

int run(int argc, char** argv) {
  const auto options = parse_options(argc, argv, SCX_SLO_VERSION);
  if (!options) {
    const EarlyExit& early = options.error();
    if (early.code == exit_ok) return print(early.text, early.code);
    std::cerr << printable_lines(early.text);
    return early.code;
  }
  const auto outcome = carry_out(*options);
  if (outcome) return print(outcome->text, outcome->code);

  std::cerr << explain(outcome.error(), options->command, geteuid() == 0) << '\n';
  if (options->command != Command::status || !is_not_running(outcome.error())) return exit_failure;
  return options->json ? print(not_running_json(), exit_not_running) : exit_not_running;
}

}  // namespace
}  // namespace slo::client

int main(int argc, char** argv) {
  try {
    return slo::client::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "scx-slo: " << slo::printable_lines(error.what()) << '\n';
    return slo::client::exit_failure;
  }
}
