// SPDX-License-Identifier: GPL-2.0-only
// Floods the accounting with missed jobs, every one of them known: all tasks are woken at one instant and
// kept from running for longer than the smallest budget, so that each of their jobs misses it; then the same
// again as soon as all of them sleep. On one CPU: with more, some would run before all are woken.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "known_stage.h"

namespace slo::workload {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t nsec_per_usec = 1'000;
// Longer than the smallest budget that there is (100 us), which is what the unit is to have.
constexpr auto too_long_ns = 120 * nsec_per_usec;
// In which whoever was the last to work goes to sleep, and others of the machine have a little of the CPU.
constexpr auto rest_ns = 60 * nsec_per_usec;
// In which the limits of events have tokens again.
constexpr auto silence_ns = 1'000 * nsec_per_msec;

class Bell {
 public:
  [[nodiscard]] std::uint32_t rings() const { return rings_.load(); }
  void ring(int sleepers) {
    rings_.fetch_add(1);
    if (futex(FUTEX_WAKE_PRIVATE, static_cast<std::uint32_t>(sleepers)) < 0) fail("wake tasks");
  }
  void await_ring_after(std::uint32_t heard) {
    while (rings_.load() == heard)
      if (futex(FUTEX_WAIT_PRIVATE, heard) < 0 && errno != EAGAIN && errno != EINTR) fail("wait for a bell");
  }

 private:
  long futex(int operation, std::uint32_t value) {
    return syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&rings_), operation, value, nullptr, nullptr,
                   0);
  }

  std::atomic<std::uint32_t> rings_;
  static_assert(sizeof(rings_) == sizeof(std::uint32_t));
};

std::int64_t now_ns() {
  timespec ts{};
  if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0) fail("clock_gettime");
  return ts.tv_sec * 1'000'000'000 + ts.tv_nsec;
}

void occupy(std::int64_t time_ns) {
  const auto end = now_ns() + time_ns;
  while (now_ns() < end) {
  }
}

void rest(std::int64_t time_ns) {
  const timespec pause{.tv_sec = time_ns / 1'000'000'000, .tv_nsec = time_ns % 1'000'000'000};
  nanosleep(&pause, nullptr);
}

struct Worker {
  std::atomic<pid_t> tid;
  std::atomic<std::int64_t> sleeps;  // before the one that it last announced
};

// Whoever makes it floods: its workers are counted; it is of a real-time class itself, so its jobs are
// nobody's.
class Flood {
 public:
  explicit Flood(std::size_t tasks) : workers_(tasks) {
    for (auto& worker : workers_) std::thread([this, &worker] { work(worker); }).detach();
    all_done_.await_ring_after(0);
    become_real_time(50);
    await_sleep();
  }

  // The last one comes after a silence and alone, so that nothing of the flood waits to be told any more.
  // Returns how long all but the last took.
  std::int64_t play(std::int64_t waves) {
    const auto begin = now_ns();
    for (std::int64_t wave = 1; wave <= waves; ++wave) {
      announces_.store(wave == waves);
      const auto heard = all_done_.rings();
      wake(INT_MAX);
      all_done_.await_ring_after(heard);
      rest(rest_ns);
    }
    const auto took = now_ns() - begin;
    await_sleep();
    rest(silence_ns);
    const auto before = count().sleeps;
    wake(1);
    while (count().sleeps == before) nap();
    return took;
  }

  // Of all workers, as the kernel counts it.
  [[nodiscard]] task_count count() const {
    task_count sum;
    for (const auto& worker : workers_) sum += count_of(worker.tid.load());
    return sum;
  }

  [[nodiscard]] std::size_t tasks() const { return workers_.size(); }

 private:
  void wake(int tasks) {
    done_.store(0);
    work_.ring(tasks);
    occupy(too_long_ns);
  }

  [[noreturn]] void work(Worker& self) {
    self.tid.store(gettid());
    for (;;) {
      const auto heard = work_.rings();
      if (announces_.load()) self.sleeps.store(own_sleeps());
      if (done_.fetch_add(1) + 1 == workers_.size()) all_done_.ring(1);
      work_.await_ring_after(heard);
    }
  }

  void await_sleep() const {
    for (const auto& worker : workers_)
      while (count_of(worker.tid.load()).sleeps <= worker.sleeps.load()) nap();
  }

  std::vector<Worker> workers_;
  Bell work_;
  Bell all_done_;
  std::atomic<std::size_t> done_;
  std::atomic<bool> announces_ = true;
};

std::int64_t await_number(const fs::path& path) {
  while (!fs::exists(path)) nap();
  std::int64_t number = 0;
  if (!(std::ifstream(path) >> number) || number <= 0) fail("read the number in " + path.string());
  return number;
}

[[noreturn]] void run(std::size_t tasks, const fs::path& directory) {
  Flood flood(tasks);
  for (;;) {
    write_file(directory / "ready", "");
    const auto waves = await_number(directory / "go");
    fs::remove(directory / "go");
    const auto before = flood.count();
    const auto took_ns = flood.play(waves);
    const auto counted = flood.count() - before;
    const nlohmann::ordered_json result = {{"tasks", tasks},
                                           {"jobs", tasks * static_cast<std::size_t>(waves) + 1},
                                           {"ns", took_ns},
                                           {"kernel_jobs", counted.sleeps},
                                           {"kernel_runs", counted.runs},
                                           {"kernel_wait_ns", counted.wait}};
    write_file(directory / "result.new", result.dump());
    fs::rename(directory / "result.new", directory / "result");
  }
}

}  // namespace
}  // namespace slo::workload

int main(int argc, char** argv) {
  std::size_t tasks = 0;
  const std::string_view text = argc == 3 ? argv[1] : "";
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), tasks);
  if (error != std::errc{} || end != text.data() + text.size() || tasks < 1 || tasks > 10'000) {
    std::fprintf(
        stderr,
        "usage: miss_flood TASKS DIRECTORY\n"
        "TASKS is from 1 to 10000. Makes `ready` in DIRECTORY when all tasks sleep. When somebody makes\n"
        "`go`, which holds a number, wakes all of them that many times, then one of them; each job\n"
        "misses a budget of 100us. Leaves `result`, one line of JSON, and goes on for ever. Needs root.\n");
    return 2;
  }
  try {
    slo::workload::run(tasks, argv[2]);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "miss_flood: %s\n", failure.what());
    return 1;
  }
}
