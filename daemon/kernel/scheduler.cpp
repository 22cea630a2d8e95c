// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/handle.h"
#include "bpf/policy/policy.h"
#include "kernel/bpf_kernel.h"
#include "kernel/loading.h"
#include "kernel/programs.h"

// The skeleton names the types of the BPF side.
using u32 = slo_u32;
using u64 = slo_u64;
using u8 = slo_u8;
#include "scheduler.skel.h"

namespace slo {
namespace {

constexpr const char* subject = "the scheduler";
constexpr std::uint32_t first_error_kind = 1024;  // SCX_EXIT_ERROR

using BtfHandle = Handle<btf, btf__free>;
using LinkHandle = Handle<bpf_link, bpf_link__destroy>;
using SkeletonHandle = Handle<scheduler, scheduler__destroy>;

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

// How often a CPU has come or gone.
std::uint64_t hotplug_seq() {
  return read_number("/sys/kernel/sched_ext/hotplug_seq").value_or(0);
}

// What the object wants to know before it is loaded, and what the running kernel must be asked for.
void configure(scheduler& skeleton, const Topology& topology, const slo_tunables& tunables) {
  configure_accounting(skeleton, topology, tunables);
  skeleton.rodata->nr_cpus = topology.nr_cpus;
  skeleton.rodata->nr_shards = topology.nr_shards;
  skeleton.rodata->tick_ns = topology.tick_ns;
  skeleton.rodata->floor_credit_max_ns = slo_floor_credit_max_ns(
      tunables.best_effort_gap_ns, topology.tick_ns, tunables.best_effort_floor_permille);
  const slo_u32 nr_servers = nr_server_places(tunables.capacity);
  bpf_map__set_max_entries(skeleton.maps.servers, nr_servers);
  bpf_map__set_max_entries(skeleton.maps.prepaid_map, topology.nr_shards * nr_servers);
  bpf_map__set_autoattach(skeleton.maps.scx_slo, false);

  // All tasks come through enqueue: those the kernel would put on a CPU's local queue itself could not be
  // told from others, nor preempted by key. Bits a kernel does not know are refused, so each is looked up.
  const BtfHandle types(btf__load_vmlinux_btf());
  for (const char* flag : {"SCX_OPS_ENQ_EXITING", "SCX_OPS_ENQ_MIGRATION_DISABLED"})
    if (types) skeleton.struct_ops.scx_slo->flags |= kernel_enum_value(types.get(), "scx_ops_flags", flag);
  if (types) skeleton.rodata->enq_immed = kernel_enum_value(types.get(), "scx_enq_flags", "SCX_ENQ_IMMED");
  // Closes the race with CPUs that come or go between load and attach.
  skeleton.struct_ops.scx_slo->hotplug_seq = hotplug_seq();
}

class LoadedScheduler final : public SchedulerProgram {
 public:
  // seq: what hotplug_seq() was before it was loaded.
  LoadedScheduler(SkeletonHandle skeleton, std::uint64_t seq) : skeleton_(std::move(skeleton)), seq_(seq) {}

  [[nodiscard]] Result<void> attach() override {
    clear_load_log();
    link_.reset(bpf_map__attach_struct_ops(skeleton_->maps.scx_slo));
    if (!link_) {
      const int err = errno;
      Error error = load_error("attach", subject, err);
      if (err == EBUSY) error.advice = "another sched_ext scheduler runs: cat /sys/kernel/sched_ext/root/ops";
      return std::unexpected(error);
    }
    // Attaching "succeeds" even when the scheduler's own initialisation failed.
    if (const auto exit = exit_record(); exit && exit->kind >= first_error_kind)
      return std::unexpected(Error{"start", subject, 0, exit->reason + ": " + exit->message});
    return {};
  }

  void set_counting(bool counting) override { skeleton_->bss->is_counting = counting ? 1 : 0; }

  void settings_changed(const KernelMaps& maps) override {
    skeleton_->bss->smallest_budget_ns = maps.smallest_budget_ns();
    skeleton_->bss->nr_servers = maps.nr_servers();
    raise_generation(skeleton_->data->cfg_generation);
  }

  [[nodiscard]] bool fits() const override { return hotplug_seq() == seq_; }

  [[nodiscard]] std::optional<SchedulerExit> exit_record() const override {
    const slo_exit_record& record = skeleton_->bss->exit_record;
    const std::uint32_t kind = __atomic_load_n(&record.kind, __ATOMIC_ACQUIRE);
    if (kind == 0) return std::nullopt;
    return printable(SchedulerExit{kind, record.exit_code, record.reason, record.msg, record.dump});
  }

  [[nodiscard]] std::uint64_t heartbeat_ns() const override { return skeleton_->bss->heartbeat_ns; }

 private:
  SkeletonHandle skeleton_;
  std::uint64_t seq_;
  LinkHandle link_;
};

}  // namespace

Result<std::unique_ptr<SchedulerProgram>> load_scheduler(const KernelMaps& maps, const Topology& topology,
                                                         const slo_tunables& tunables) {
  clear_load_log();
  SkeletonHandle skeleton(scheduler__open());
  if (!skeleton) return std::unexpected(load_error("open", subject, errno));
  configure(*skeleton, topology, tunables);
  if (auto lent = maps.lend(*skeleton); !lent) return std::unexpected(lent.error());
  if (auto lent = maps.lend_servers(*skeleton); !lent) return std::unexpected(lent.error());
  const std::uint64_t seq = skeleton->struct_ops.scx_slo->hotplug_seq;
  if (const int err = scheduler__load(skeleton.get()); err != 0)
    return std::unexpected(load_error("load", subject, err));
  auto loaded = std::make_unique<LoadedScheduler>(std::move(skeleton), seq);
  loaded->settings_changed(maps);
  return loaded;
}

std::span<const std::byte> scheduler_object() {
  std::size_t size = 0;
  const void* const bytes = scheduler__elf_bytes(&size);
  return {static_cast<const std::byte*>(bytes), size};
}

}  // namespace slo
