// SPDX-License-Identifier: GPL-2.0-only
// Two processes that pass one byte to and fro through pipes: what two switches and two wakeups cost. On a
// clock that counts instructions the nanoseconds printed are instructions.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "guarded_main.h"

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::system_category(), what);
}

struct channel {
  std::array<int, 2> ends{};
  channel() {
    if (pipe(ends.data()) != 0) fail("pipe");
  }
  // False at the end of the other side.
  [[nodiscard]] bool receive() const {
    char byte = 0;
    const auto got = read(ends[0], &byte, 1);
    if (got < 0) fail("read");
    return got == 1;
  }
  void send() const {
    const char byte = 1;
    if (write(ends[1], &byte, 1) != 1) fail("write");
  }
};

std::int64_t now_ns() {
  timespec ts{};
  if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0) fail("clock_gettime");
  return ts.tv_sec * 1'000'000'000 + ts.tv_nsec;
}

// Moves this process into a control group, named by its directory.
void join(const std::string& cgroup) {
  const int procs = open((cgroup + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
  if (procs < 0) fail("open cgroup.procs");
  if (write(procs, "0", 1) != 1) fail("write cgroup.procs");
  close(procs);
}

// The child's end comes when the parent closes its end of `there`.
[[noreturn]] void answer(const channel& there, const channel& back) {
  close(there.ends[1]);
  while (there.receive()) back.send();
  std::_Exit(0);
}

void round_trips(const channel& there, const channel& back, std::uint64_t count) {
  for (std::uint64_t trip = 0; trip < count; ++trip) {
    there.send();
    if (!back.receive()) throw std::runtime_error("the other process has ended");
  }
}

void measure(std::uint64_t count, const std::string& cgroup_of_child) {
  const channel there;
  const channel back;
  const auto child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    if (!cgroup_of_child.empty()) join(cgroup_of_child);
    answer(there, back);
  }
  round_trips(there, back, count / 10);
  const auto begin = now_ns();
  round_trips(there, back, count);
  const auto took = now_ns() - begin;
  close(there.ends[1]);
  if (waitpid(child, nullptr, 0) != child) fail("waitpid");
  std::printf("{\"round_trips\": %llu, \"ns_per_round_trip\": %.1f}\n",
              static_cast<unsigned long long>(count), static_cast<double>(took) / static_cast<double>(count));
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t count = 0;
  const std::string_view text = argc == 2 || argc == 3 ? argv[1] : "";
  const std::string cgroup = argc == 3 ? argv[2] : "";
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count < 10 || count > 100'000'000) {
    std::fprintf(
        stderr,
        "usage: pipe_round_trips COUNT [CGROUP]\nCOUNT is from 10 to 100000000; CGROUP is the directory "
        "of the control group in which the second process runs.\n");
    return 2;
  }
  return slo::workload::guarded_main("pipe_round_trips", [&] {
    measure(count, cgroup);
    return 0;
  });
}
