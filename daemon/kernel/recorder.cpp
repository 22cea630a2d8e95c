// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/recorder.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include "base/handle.h"
#include "kernel/iterator.h"
#include "kernel/loading.h"

// The skeleton names the types of the BPF side.
using u32 = slo_u32;
using u64 = slo_u64;
#include "recorder.skel.h"

namespace slo {
namespace {

constexpr const char* subject = "the recorder";

using SkeletonHandle = Handle<recorder, recorder__destroy>;
using RingHandle = Handle<ring_buffer, ring_buffer__free>;

class Recorder final : public TraceSource {
 public:
  explicit Recorder(SkeletonHandle skeleton) : skeleton_(std::move(skeleton)) {}

  [[nodiscard]] Result<void> make_ring() {
    ring_.reset(ring_buffer__new(bpf_map__fd(skeleton_->maps.records), on_record, this, nullptr));
    if (!ring_) return std::unexpected(Error{"read", "the ring buffer of the recorder", errno, ""});
    return {};
  }

  [[nodiscard]] Result<void> follow(std::uint64_t cgroup_id, std::uint32_t unit) override {
    const int err = bpf_map__update_elem(skeleton_->maps.chosen_units, &cgroup_id, sizeof(cgroup_id), &unit,
                                         sizeof(unit), BPF_ANY);
    if (err != 0)
      return std::unexpected(Error{"tell the recorder of cgroup", std::to_string(cgroup_id), -err, ""});
    raise_generation(skeleton_->data->generation);
    return {};
  }

  void forget(std::uint64_t cgroup_id) override {
    // One that is not there is forgotten.
    static_cast<void>(bpf_map__delete_elem(skeleton_->maps.chosen_units, &cgroup_id, sizeof(cgroup_id), 0));
    raise_generation(skeleton_->data->generation);
  }

  // Probes first: what happens while the iterator runs is seen by them.
  [[nodiscard]] Result<void> start() override {
    clear_load_log();
    if (const int err = recorder__attach(skeleton_.get()); err != 0)
      return std::unexpected(load_error("attach", subject, err));
    skeleton_->bss->recording = 1;
    return run_iterator(skeleton_->links.slo_follow_existing, subject);
  }

  [[nodiscard]] std::size_t take(std::span<slo_trace_record> room) override {
    room_ = room;
    taken_ = 0;
    if (!room_.empty()) static_cast<void>(ring_buffer__consume(ring_.get()));  // fails by on_record alone
    return taken_;
  }

  [[nodiscard]] std::uint64_t lost() const override { return skeleton_->bss->lost; }

  void stop() override {
    skeleton_->bss->recording = 0;
    recorder__detach(skeleton_.get());
  }

 private:
  // A record is taken out whatever this answers; an error only says that there is no room for another.
  static int on_record(void* context, void* data, std::size_t size) noexcept {
    auto* const self = static_cast<Recorder*>(context);
    if (size != sizeof(slo_trace_record)) return 0;
    std::memcpy(&self->room_[self->taken_++], data, size);
    return self->taken_ < self->room_.size() ? 0 : -ENOBUFS;
  }

  // After the change: a task that sees the new generation finds it.
  SkeletonHandle skeleton_;
  RingHandle ring_;
  std::span<slo_trace_record> room_;  // while take() runs
  std::size_t taken_ = 0;
};

}  // namespace

Result<std::unique_ptr<TraceSource>> load_recorder() {
  clear_load_log();
  SkeletonHandle skeleton(recorder__open());
  if (!skeleton) return std::unexpected(load_error("open", subject, errno));
  if (const int err = recorder__load(skeleton.get()); err != 0)
    return std::unexpected(load_error("load", subject, err));
  auto recorder = std::make_unique<Recorder>(std::move(skeleton));
  if (auto made = recorder->make_ring(); !made) return std::unexpected(made.error());
  return recorder;
}

}  // namespace slo
