// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>

#include "base/handle.h"
#include "kernel/bpf_kernel.h"
#include "kernel/iterator.h"
#include "kernel/loading.h"
#include "kernel/programs.h"

// The skeleton names the types of the BPF side.
using u32 = slo_u32;
using u64 = slo_u64;
using u8 = slo_u8;
#include "observer.skel.h"

namespace slo {
namespace {

constexpr const char* subject = "the probes";

using SkeletonHandle = Handle<observer, observer__destroy>;

class LoadedObserver final : public ObserverProgram {
 public:
  explicit LoadedObserver(SkeletonHandle skeleton) : skeleton_(std::move(skeleton)) {}

  // Probes first: whoever is forked while the iterator runs is seen by the fork hook.
  [[nodiscard]] Result<void> attach() override {
    clear_load_log();
    if (const int err = observer__attach(skeleton_.get()); err != 0)
      return std::unexpected(load_error("attach", subject, err));
    return run_iterator(skeleton_->links.slo_follow_existing, subject);
  }

  void set_counting(bool counting) override { skeleton_->bss->is_counting = counting ? 1 : 0; }
  void settings_changed(const KernelMaps& /*maps*/) override {
    raise_generation(skeleton_->data->cfg_generation);
  }
  [[nodiscard]] std::uint64_t untracked() const override { return skeleton_->bss->untracked; }

 private:
  SkeletonHandle skeleton_;
};

}  // namespace

Result<std::unique_ptr<ObserverProgram>> load_observer(const KernelMaps& maps, const Topology& topology,
                                                       const slo_tunables& tunables) {
  clear_load_log();
  SkeletonHandle skeleton(observer__open());
  if (!skeleton) return std::unexpected(load_error("open", subject, errno));
  configure_accounting(*skeleton, topology, tunables);
  if (auto lent = maps.lend(*skeleton); !lent) return std::unexpected(lent.error());
  if (const int err = observer__load(skeleton.get()); err != 0)
    return std::unexpected(load_error("load", subject, err));
  return std::make_unique<LoadedObserver>(std::move(skeleton));
}

std::span<const std::byte> observer_object() {
  std::size_t size = 0;
  const void* const bytes = observer__elf_bytes(&size);
  return {static_cast<const std::byte*>(bytes), size};
}

}  // namespace slo
