// SPDX-License-Identifier: GPL-2.0-only
// A sched_ext scheduler that is not scx-slo: runs until SIGTERM or SIGINT, and says when it has taken over.
#include <bpf/libbpf.h>
#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "other_scheduler.skel.h"

int main() {
  const std::unique_ptr<other_scheduler, decltype(&other_scheduler__destroy)> loaded(
      other_scheduler__open_and_load(), other_scheduler__destroy);
  if (!loaded) {
    std::fprintf(stderr, "other_scheduler: loading failed: %s\n", std::strerror(errno));
    return 1;
  }
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, nullptr);

  const std::unique_ptr<bpf_link, decltype(&bpf_link__destroy)> link(
      bpf_map__attach_struct_ops(loaded->maps.other_scheduler), bpf_link__destroy);
  if (!link) {
    std::fprintf(stderr, "other_scheduler: attaching failed: %s\n", std::strerror(errno));
    return 1;
  }
  std::printf("attached\n");
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  return 0;
}
