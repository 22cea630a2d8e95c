// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "attachment/kernel.h"

namespace slo {

class KernelMaps;
class EventRing;
class ObserverProgram;
class PlacerProgram;
class SchedulerProgram;
struct Topology;

// The scheduler and the probes of bpf/ through libbpf.
class BpfKernel final : public Kernel {
 public:
  // Makes the maps; loads nothing yet.
  [[nodiscard]] static Result<std::unique_ptr<BpfKernel>> make(const slo_tunables& tunables);
  ~BpfKernel() override;
  BpfKernel(const BpfKernel&) = delete;
  BpfKernel& operator=(const BpfKernel&) = delete;

  [[nodiscard]] Result<void> attach(const Hurrying& hurrying) override;
  [[nodiscard]] Result<void> prepare() override;
  [[nodiscard]] bool prepared() const override;
  [[nodiscard]] Result<void> observe() override;
  void detach() override;
  [[nodiscard]] Driver driver() const override;
  [[nodiscard]] std::optional<SchedulerExit> exit_record() const override;
  [[nodiscard]] Result<void> apply(const CfgChange& change) override;
  [[nodiscard]] Result<void> set_servers(const Servers& servers) override;
  [[nodiscard]] Result<void> set_paths(PathChanges& changes) override;
  [[nodiscard]] std::optional<Placed> placed(std::uint64_t cgroup_id) const override;
  [[nodiscard]] std::size_t spares_wanted() const override;
  void offer(const slo_spare& spare) override;
  [[nodiscard]] std::vector<slo_spare> take_spares() override;
  void set_tunables(const slo_tunables& tunables) override;
  [[nodiscard]] bool outdated() const override { return outdated_; }
  [[nodiscard]] slo_stats read_stats(std::uint32_t slot) const override;
  [[nodiscard]] LoadCounters read_load(std::uint32_t slot) const override;
  void clear_stats(std::uint32_t slot) override;
  [[nodiscard]] KernelCounters counters() const override;
  [[nodiscard]] std::vector<KeptLimit> read_limits() const override;
  [[nodiscard]] std::vector<slo_unkept_limit> read_unkept_limits() const override;

  // Readable when there are events of missed jobs to drain.
  [[nodiscard]] int events_fd() const;
  // Hands out each record that waits, whatever its size. Exceptions of `take` end the draining and come out.
  void drain_events(const std::function<void(std::span<const std::byte>)>& take);

 private:
  BpfKernel(const slo_tunables& tunables, std::unique_ptr<Topology> topology,
            std::unique_ptr<KernelMaps> maps, std::unique_ptr<EventRing> ring);
  void tell_settings_changed();
  [[nodiscard]] Result<void> place();
  void drop_placer();
  void drop_scheduler();
  void drop_observer();

  slo_tunables tunables_;
  std::unique_ptr<Topology> topology_;
  std::unique_ptr<KernelMaps> maps_;
  std::unique_ptr<EventRing> ring_;
  std::unique_ptr<SchedulerProgram> ahead_;  // loaded, and not attached
  std::unique_ptr<SchedulerProgram> scheduler_;
  std::unique_ptr<ObserverProgram> observer_;
  std::unique_ptr<PlacerProgram> placer_;
  bool outdated_ = false;
  bool has_patterns_ = false;
  std::deque<slo_spare> spares_;            // offered, and not known to be given away
  std::vector<slo_spare> taken_;            // given away by a placer that is dropped already
  std::optional<SchedulerExit> last_exit_;  // of a scheduler that is dropped already
  std::uint64_t untracked_before_ = 0;      // by probes that are dropped already
};

// The BPF objects as they are built in, for a check against the running kernel before anything is loaded.
[[nodiscard]] std::span<const std::byte> scheduler_object();
[[nodiscard]] std::span<const std::byte> observer_object();

}  // namespace slo
