// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/bpf_kernel.h"

#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "kernel/events.h"
#include "kernel/loading.h"
#include "kernel/maps.h"
#include "kernel/programs.h"
#include "kernel/topology.h"

namespace slo {

Result<std::unique_ptr<BpfKernel>> BpfKernel::make(const slo_tunables& tunables) {
  capture_load_log();
  const int nr_cpus = libbpf_num_possible_cpus();
  auto topology = std::make_unique<Topology>(read_topology(nr_cpus > 0 ? static_cast<unsigned>(nr_cpus) : 1));
  auto maps = KernelMaps::make(topology->nr_shards, tunables.capacity);
  if (!maps) return std::unexpected(maps.error());
  auto ring = EventRing::make((*maps)->events_map());
  if (!ring) return std::unexpected(ring.error());
  return std::unique_ptr<BpfKernel>(
      new BpfKernel(tunables, std::move(topology), std::move(*maps), std::move(*ring)));
}

BpfKernel::BpfKernel(const slo_tunables& tunables, std::unique_ptr<Topology> topology,
                     std::unique_ptr<KernelMaps> maps, std::unique_ptr<EventRing> ring)
    : tunables_(tunables), topology_(std::move(topology)), maps_(std::move(maps)), ring_(std::move(ring)) {}

BpfKernel::~BpfKernel() = default;

Result<void> BpfKernel::attach(const Hurrying& hurrying) {
  if (driver() == Driver::scheduler && !outdated_) return {};
  if (auto ready = place(); !ready) return ready;
  const bool ahead = prepared();
  auto loaded = ahead ? std::move(ahead_) : load_scheduler(*maps_, *topology_, tunables_);
  ahead_.reset();
  if (!loaded) return std::unexpected(loaded.error());
  hurrying(true);
  drop_scheduler();  // one that has ended, or is outdated: the kernel has room for one
  maps_->forget_parked();
  const auto attached = (*loaded)->attach();
  hurrying(false);
  if (!attached) {
    // One that is loaded now may do where one that was loaded then does not.
    if (!ahead || attached.error().errno_value == EBUSY) return attached;
    loaded->reset();
    return attach(hurrying);
  }
  // In this order a job that ends right now may go uncounted; none is counted twice.
  if (observer_) observer_->set_counting(false);
  (*loaded)->set_counting(true);
  scheduler_ = std::move(*loaded);
  last_exit_.reset();
  outdated_ = false;
  drop_observer();
  return {};
}

Result<void> BpfKernel::prepare() {
  if (prepared()) return {};
  if (auto ready = place(); !ready) return ready;
  ahead_.reset();  // first: two at a time would need twice the memory
  auto loaded = load_scheduler(*maps_, *topology_, tunables_);
  if (!loaded) return std::unexpected(loaded.error());
  ahead_ = std::move(*loaded);
  return {};
}

bool BpfKernel::prepared() const {
  return ahead_ && ahead_->fits();
}

Result<void> BpfKernel::observe() {
  if (driver() == Driver::observer && !outdated_) return {};
  if (auto ready = place(); !ready) return ready;
  auto loaded = load_observer(*maps_, *topology_, tunables_);
  if (!loaded) return std::unexpected(loaded.error());
  if (auto attached = (*loaded)->attach(); !attached) return attached;
  if (scheduler_) scheduler_->set_counting(false);
  if (observer_) observer_->set_counting(false);
  (*loaded)->set_counting(true);
  drop_observer();
  observer_ = std::move(*loaded);
  outdated_ = false;
  ahead_.reset();
  drop_scheduler();
  return {};
}

void BpfKernel::detach() {
  outdated_ = false;
  ahead_.reset();
  drop_scheduler();
  drop_observer();
  drop_placer();
}

// Before the first task is looked at, so that each finds its settings.
Result<void> BpfKernel::place() {
  if (placer_) return {};
  auto loaded = load_placer(*maps_);
  if (!loaded) return std::unexpected(loaded.error());
  for (const slo_spare& spare : spares_) (*loaded)->offer(spare);
  (*loaded)->set_patterns(has_patterns_);
  if (auto attached = (*loaded)->attach(); !attached) return attached;
  placer_ = std::move(*loaded);
  return {};
}

void BpfKernel::drop_placer() {
  taken_ = take_spares();
  placer_.reset();
}

void BpfKernel::drop_scheduler() {
  if (!scheduler_) return;
  last_exit_ = scheduler_->exit_record();
  scheduler_.reset();
}

void BpfKernel::drop_observer() {
  if (!observer_) return;
  untracked_before_ += observer_->untracked();
  observer_.reset();
}

Driver BpfKernel::driver() const {
  if (scheduler_ && !scheduler_->exit_record()) return Driver::scheduler;
  return observer_ ? Driver::observer : Driver::none;
}

std::optional<SchedulerExit> BpfKernel::exit_record() const {
  return scheduler_ ? scheduler_->exit_record() : last_exit_;
}

Result<void> BpfKernel::apply(const CfgChange& change) {
  if (auto applied = maps_->apply(change); !applied) return applied;
  tell_settings_changed();
  return {};
}

Result<void> BpfKernel::set_servers(const Servers& servers) {
  if (auto told = maps_->set_servers(servers); !told) return told;
  tell_settings_changed();
  return {};
}

Result<void> BpfKernel::set_paths(PathChanges& changes) {
  has_patterns_ = changes.has_patterns;
  auto told = maps_->set_paths(changes.changes);
  tell_settings_changed();
  if (placer_) placer_->set_patterns(has_patterns_);
  if (!told) return told;
  std::vector<std::string> refused;
  for (const auto& control_group : changes.look_again) {
    auto placed = placer_ ? placer_->place_again(control_group) : Result<void>();
    if (placed) continue;
    told = std::move(placed);
    refused.push_back(control_group);
  }
  changes.look_again = std::move(refused);
  return told;
}

std::optional<Placed> BpfKernel::placed(std::uint64_t cgroup_id) const {
  const auto node = placer_ ? placer_->node_of(cgroup_id) : std::nullopt;
  if (!node) return std::nullopt;
  return Placed{.made_ns = node->made_ns, .cfg = maps_->cfg_of(cgroup_id)};
}

std::size_t BpfKernel::spares_wanted() const {
  const std::size_t most = std::min<std::size_t>(SLO_SPARES, maps_->capacity() / 16);
  return most - std::min(most, spares_.size());
}

void BpfKernel::offer(const slo_spare& spare) {
  spares_.push_back(spare);
  if (placer_) placer_->offer(spare);
}

std::vector<slo_spare> BpfKernel::take_spares() {
  std::vector<slo_spare> taken = std::exchange(taken_, {});
  if (!placer_) return taken;
  for (const slo_spare& spare : placer_->take_spares()) {
    taken.push_back(spare);
    spares_.pop_front();
  }
  return taken;
}

void BpfKernel::tell_settings_changed() {
  if (ahead_) ahead_->settings_changed(*maps_);
  if (scheduler_) scheduler_->settings_changed(*maps_);
  if (observer_) observer_->settings_changed(*maps_);
}

void BpfKernel::set_tunables(const slo_tunables& tunables) {
  ahead_.reset();  // they are fixed when it is loaded
  outdated_ = driver() != Driver::none;
  tunables_ = tunables;
  tunables_.capacity = maps_->capacity();
}

slo_stats BpfKernel::read_stats(std::uint32_t slot) const {
  return maps_->read_stats(slot);
}

LoadCounters BpfKernel::read_load(std::uint32_t slot) const {
  return maps_->read_load(slot);
}

void BpfKernel::clear_stats(std::uint32_t slot) {
  maps_->clear_stats(slot);
}

KernelCounters BpfKernel::counters() const {
  return {.heartbeat_ns = scheduler_ ? scheduler_->heartbeat_ns() : 0,
          .events_lost = maps_->events_lost(),
          .untracked = untracked_before_ + (observer_ ? observer_->untracked() : 0)};
}

std::vector<KeptLimit> BpfKernel::read_limits() const {
  return maps_->read_limits();
}

std::vector<slo_unkept_limit> BpfKernel::read_unkept_limits() const {
  return maps_->read_unkept_limits();
}

int BpfKernel::events_fd() const {
  return ring_->fd();
}

void BpfKernel::drain_events(const std::function<void(std::span<const std::byte>)>& take) {
  ring_->drain(take);
}

}  // namespace slo
