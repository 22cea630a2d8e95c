// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-event.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attachment/latch.h"
#include "attachment/limits.h"
#include "attachment/requirements.h"
#include "base/handle.h"
#include "base/often_timer.h"
#include "base/this_machine.h"
#include "base/turns.h"
#include "base/urgency.h"
#include "bus/link.h"
#include "kernel/bpf_kernel.h"
#include "kernel/probe.h"
#include "kernel/recorder.h"
#include "manager.h"
#include "service.h"
#include "settings/config.h"
#include "settings/unit_files.h"
#include "systemd/journal.h"
#include "systemd/link.h"
#include "systemd/service_notice.h"

namespace slo {
namespace {

constexpr const char* root = "/";
constexpr int exit_usage = 2;

using EventLoop = std::unique_ptr<sd_event, Deleter<sd_event_unref>>;

EventLoop new_event_loop() {
  sd_event* event = nullptr;
  check(sd_event_default(&event), "make an event loop");
  return EventLoop(event);
}

// Who speaks for the manager, or to it, goes before it does, whatever ends the daemon.
struct Disconnect {
  template <class Link>
  void operator()(Link* link) const {
    link->disconnect();
  }
};

std::filesystem::path runtime_directory() {
  const char* const given = std::getenv("RUNTIME_DIRECTORY");
  return given != nullptr ? given : "/run/scx-slod";
}

Latch read_latch(const LatchFile& file) {
  Latch latch = file.read_or_detached();
  if (!latch.unreadable.empty())
    spdlog::warn("{}; going on as if an operator had detached the scheduler", latch.unreadable);
  return latch;
}

// The exit code where not even a start is to be tried; the reasons have been logged.
std::optional<int> refuse(Journal& journal, Mode mode, const KernelFacts& facts,
                          const Requirements& missing) {
  if (!missing.fatal.empty()) return cannot_start(journal, missing.fatal);
  if (mode == Mode::enforce && !missing.enforcing.empty()) return cannot_start(journal, missing.enforcing);
  const std::string careful = caution(facts);
  if (!careful.empty() && missing.enforcing.empty() && mode != Mode::observe) spdlog::warn("{}", careful);
  return std::nullopt;
}

// Without Strict= the scheduler itself names what it comes upon, where the kernel lets it.
std::vector<UnkeptSetting> find_unkept(const KernelFacts& facts, bool strict) {
  if (!strict && facts.shows_limits) return {};
  return unkept_limits(read_cpu_groups(root), facts.shows_limits);
}

void tell_loading(const Patience& patience, Turns& turns, bool begins) {
  patience.loading(begins);
  turns.loading();
  spdlog::debug("{}", begins ? "loading BPF programs" : "done with loading BPF programs");
}

int run(const std::string& log_level) {
  Journal journal(log_level);
  Urgency urgency;
  urgency.enter();
  if (!Urgency::urgent()) spdlog::debug("not real-time while attaching: the kernel refuses it");
  const EventLoop event = new_event_loop();
  ConfigReading config = read_config(root);
  const KernelFacts facts = probe_kernel(scheduler_object(), observer_object());
  const auto requirements = [&facts] { return check_requirements(root, own_capabilities(root), facts); };
  const auto look_for_unkept = [&facts](bool strict) { return find_unkept(facts, strict); };
  Requirements missing = requirements();
  if (config.config.strict) require_kept(look_for_unkept(true), missing);
  if (const auto refused = refuse(journal, config.config.mode, facts, missing)) return *refused;
  const auto kernel = BpfKernel::make(config.config.tunables);
  if (!kernel) {
    journal.failed(kernel.error());
    return EXIT_FAILURE;
  }

  const LatchFile latch_file(runtime_directory() / "latch");
  Turns turns;
  UnitFiles unit_files(now);
  SystemdLink systemd(event.get(), unit_files);
  const auto own_figures = [&turns, &journal, &systemd] {
    return OwnFigures{.lines_lost = journal.lost(),
                      .longest_turn_ns = turns.longest_ns(),
                      .longest_loading_turn_ns = turns.longest_loading_ns(),
                      .systemd_behind = systemd.is_behind()};
  };
  BusLink bus(event.get(),
              {.version = SCX_SLO_VERSION, .log_target = journal.target(), .figures = own_figures},
              [&journal](const Error& error) { journal.failed(error); });
  const Patience patience;
  StatusLine status_line;
  OftenTimer often(event.get(), log_exception);
  Audiences audience({&journal, &bus, &status_line});
  Manager manager({.kernel = **kernel,
                   .source = systemd,
                   .audience = audience,
                   .read_unit_files = [&unit_files](auto files) { return unit_files.read(files); },
                   .read_config = [] { return read_config(root); },
                   .check_requirements = requirements,
                   .find_unkept = look_for_unkept,
                   .keep_latch = [&latch_file](const Latch& latch) { return latch_file.write(latch); },
                   .now = now,
                   .loading = [&patience, &turns](bool begins) { tell_loading(patience, turns, begins); },
                   .hurrying = [&urgency](bool begins) { begins ? urgency.enter() : urgency.leave(); },
                   .load_recorder = load_recorder,
                   .machine = this_machine,
                   .tick_often = [&often](bool on) { often.set(on); }},
                  std::move(config), read_latch(latch_file));
  const std::unique_ptr<BusLink, Disconnect> disconnect_bus(&bus);
  const std::unique_ptr<SystemdLink, Disconnect> disconnect_systemd(&systemd);
  Service service({.event = event.get(),
                   .kernel = **kernel,
                   .manager = manager,
                   .bus = bus,
                   .systemd = systemd,
                   .unit_files = unit_files,
                   .journal = journal,
                   .urgency = urgency,
                   .turns = turns});
  often.call([&manager] { manager.forward_recording(); });
  service.add_event_sources();

  if (const auto early_end = service.start_up()) return *early_end;
  notify("READY=1");
  urgency.leave();
  service.run();
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
