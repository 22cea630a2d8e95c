// SPDX-License-Identifier: GPL-2.0-only
// What the scheduler calls: kernel functions and BPF helpers, under their names.
#include <cstring>
#include <optional>
#include <string>

#include "ext.h"

namespace slo::sim {

Ext& present_ext();

namespace {

Kernel& kernel() {
  return present_ext().kernel();
}

CpuId to_cpu(int cpu) {
  return static_cast<CpuId>(cpu);
}

const CpuMask& mask_of(const bpf::cpumask* mask) {
  return *reinterpret_cast<const CpuMask*>(mask);
}

// What lies in the words of a bpf_iter_scx_dsq.
struct Iterator {
  Dsq* dsq;
  std::uint64_t at;  // of the entry that it came to last
  std::int64_t nth;
  std::int64_t newest;  // what is inserted after the beginning is not seen
  std::uint64_t vtime;  // of a move
  bool has_begun;
};
static_assert(sizeof(Iterator) <= sizeof(bpf::bpf_iter_scx_dsq));

Iterator& iterator_of(bpf::bpf_iter_scx_dsq* it) {
  return *reinterpret_cast<Iterator*>(it);
}

bool move(bpf::bpf_iter_scx_dsq* it, bpf::task_struct* p, std::uint64_t dsq,
          std::optional<std::uint64_t> vtime) {
  const Iterator& from = iterator_of(it);
  kernel().full_barrier();
  return present_ext().move({.from = *from.dsq, .newest = from.newest}, task_of(p), dsq, vtime);
}

// Where the kernel takes a lock or changes a bit, and others may come in between (see machine/concurrency.h).
Ext& ordered_ext() {
  kernel().full_barrier();
  return present_ext();
}

void insert(bpf::task_struct* p, std::uint64_t dsq, std::uint64_t slice, std::uint64_t flags) {
  present_ext().insert(task_of(p), dsq, slice, false, 0, flags);
}

void insert_vtime(bpf::task_struct* p, std::uint64_t dsq, std::uint64_t slice, std::uint64_t vtime,
                  std::uint64_t flags) {
  present_ext().insert(task_of(p), dsq, slice, true, vtime, flags);
}

}  // namespace
}  // namespace slo::sim

extern "C" {

using namespace slo::sim;  // NOLINT: the functions below are the model's, in C
using bpf_task = bpf::task_struct;
using slo_bool = unsigned char;

extern const bpf::rq runqueues;
const bpf::rq runqueues = {};

int sim_ksym_exists(const char* symbol) {
  return has_symbol(present_ext().rules(), symbol) ? 1 : 0;
}

// Maps and storage.
void* bpf_map_lookup_elem(void* map, const void* key) {
  kernel().may_switch();
  return Maps::of(map).lookup(key);
}
long bpf_map_update_elem(void* map, const void* key, const void* value, std::uint64_t /*flags*/) {
  kernel().full_barrier();
  Maps::of(map).update(key, value);
  return 0;
}
void* bpf_task_storage_get(void* /*map*/, bpf_task* p, void* /*value*/, std::uint64_t flags) {
  return present_ext().maps().storage_of(task_of(p), flags != 0);
}
void* bpf_ringbuf_reserve(void* /*map*/, std::uint64_t size, std::uint64_t /*flags*/) {
  return ordered_ext().maps().reserve_event(size);
}
void bpf_ringbuf_submit(void* data, std::uint64_t /*flags*/) {
  ordered_ext().maps().submit_event(data);
}

// Timers.
long bpf_timer_init(bpf::bpf_timer* timer, void* map, std::uint64_t /*flags*/) {
  present_ext().timers().make(*timer, map, Maps::of(map));
  return 0;
}
long bpf_timer_set_callback(bpf::bpf_timer* timer, void* function) {
  present_ext().timers().set_function(*timer, reinterpret_cast<Timers::Function>(function));
  return 0;
}
long bpf_timer_start(bpf::bpf_timer* timer, std::uint64_t delay_ns, std::uint64_t /*flags*/) {
  ordered_ext().note_asked();
  ordered_ext().timers().start(*timer, delay_ns);
  return 0;
}

// Where and when.
std::uint64_t bpf_ktime_get_ns() {
  return kernel().now_ns() + boot_ns;
}
// As the kernel has it: where no run queue is locked it may stand still.
std::uint64_t scx_bpf_now___optional() {
  const std::uint64_t stands_ns = kernel().here().ext.clock_stands_ns;
  return stands_ns != 0 && !Callbacks::has_lock(present_ext().callbacks().op()) ? stands_ns
                                                                                : kernel().now_ns() + boot_ns;
}
std::uint32_t bpf_get_smp_processor_id() {
  return kernel().here().id;
}
std::uint32_t bpf_get_prandom_u32() {
  return static_cast<std::uint32_t>(kernel().random()());
}
bpf_task* bpf_get_current_task_btf() {
  return kernel().running_here();
}
void* bpf_per_cpu_ptr(const void* /*percpu*/, std::uint32_t cpu) {
  bpf::rq& rq = kernel().cpu(cpu).rq;
  const std::uint64_t stands_ns = kernel().cpu(cpu).ext.clock_stands_ns;
  // Where it is not locked it was read at some time before.
  if (Callbacks::has_lock(present_ext().callbacks().op()))
    rq.clock = kernel().now_ns() + boot_ns;
  else
    rq.clock = stands_ns != 0 ? stands_ns : kernel().now_ns() + boot_ns - 1;
  return &rq;
}
long bpf_probe_read_kernel_str(void* to, std::uint32_t size, const void* from) {
  kernel().full_barrier();
  const std::size_t length = strnlen(static_cast<const char*>(from), size - 1);
  std::memcpy(to, from, length);
  static_cast<char*>(to)[length] = '\0';
  return static_cast<long>(length + 1);
}
long bpf_task_pt_regs(bpf_task* p) {
  return reinterpret_cast<long>(&task_of(p).user_regs);
}
void bpf_rcu_read_lock() {
  ++kernel().running_here()->rcu_read_lock_nesting;
}
void bpf_rcu_read_unlock() {
  --kernel().running_here()->rcu_read_lock_nesting;
}
// Names of rivals are for people: here nobody reads them.
bpf_task* bpf_task_from_pid___optional(int /*pid*/) {
  return nullptr;
}
void bpf_task_release___optional(bpf_task* /*p*/) {}
void scx_bpf_dump_bstr___optional(char* /*fmt*/, unsigned long long* /*data*/, std::uint32_t /*size*/) {}

// CPUs.
int scx_bpf_select_cpu_dfl(bpf_task* p, int prev, std::uint64_t flags, slo_bool* is_idle) {
  bool found = false;
  const CpuId cpu =
      ordered_ext().select_default(task_of(p), to_cpu(prev), (flags & bpf::SCX_WAKE_SYNC) != 0, &found);
  *is_idle = found ? 1 : 0;
  return static_cast<int>(cpu);
}
int scx_bpf_pick_idle_cpu(const bpf::cpumask* allowed, std::uint64_t /*flags*/) {
  kernel().may_switch();
  const CpuId cpu = present_ext().idle().pick(mask_of(allowed), false);
  if (cpu != no_cpu) kernel().full_barrier();          // with none, no bit was changed
  return cpu != no_cpu ? static_cast<int>(cpu) : -16;  // EBUSY
}
slo_bool scx_bpf_test_and_clear_cpu_idle(int cpu) {
  return ordered_ext().idle().test_and_clear(to_cpu(cpu)) ? 1 : 0;
}
const bpf::cpumask* scx_bpf_get_idle_cpumask() {
  return reinterpret_cast<const bpf::cpumask*>(&present_ext().idle().cpus());
}
void scx_bpf_put_idle_cpumask(const bpf::cpumask* /*mask*/) {}
slo_bool bpf_cpumask_test_cpu(std::uint32_t cpu, const bpf::cpumask* mask) {
  kernel().may_switch();
  return cpu < cpus_max && mask_of(mask).test(cpu) ? 1 : 0;
}
void scx_bpf_kick_cpu(int cpu, std::uint64_t flags) {
  ordered_ext().kick(to_cpu(cpu), flags);
}
int scx_bpf_task_cpu(const bpf_task* p) {
  return static_cast<int>(task_of(p).cpu());
}

// Queues.
int scx_bpf_create_dsq(std::uint64_t id, int /*node*/) {
  return present_ext().create_dsq(id);
}
slo_bool scx_bpf_dsq_insert___v2___insert(bpf_task* p, std::uint64_t dsq, std::uint64_t slice,
                                          std::uint64_t flags) {
  insert(p, dsq, slice, flags);
  return 1;
}
void scx_bpf_dsq_insert___insert(bpf_task* p, std::uint64_t dsq, std::uint64_t slice, std::uint64_t flags) {
  insert(p, dsq, slice, flags);
}
void scx_bpf_dispatch___insert(bpf_task* p, std::uint64_t dsq, std::uint64_t slice, std::uint64_t flags) {
  insert(p, dsq, slice, flags);
}
slo_bool __scx_bpf_dsq_insert_vtime___insert_vtime(bpf_task* p, bpf::scx_bpf_dsq_insert_vtime_args* args) {
  insert_vtime(p, args->dsq_id, args->slice, args->vtime, args->enq_flags);
  return 1;
}
void scx_bpf_dsq_insert_vtime___insert_vtime(bpf_task* p, std::uint64_t dsq, std::uint64_t slice,
                                             std::uint64_t vtime, std::uint64_t flags) {
  insert_vtime(p, dsq, slice, vtime, flags);
}
void scx_bpf_dispatch_vtime___insert_vtime(bpf_task* p, std::uint64_t dsq, std::uint64_t slice,
                                           std::uint64_t vtime, std::uint64_t flags) {
  insert_vtime(p, dsq, slice, vtime, flags);
}
slo_bool scx_bpf_dsq_move_to_local___v2___move_to_local(std::uint64_t dsq, std::uint64_t flags) {
  return present_ext().move_to_local(dsq, flags) ? 1 : 0;
}
slo_bool scx_bpf_dsq_move_to_local___move_to_local(std::uint64_t dsq) {
  return present_ext().move_to_local(dsq, 0) ? 1 : 0;
}
slo_bool scx_bpf_consume___move_to_local(std::uint64_t dsq) {
  return present_ext().move_to_local(dsq, 0) ? 1 : 0;
}
int bpf_iter_scx_dsq_new(bpf::bpf_iter_scx_dsq* it, std::uint64_t id, std::uint64_t /*flags*/) {
  Dsq* dsq = present_ext().find_dsq(id);
  iterator_of(it) = {.dsq = dsq,
                     .at = 0,
                     .nth = 0,
                     .newest = dsq != nullptr ? dsq->inserted : 0,
                     .vtime = 0,
                     .has_begun = false};
  return dsq != nullptr ? 0 : -2;  // ENOENT
}
bpf_task* bpf_iter_scx_dsq_next(bpf::bpf_iter_scx_dsq* it) {
  Iterator& state = iterator_of(it);
  if (state.dsq == nullptr) return nullptr;
  kernel().full_barrier();
  const auto& entries = state.dsq->entries;
  auto next = state.has_begun ? entries.upper_bound({state.at, state.nth}) : entries.begin();
  while (next != entries.end() && next->nth > state.newest) ++next;
  if (next == entries.end()) return nullptr;
  state.has_begun = true;
  state.at = next->at;
  state.nth = next->nth;
  return &next->task->kernel;
}
bpf_task* scx_bpf_dsq_peek___optional(std::uint64_t id) {
  const Dsq* dsq = ordered_ext().find_dsq(id);
  if (dsq == nullptr || dsq->entries.empty()) return nullptr;
  return &dsq->entries.begin()->task->kernel;
}
void bpf_iter_scx_dsq_destroy(bpf::bpf_iter_scx_dsq* /*it*/) {}
slo_bool scx_bpf_dsq_move_vtime___move(bpf::bpf_iter_scx_dsq* it, bpf_task* p, std::uint64_t dsq,
                                       std::uint64_t /*flags*/) {
  return move(it, p, dsq, iterator_of(it).vtime) ? 1 : 0;
}
slo_bool scx_bpf_dispatch_vtime_from_dsq___move(bpf::bpf_iter_scx_dsq* it, bpf_task* p, std::uint64_t dsq,
                                                std::uint64_t /*flags*/) {
  return move(it, p, dsq, iterator_of(it).vtime) ? 1 : 0;
}
slo_bool scx_bpf_dsq_move___move_behind(bpf::bpf_iter_scx_dsq* it, bpf_task* p, std::uint64_t dsq,
                                        std::uint64_t /*flags*/) {
  return move(it, p, dsq, std::nullopt) ? 1 : 0;
}
slo_bool scx_bpf_dispatch_from_dsq___move_behind(bpf::bpf_iter_scx_dsq* it, bpf_task* p, std::uint64_t dsq,
                                                 std::uint64_t /*flags*/) {
  return move(it, p, dsq, std::nullopt) ? 1 : 0;
}
void scx_bpf_dsq_move_set_vtime___move_set_vtime(bpf::bpf_iter_scx_dsq* it, std::uint64_t vtime) {
  iterator_of(it).vtime = vtime;
}
void scx_bpf_dispatch_from_dsq_set_vtime___move_set_vtime(bpf::bpf_iter_scx_dsq* it, std::uint64_t vtime) {
  iterator_of(it).vtime = vtime;
}

// Tasks.
slo_bool scx_bpf_task_set_slice___optional(bpf_task* p, std::uint64_t slice) {
  kernel().full_barrier();
  p->scx.slice = slice;
  return 1;
}

}  // extern "C"
