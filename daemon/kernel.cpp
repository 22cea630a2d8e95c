// SPDX-License-Identifier: GPL-2.0-only
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "handle.h"

// The skeleton names the types of the BPF side.
using u32 = slo_u32;
using u64 = slo_u64;
using u8 = slo_u8;
#include "scheduler.skel.h"

namespace slo {
namespace {

namespace fs = std::filesystem;

// An LLC with more CPUs than this has several statistics shards: more CPUs on one cache line cost more than a
// shard.
constexpr unsigned max_cpus_per_shard = 16;

constexpr std::uint32_t first_error_kind = 1024;  // SCX_EXIT_ERROR

// What libbpf and the verifier said during the last load; its callback has no context, and we have one
// thread.
std::string& load_log() {
  static std::string log;
  return log;
}

constexpr std::size_t load_log_max = 4096;

int keep_load_log(libbpf_print_level level, const char* format, va_list args) {
  if (level != LIBBPF_WARN) return 0;
  return guard_callback(
      0, [] {},
      [&] {
        std::array<char, 1024> line{};
        const int n = std::vsnprintf(line.data(), line.size(), format, args);
        if (n > 0 && load_log().size() < load_log_max) load_log() += line.data();
        return n;
      });
}

// The line that says what went wrong, without the noise after it.
std::string first_log_line() {
  const std::string& log = load_log();
  return log.substr(0, log.find('\n'));
}

std::optional<std::uint64_t> read_number(const fs::path& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

// The kernel's tick: the resolution of the coarse clock is exactly one.
std::uint64_t tick_ns() {
  timespec res{};
  if (clock_getres(CLOCK_MONOTONIC_COARSE, &res) != 0 || res.tv_nsec <= 0) return 4 * SLO_NSEC_PER_MSEC;
  return static_cast<std::uint64_t>(res.tv_nsec);
}

// Which CPUs share statistics: those of one last-level cache, in groups of at most max_cpus_per_shard.
struct Shards {
  std::vector<slo_u8> of_cpu;
  unsigned count = 1;
};

Shards read_shards(unsigned nr_cpus) {
  Shards shards{std::vector<slo_u8>(nr_cpus, 0), 0};
  std::map<std::pair<std::uint64_t, unsigned>, unsigned> known;
  std::map<std::uint64_t, unsigned> cpus_of_llc;
  for (unsigned cpu = 0; cpu < nr_cpus; ++cpu) {
    const fs::path cache = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index3/id";
    const std::uint64_t llc = read_number(cache).value_or(0);
    const unsigned group = cpus_of_llc[llc]++ / max_cpus_per_shard;
    const auto [entry, added] = known.try_emplace({llc, group}, shards.count % SLO_MAX_SHARDS);
    if (added) ++shards.count;
    shards.of_cpu[cpu] = static_cast<slo_u8>(entry->second);
  }
  shards.count = std::clamp(shards.count, 1U, SLO_MAX_SHARDS);
  return shards;
}

// Value of an enumerator in the running kernel's BTF; 0 where the kernel does not know it.
std::uint64_t kernel_enum_value(const btf* types, const char* type_name, std::string_view enumerator) {
  const int id = btf__find_by_name(types, type_name);
  const btf_type* type = id > 0 ? btf__type_by_id(types, static_cast<__u32>(id)) : nullptr;
  if (type == nullptr) return 0;
  for (int i = 0; i < btf_vlen(type); ++i) {
    if (btf_is_enum64(type)) {
      const struct btf_enum64* e = btf_enum64(type) + i;
      if (enumerator == btf__name_by_offset(types, e->name_off)) return btf_enum64_value(e);
    } else if (btf_is_enum(type)) {
      const struct btf_enum* e = btf_enum(type) + i;
      if (enumerator == btf__name_by_offset(types, e->name_off)) return static_cast<std::uint64_t>(e->val);
    }
  }
  return 0;
}

using BtfHandle = Handle<btf, btf__free>;
using LinkHandle = Handle<bpf_link, bpf_link__destroy>;
using SkeletonHandle = Handle<scheduler, scheduler__destroy>;

Error load_error(const char* tried, int err) {
  Error error{tried, "the scheduler", err < 0 ? -err : err, ""};
  if (const std::string line = first_log_line(); !line.empty()) error.advice = "the kernel's answer: " + line;
  return error;
}

}  // namespace

// One loaded and attached scheduler. A stopped one is never started again: its maps and queues are stale.
class KernelScheduler::Loaded {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Loaded>> make();
  ~Loaded();
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;

  [[nodiscard]] Result<void> attach();
  [[nodiscard]] std::optional<SchedulerExit> exit_record() const;
  [[nodiscard]] Result<void> apply(const CfgChange& change);
  [[nodiscard]] slo_stats read_stats(std::uint32_t slot) const;
  void clear_stats(std::uint32_t slot);

 private:
  Loaded() = default;
  void configure();
  [[nodiscard]] Result<void> map_stats();
  [[nodiscard]] slo_stats* stats_at(unsigned shard, std::uint32_t slot) const;

  SkeletonHandle skeleton_;
  LinkHandle link_;
  Shards shards_;
  std::span<std::byte> stats_memory_;
  std::map<std::uint64_t, std::uint64_t> budgets_ns_;  // by cgroup id, to know the smallest
};

Result<std::unique_ptr<KernelScheduler::Loaded>> KernelScheduler::Loaded::make() {
  load_log().clear();
  std::unique_ptr<Loaded> loaded(new Loaded());
  loaded->skeleton_.reset(scheduler__open());
  if (!loaded->skeleton_) return std::unexpected(load_error("open", errno));
  loaded->configure();
  if (const int err = scheduler__load(loaded->skeleton_.get()); err != 0)
    return std::unexpected(load_error("load", err));
  if (auto mapped = loaded->map_stats(); !mapped) return std::unexpected(mapped.error());
  return loaded;
}

void KernelScheduler::Loaded::configure() {
  scheduler& skeleton = *skeleton_;
  const int possible = libbpf_num_possible_cpus();
  const unsigned nr_cpus = possible > 0 ? static_cast<unsigned>(possible) : 1;
  shards_ = read_shards(nr_cpus);
  skeleton.rodata->nr_cpus = nr_cpus;
  skeleton.rodata->tick_ns = tick_ns();
  skeleton.rodata->tunables = {.slo_slice_max_ns = 20 * SLO_NSEC_PER_MSEC,
                               .best_effort_slice_ns = 20 * SLO_NSEC_PER_MSEC,
                               .best_effort_gap_ns = 100 * SLO_NSEC_PER_MSEC,
                               .kick_interval_ns = 100 * SLO_NSEC_PER_USEC,
                               .min_run_ns = 100 * SLO_NSEC_PER_USEC,
                               .event_interval_ns = SLO_NSEC_PER_SEC / 10,
                               .event_global_interval_ns = SLO_NSEC_PER_SEC / 100,
                               .event_burst = 20,
                               .best_effort_floor_permille = 50,
                               .capacity = SLO_CAPACITY,
                               .pad = 0};
  for (unsigned cpu = 0; cpu < std::min(nr_cpus, SLO_MAX_CPUS); ++cpu)
    skeleton.rodata->cpu_shard[cpu] = shards_.of_cpu[cpu];
  bpf_map__set_max_entries(skeleton.maps.cfg_map, 4 * SLO_CAPACITY);
  bpf_map__set_max_entries(skeleton.maps.stats_map, shards_.count * SLO_CAPACITY);
  bpf_map__set_autoattach(skeleton.maps.scx_slo, false);

  // All tasks come through enqueue: those the kernel would put on a CPU's local queue itself could not be
  // told from others, nor preempted by key. Bits a kernel does not know are refused, so each is looked up.
  const BtfHandle types(btf__load_vmlinux_btf());
  for (const char* flag : {"SCX_OPS_ENQ_EXITING", "SCX_OPS_ENQ_MIGRATION_DISABLED"})
    if (types) skeleton.struct_ops.scx_slo->flags |= kernel_enum_value(types.get(), "scx_ops_flags", flag);
  // Closes the race with CPUs that come or go between load and attach.
  skeleton.struct_ops.scx_slo->hotplug_seq = read_number("/sys/kernel/sched_ext/hotplug_seq").value_or(0);
}

Result<void> KernelScheduler::Loaded::map_stats() {
  const std::size_t size = std::size_t{shards_.count} * SLO_CAPACITY * sizeof(slo_stats);
  void* memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(skeleton_->maps.stats_map), 0);
  if (memory == MAP_FAILED) return std::unexpected(Error{"map", "the scheduler's statistics", errno, ""});
  stats_memory_ = {static_cast<std::byte*>(memory), size};
  return {};
}

KernelScheduler::Loaded::~Loaded() {
  if (!stats_memory_.empty()) munmap(stats_memory_.data(), stats_memory_.size());
}

Result<void> KernelScheduler::Loaded::attach() {
  link_.reset(bpf_map__attach_struct_ops(skeleton_->maps.scx_slo));
  if (!link_) {
    const int err = errno;
    Error error = load_error("attach", err);
    if (err == EBUSY) error.advice = "another sched_ext scheduler runs: cat /sys/kernel/sched_ext/root/ops";
    return std::unexpected(error);
  }
  // Attaching "succeeds" even when the scheduler's own initialisation failed.
  if (const auto exit = exit_record(); exit && exit->kind >= first_error_kind)
    return std::unexpected(Error{"start", "the scheduler", 0, exit->reason + ": " + exit->message});
  return {};
}

std::optional<SchedulerExit> KernelScheduler::Loaded::exit_record() const {
  const slo_exit_record& record = skeleton_->bss->exit_record;
  const std::uint32_t kind = __atomic_load_n(&record.kind, __ATOMIC_ACQUIRE);
  if (kind == 0) return std::nullopt;
  return SchedulerExit{kind, record.exit_code, record.reason, record.msg, record.dump};
}

Result<void> KernelScheduler::Loaded::apply(const CfgChange& change) {
  const int fd = bpf_map__fd(skeleton_->maps.cfg_map);
  const __u64 key = change.cgroup_id;
  int err = 0;
  if (change.cfg) {
    err = bpf_map_update_elem(fd, &key, &*change.cfg, BPF_ANY);
    if (err == 0) budgets_ns_[key] = change.cfg->budget_ns;
  } else {
    budgets_ns_.erase(key);
    err = bpf_map_delete_elem(fd, &key);
    if (err == -ENOENT) err = 0;  // never told, or forgotten already
  }
  if (err != 0)
    return std::unexpected(Error{"tell the scheduler about cgroup", std::to_string(key), -err, ""});
  std::uint64_t smallest_ns = 0;
  for (const auto& [id, budget_ns] : budgets_ns_)
    if (budget_ns != 0 && (smallest_ns == 0 || budget_ns < smallest_ns)) smallest_ns = budget_ns;
  skeleton_->bss->smallest_budget_ns = smallest_ns;
  // Last: a task that sees the new generation finds the new settings.
  __atomic_add_fetch(&skeleton_->data->cfg_generation, 1, __ATOMIC_SEQ_CST);
  return {};
}

slo_stats* KernelScheduler::Loaded::stats_at(unsigned shard, std::uint32_t slot) const {
  const std::size_t index = std::size_t{shard} * SLO_CAPACITY + slot;
  return reinterpret_cast<slo_stats*>(stats_memory_.data()) + index;
}

slo_stats KernelScheduler::Loaded::read_stats(std::uint32_t slot) const {
  slo_stats total{};
  for (unsigned shard = 0; slot < SLO_CAPACITY && shard < shards_.count; ++shard)
    add_stats(total, *stats_at(shard, slot));
  return total;
}

void KernelScheduler::Loaded::clear_stats(std::uint32_t slot) {
  for (unsigned shard = 0; slot < SLO_CAPACITY && shard < shards_.count; ++shard)
    *stats_at(shard, slot) = slo_stats{};
}

KernelScheduler::KernelScheduler() {
  libbpf_set_print(keep_load_log);
}
KernelScheduler::~KernelScheduler() = default;

Result<void> KernelScheduler::attach() {
  loaded_.reset();
  auto loaded = Loaded::make();
  if (!loaded) return std::unexpected(loaded.error());
  if (auto attached = (*loaded)->attach(); !attached) return std::unexpected(attached.error());
  loaded_ = std::move(*loaded);
  return {};
}

void KernelScheduler::detach() {
  loaded_.reset();
}

bool KernelScheduler::attached() const {
  return loaded_ && !loaded_->exit_record();
}

std::optional<SchedulerExit> KernelScheduler::exit_record() const {
  return loaded_ ? loaded_->exit_record() : std::nullopt;
}

Result<void> KernelScheduler::apply(const CfgChange& change) {
  if (!attached())
    return std::unexpected(Error{"change settings of", "the scheduler", ENODEV, "it is not attached"});
  return loaded_->apply(change);
}

slo_stats KernelScheduler::read_stats(std::uint32_t slot) const {
  return loaded_ ? loaded_->read_stats(slot) : slo_stats{};
}

void KernelScheduler::clear_stats(std::uint32_t slot) {
  if (loaded_) loaded_->clear_stats(slot);
}

std::span<const std::byte> scheduler_object() {
  std::size_t size = 0;
  const void* const bytes = scheduler__elf_bytes(&size);
  return {static_cast<const std::byte*>(bytes), size};
}

}  // namespace slo
