// SPDX-License-Identifier: GPL-2.0-only
// Gives the sched_ext scheduler that runs a fault: an error at once, or a task that it cannot find any more.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string_view>
#include <system_error>

#include "guarded_main.h"
#include "scheduler_faults.skel.h"

namespace {

using faults = std::unique_ptr<scheduler_faults, decltype(&scheduler_faults__destroy)>;

// The program's own return value; an exception where it could not be run.
int run(const bpf_program* program) {
  LIBBPF_OPTS(bpf_test_run_opts, options);
  if (const auto error = bpf_prog_test_run_opts(bpf_program__fd(program), &options); error != 0)
    throw std::system_error(-error, std::system_category(), bpf_program__name(program));
  return static_cast<int>(options.retval);
}

// A task is caught only while it waits in a queue of the scheduler's own, so the caller keeps more tasks
// runnable than there are CPUs.
bool hide(const faults& loaded, int pid) {
  constexpr int tries = 30'000;
  const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
  if (const auto error = run(loaded->progs.make_nowhere); error != 0 && error != -EEXIST)
    throw std::system_error(-error, std::system_category(), "scx_bpf_create_dsq");
  loaded->bss->victim = pid;
  for (int attempt = 0; attempt < tries && !loaded->bss->hidden; ++attempt) {
    run(loaded->progs.hide_victim);
    nanosleep(&pause, nullptr);
  }
  return loaded->bss->hidden;
}

int give(std::string_view fault, int pid) {
  const faults loaded(scheduler_faults__open_and_load(), scheduler_faults__destroy);
  if (!loaded) throw std::system_error(errno, std::system_category(), "loading the programs");
  if (fault == "error") {
    run(loaded->progs.end_scheduler);
    return 0;
  }
  if (hide(loaded, pid)) return 0;
  std::fprintf(stderr, "scheduler_faults: task %d never waited in a queue of the scheduler\n", pid);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view fault = argc > 1 ? argv[1] : "";
  const std::string_view text = argc > 2 ? argv[2] : "";
  int pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  const auto is_hide =
      fault == "hide" && argc == 3 && error == std::errc{} && end == text.data() + text.size();
  if (!is_hide && (fault != "error" || argc != 2)) {
    std::fprintf(stderr, "usage: scheduler_faults error | hide PID\n");
    return 2;
  }
  return slo::workload::guarded_main("scheduler_faults", [&] { return give(fault, pid); });
}
