// SPDX-License-Identifier: GPL-2.0-only
#include "client/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <utility>

#include "base/time_limits.h"
#include "base/time_span.h"
#include "base/unit_name.h"
#include "bpf/abi/slo_abi.h"
#include "trace/recording_order.h"

namespace slo::client {
namespace {

constexpr std::size_t unit_name_max = 255;
constexpr std::uint64_t nsec_per_usec = SLO_NSEC_PER_USEC;
constexpr TimeLimits watch_limits{.shortest_ns = 100 * SLO_NSEC_PER_MSEC,
                                  .longest_ns = 3600 * SLO_NSEC_PER_SEC};

constexpr std::array commands{
    std::pair{Command::status, "Show what scx-slo does now, and the units with a budget (the default)"},
    std::pair{Command::list, "List the units with a budget, and where it is set"},
    std::pair{Command::stats, "Show how long the tasks of a unit, or of all, waited for a CPU"},
    std::pair{Command::cat, "Show which settings hold for a unit, and where each is set"},
    std::pair{Command::check, "Say what is wrong with unit files or scx-slo.conf, without the daemon"},
    std::pair{Command::attach, "Put scx-slo's scheduler in charge (root)"},
    std::pair{Command::confirm, "Stay attached after attach --for (root)"},
    std::pair{Command::detach, "Hand scheduling back to the kernel; the daemon stays (root)"},
    std::pair{Command::reload, "Read the settings of all units anew (root)"},
    std::pair{Command::record, "Write down when the tasks of units wake, run and sleep (root)"},
    std::pair{Command::show_trace, "Show what is in a file that record has written, without the daemon"},
};

constexpr std::string_view footer =
    "Exit status: 0 done; 1 failed, or a file has errors; 2 wrong arguments; and of status only:\n"
    "3 scx-slo does not run; 4 it runs, but not as it should, and somebody should have a look.\n"
    "A budget is set in the unit: see scx-slo.unit(5).";

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> suffixes) {
  return std::ranges::any_of(suffixes, [&](std::string_view suffix) {
    return name.size() > suffix.size() && name.ends_with(suffix);
  });
}

bool valid_in_unit_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(":-_.\\@").contains(c);
}

EarlyExit usage_error(const std::string& what) {
  return {exit_usage, "scx-slo: " + what + "\nTry: scx-slo --help\n"};
}

std::expected<std::uint64_t, std::string> trial_usec(const std::string& text) {
  const auto ns = parse_time_span_ns(text);
  if (ns && *ns >= nsec_per_usec) return *ns / nsec_per_usec;
  return std::unexpected("--for '" + text + "' is no time; accepted is a time with its unit such as 10min");
}

std::expected<std::uint64_t, std::string> watch_usec(const std::string& text) {
  // What CLI11 makes of a flag without a value.
  if (text == "true") return 2'000'000;
  const auto ns = parse_time_span_ns(text);
  if (ns && watch_limits.accept_ns(*ns)) return *ns / nsec_per_usec;
  return std::unexpected("--watch='" + text + "' is no interval; accepted is a time with its unit, " +
                         watch_limits.to_string() + ", such as 2s");
}

std::expected<std::uint64_t, std::string> recording_usec(const std::string& text) {
  const auto ns = parse_time_span_ns(text);
  if (ns && recording_limits.accept_ns(*ns)) return *ns / nsec_per_usec;
  return std::unexpected("--for '" + text + "' cannot be recorded; accepted is a time with its unit, " +
                         recording_limits.to_string() + ", such as 30s");
}

// As they stand on the command line.
struct Arguments {
  std::optional<std::string> unit;
  std::vector<std::string> units;
  std::string trial;
  std::string recording;
  std::string watch;
};

void add_arguments(CLI::App& app, Command command, Options& options, Arguments& arguments) {
  app.add_flag("--json", options.json, "Answer as JSON");
  if (command == Command::check) app.add_option("FILE", options.files, "The files to read")->required();
  if (command == Command::cat)
    app.add_option("UNIT", arguments.unit, "The unit; .service is added to a name without a suffix")
        ->required();
  if (command == Command::stats) {
    app.add_option(
        "UNIT", arguments.unit,
        "The unit; .service is added to a name without a suffix. Without it, one line for each unit "
        "with a budget");
    // A flag, so that in "--watch nginx" the unit is not taken for an interval.
    app.add_flag("--watch", arguments.watch,
                 "Print again and again, with what is new since the last time; INTERVAL is 2s unless given")
        ->option_text("or --watch=INTERVAL");
  }
  if (command == Command::record) {
    app.add_option("UNIT", arguments.units, "The units; .service is added to a name without a suffix")
        ->required();
    app.add_option("--for", arguments.recording, "How long: " + recording_limits.to_string())
        ->type_name("TIME")
        ->required();
    app.add_option("-o,--output", options.file,
                   "Where to: a file that does not exist, or - for standard output")
        ->type_name("FILE")
        ->required();
    app.add_flag("--force", options.force, "Overwrite the file if it exists");
  }
  if (command == Command::show_trace) {
    app.add_option("FILE", options.file, "The file to read")->required();
    app.add_flag("--records", options.records, "Print each record, instead of what they add up to");
  }
  if (command == Command::attach)
    app.add_option("--for", arguments.trial,
                   "Detach again after this time, unless confirmed with: scx-slo confirm")
        ->type_name("TIME");
}

// What CLI11 took as it stands: times and the unit.
std::expected<void, std::string> complete(Options& options, const Arguments& arguments) {
  if (!arguments.trial.empty()) {
    const auto usec = trial_usec(arguments.trial);
    if (!usec) return std::unexpected(usec.error());
    options.for_usec = *usec;
  }
  if (!arguments.recording.empty()) {
    const auto usec = recording_usec(arguments.recording);
    if (!usec) return std::unexpected(usec.error());
    options.for_usec = *usec;
  }
  for (const std::string& unit : arguments.units) {
    auto full = complete_unit_name(unit);
    if (!full) return std::unexpected(full.error());
    if (!std::ranges::contains(options.units, *full)) options.units.push_back(*std::move(full));
  }
  if (options.records && options.json)
    return std::unexpected("--records prints lines for people; scx-slo-trace(5) tells programs what to read");
  if (!arguments.watch.empty()) {
    const auto usec = watch_usec(arguments.watch);
    if (!usec) return std::unexpected(usec.error());
    options.watch_usec = *usec;
  }
  if (!arguments.unit) return {};
  if (options.watch_usec && parse_time_span_ns(*arguments.unit))
    return std::unexpected("'" + *arguments.unit +
                           "' is no unit; for an interval write --watch=" + *arguments.unit);
  auto full = complete_unit_name(*arguments.unit);
  if (!full) return std::unexpected(full.error());
  options.unit = *std::move(full);
  return {};
}

}  // namespace

std::string_view to_string(Command command) {
  switch (command) {
    case Command::status:
      return "status";
    case Command::list:
      return "list";
    case Command::stats:
      return "stats";
    case Command::cat:
      return "cat";
    case Command::check:
      return "check";
    case Command::attach:
      return "attach";
    case Command::confirm:
      return "confirm";
    case Command::detach:
      return "detach";
    case Command::reload:
      return "reload";
    case Command::record:
      return "record";
    case Command::show_trace:
      return "show-trace";
  }
  std::unreachable();
}

std::expected<std::string, std::string> complete_unit_name(std::string_view name) {
  constexpr std::string_view accepted =
      "; accepted is the name of a service, scope or slice such as nginx.service";
  const auto refuse = [&](std::string_view why) {
    return std::unexpected("'" + std::string(name) + "' " + std::string(why) + std::string(accepted));
  };
  if (!std::ranges::all_of(name, valid_in_unit_name)) return refuse("cannot be the name of a unit");
  if (ends_with_any(name,
                    {".socket", ".timer", ".mount", ".automount", ".swap", ".path", ".target", ".device"}))
    return refuse("is a unit that no budget can be set for");
  std::string full(name);
  if (const auto suffix = unit_suffix(name); !suffix || name.size() == suffix->size()) full += service_suffix;
  if (name.empty() || name.starts_with('.') || full.size() > unit_name_max)
    return refuse("cannot be the name of a unit");
  return full;
}

std::expected<Options, EarlyExit> parse_options(int argc, const char* const* argv,
                                                const std::string& version) {
  Options options;
  Arguments arguments;
  CLI::App app{"Latency budgets for systemd units: what the scheduler does, and proof of it", "scx-slo"};
  app.set_version_flag("--version", "scx-slo " + version, "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.require_subcommand(0, 1);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.get_formatter()->label("REQUIRED", "");
  app.footer(std::string(footer));
  app.add_flag("--json", options.json, "Answer as JSON");
  for (const auto& [command, purpose] : commands) {
    CLI::App* sub = app.add_subcommand(std::string(to_string(command)), purpose);
    add_arguments(*sub, command, options, arguments);
    sub->callback([&options, command] { options.command = command; });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(EarlyExit{exit_ok, app.help()});
  } catch (const CLI::CallForVersion& request) {
    return std::unexpected(EarlyExit{exit_ok, std::string(request.what()) + "\n"});
  } catch (const CLI::ParseError& error) {
    return std::unexpected(usage_error(error.what()));
  }
  if (const auto completed = complete(options, arguments); !completed)
    return std::unexpected(usage_error(completed.error()));
  return options;
}

}  // namespace slo::client
