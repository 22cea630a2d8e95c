// SPDX-License-Identifier: GPL-2.0-only
// Logs the callbacks of scx-slo's scheduler, which has to be attached, and what moves its tasks, for
// `sim --callbacks`: one line of JSON for the machine, one for each cgroup and each task, one for each event.
#include "bpf/callback_log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "bpf/abi/slo_abi.h"
#include "callback_log.skel.h"
#include "guarded_main.h"

namespace {

using json = nlohmann::ordered_json;

constexpr std::array<const char*, LOGGED_KINDS> names = {"select_cpu", "enqueue", "dispatch", "update_idle",
                                                         "running",    "tick",    "stopping", "enable",
                                                         "disable",    "waking",  "switch"};

[[noreturn]] void fail(int error, const char* what) {
  throw std::system_error(error, std::system_category(), what);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// The scheduler's programs, by name, and its maps.
class Scheduler {
 public:
  Scheduler() {
    for (std::uint32_t id = 0; bpf_prog_get_next_id(id, &id) == 0;) take(id);
  }
  [[nodiscard]] int program(std::string_view name) const {
    const auto found = programs_.find(name);
    if (found != programs_.end()) return found->second.get();
    throw std::runtime_error("the scheduler of scx-slo is not attached: it has no " + std::string(name));
  }
  [[nodiscard]] const std::map<std::uint64_t, slo_cfg>& budgets() const { return budgets_; }

 private:
  void take(std::uint32_t id) {
    Descriptor program(bpf_prog_get_fd_by_id(id));
    if (program.get() < 0) return;
    std::array<std::uint32_t, 64> map_ids = {};
    bpf_prog_info info = {};
    info.map_ids = reinterpret_cast<std::uint64_t>(map_ids.data());
    info.nr_map_ids = map_ids.size();
    std::uint32_t size = sizeof(info);
    if (bpf_prog_get_info_by_fd(program.get(), &info, &size) != 0) fail(errno, "a BPF program");
    if (info.type != BPF_PROG_TYPE_STRUCT_OPS || !std::string_view(info.name).starts_with("slo_")) return;
    for (std::uint32_t i = 0; i < info.nr_map_ids && budgets_.empty(); ++i) read_budgets(map_ids.at(i));
    programs_.emplace(info.name, std::move(program));
  }

  void read_budgets(std::uint32_t id) {
    const Descriptor map(bpf_map_get_fd_by_id(id));
    bpf_map_info info = {};
    std::uint32_t size = sizeof(info);
    if (map.get() < 0 || bpf_map_get_info_by_fd(map.get(), &info, &size) != 0) fail(errno, "a BPF map");
    if (std::string_view(info.name) != "cfg_map") return;
    if (info.value_size != sizeof(slo_cfg)) throw std::runtime_error("cfg_map is another version's");
    std::uint64_t key = 0;
    for (void* from = nullptr; bpf_map_get_next_key(map.get(), from, &key) == 0; from = &key) {
      slo_cfg cfg = {};
      if (bpf_map_lookup_elem(map.get(), &key, &cfg) == 0) budgets_[key] = cfg;
    }
  }

  std::map<std::string, Descriptor, std::less<>> programs_;
  std::map<std::uint64_t, slo_cfg> budgets_;
};

using Log = std::unique_ptr<callback_log, decltype(&callback_log__destroy)>;

Log attached_to(const Scheduler& scheduler) {
  Log log(callback_log__open(), callback_log__destroy);
  if (!log) fail(errno, "opening the programs");
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, log->obj) {
    const std::string_view section = bpf_program__section_name(program);
    if (section.starts_with("tp_btf")) continue;
    const std::string target(section.substr(section.find('/') + 1));
    const int error = bpf_program__set_attach_target(program, scheduler.program(target), target.c_str());
    if (error != 0) fail(-error, target.c_str());
  }
  if (const int error = callback_log__load(log.get()); error != 0) fail(-error, "loading the programs");
  if (const int error = callback_log__attach(log.get()); error != 0) fail(-error, "attaching the programs");
  return log;
}

// Events that a program missed as it ran already on that CPU.
std::uint64_t missed(const Log& log) {
  std::uint64_t all = 0;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, log->obj) {
    bpf_prog_info info = {};
    std::uint32_t size = sizeof(info);
    if (bpf_prog_get_info_by_fd(bpf_program__fd(program), &info, &size) != 0) fail(errno, "a BPF program");
    all += info.recursion_misses;
  }
  return all;
}

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

json described_group(const std::filesystem::path& path, const std::string& name, std::uint64_t id) {
  json group = {{"group", id}, {"path", name}};
  if (const std::string weight = first_line(path / "cpu.weight"); !weight.empty()) {
    group["weight"] = std::stoul(weight);
    group["idle"] = first_line(path / "cpu.idle") == "1";
  }
  return group;
}

void print_groups(const Scheduler& scheduler) {
  const std::filesystem::path root = "/sys/fs/cgroup";
  const auto print = [&](const std::filesystem::path& path) {
    struct stat status = {};
    if (stat(path.c_str(), &status) != 0) return;
    json group = described_group(path, "/" + path.lexically_relative(root).string(), status.st_ino);
    if (path == root) group["path"] = "";
    if (const auto found = scheduler.budgets().find(status.st_ino); found != scheduler.budgets().end()) {
      const slo_cfg& cfg = found->second;
      group["budget_ns"] = cfg.budget_ns;
      group["max_exec_ns"] = cfg.max_exec_ns;
      group["importance"] = cfg.importance;
      group["flags"] = cfg.flags;
      group["has_reserve"] = cfg.server != SLO_NO_SLOT;
    }
    std::puts(group.dump().c_str());
  };
  print(root);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
    if (entry.is_directory()) print(entry.path());
}

int print_record(void* context, void* record, std::size_t size) {
  const std::uint64_t start_ns = *static_cast<std::uint64_t*>(context);
  if (size == sizeof(logged_event)) {
    const auto& event = *static_cast<const logged_event*>(record);
    const json line = {
        event.time_ns - start_ns, names.at(event.kind), event.cpu, event.tid, event.value, event.by};
    std::puts(line.dump().c_str());
    return 0;
  }
  const auto& task = *static_cast<const logged_task*>(record);
  const json line = {{"task", task.tid},
                     {"at", task.time_ns - start_ns},
                     {"comm", task.comm},
                     {"group", task.cgroup_id},
                     {"cpu", task.cpu},
                     {"cpus", task.cpus},
                     {"nr_cpus", task.nr_cpus_allowed},
                     {"flags", task.flags},
                     {"prio", task.prio},
                     {"weight", task.weight}};
  std::puts(line.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
  return 0;
}

std::uint64_t now_ns() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

void sleep_until(std::uint64_t at_ns) {
  const timespec at = {.tv_sec = static_cast<time_t>(at_ns / 1'000'000'000),
                       .tv_nsec = static_cast<long>(at_ns % 1'000'000'000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
  }
}

int log_callbacks(std::uint64_t start_ns, std::uint64_t span_ns) {
  const Scheduler scheduler;
  const Log log = attached_to(scheduler);
  if (start_ns < now_ns()) throw std::runtime_error("the programs were not attached in time for the start");
  sleep_until(start_ns);
  log->bss->is_on = true;
  sleep_until(start_ns + span_ns);
  log->bss->is_on = false;

  utsname system = {};
  uname(&system);
  const std::uint64_t lost = log->bss->lost + missed(log);
  const json head = {
      {"callbacks", 1},       {"kernel", system.release}, {"cpus", sysconf(_SC_NPROCESSORS_ONLN)},
      {"start_ns", start_ns}, {"span_ns", span_ns},       {"lost", lost}};
  std::puts(head.dump().c_str());
  print_groups(scheduler);
  const std::unique_ptr<ring_buffer, decltype(&ring_buffer__free)> ring(
      ring_buffer__new(bpf_map__fd(log->maps.records), print_record, &start_ns, nullptr), ring_buffer__free);
  if (!ring) fail(errno, "the ring buffer");
  if (const int count = ring_buffer__consume(ring.get()); count < 0) fail(-count, "the ring buffer");
  if (lost == 0) return 0;
  std::fprintf(stderr, "callback_log: %llu events were lost\n", static_cast<unsigned long long>(lost));
  return 1;
}

bool parse(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t start_ms = 0;
  std::uint64_t span_ms = 0;
  if (argc != 3 || !parse(argv[1], start_ms) || !parse(argv[2], span_ms)) {
    std::fprintf(
        stderr,
        "usage: callback_log START_MS SPAN_MS\n"
        "Logs from this instant of CLOCK_MONOTONIC on, for so long, and prints what it logged. The\n"
        "log itself costs each callback about a microsecond. Needs root. Status 1: events were lost.\n");
    return 2;
  }
  return slo::workload::guarded_main(
      "callback_log", [&] { return log_callbacks(start_ms * 1'000'000, span_ms * 1'000'000); });
}
