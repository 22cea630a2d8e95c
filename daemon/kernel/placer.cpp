// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "base/fd.h"
#include "base/handle.h"
#include "kernel/iterator.h"
#include "kernel/loading.h"
#include "kernel/programs.h"

// The skeleton names the types of the BPF side.
using u32 = slo_u32;
using u64 = slo_u64;
using u8 = slo_u8;
#include "placer.skel.h"

namespace slo {
namespace {

constexpr const char* subject = "the placer of cgroups";
const std::string cgroup_root = "/sys/fs/cgroup";

using SkeletonHandle = Handle<placer, placer__destroy>;
using LinkHandle = Handle<bpf_link, bpf_link__destroy>;

class LoadedPlacer final : public PlacerProgram {
 public:
  explicit LoadedPlacer(SkeletonHandle skeleton) : skeleton_(std::move(skeleton)) {}

  // The hooks first: who is made while the others are looked through is seen by them, or comes later in that
  // walk.
  [[nodiscard]] Result<void> attach() override {
    clear_load_log();
    for (const bpf_program* program :
         {skeleton_->progs.slo_on_cgroup_mkdir, skeleton_->progs.slo_on_cgroup_rmdir}) {
      LinkHandle link(bpf_program__attach(program));
      if (!link) return std::unexpected(load_error("attach", subject, errno));
      hooks_.push_back(std::move(link));
    }
    return place_existing(Fd());
  }

  void set_patterns(bool has_patterns) override { skeleton_->bss->has_patterns = has_patterns ? 1 : 0; }

  [[nodiscard]] Result<void> place_again(const std::string& control_group) override {
    const std::string path = cgroup_root + control_group;
    const Fd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // It finds its place when it is made.
    if (!directory && (errno == ENOENT || errno == ENODEV)) return {};
    if (!directory) return std::unexpected(Error{"look through the control group", path, errno, ""});
    return place_existing(directory);
  }

  [[nodiscard]] std::optional<slo_node> node_of(std::uint64_t cgroup_id) const override {
    slo_node node{};
    const int err = bpf_map__lookup_elem(skeleton_->maps.node_map, &cgroup_id, sizeof(cgroup_id), &node,
                                         sizeof(node), BPF_ANY);
    return err == 0 ? std::optional(node) : std::nullopt;
  }

  void offer(const slo_spare& spare) override {
    const slo_u32 next = skeleton_->bss->spares_offered;
    skeleton_->bss->spares[next % SLO_SPARES] = spare;
    __atomic_store_n(&skeleton_->bss->spares_offered, next + 1, __ATOMIC_RELEASE);
  }

  [[nodiscard]] std::vector<slo_spare> take_spares() override {
    std::vector<slo_spare> taken;
    const slo_u32 end = __atomic_load_n(&skeleton_->bss->spares_taken, __ATOMIC_ACQUIRE);
    for (; seen_ != end; ++seen_) taken.push_back(skeleton_->bss->spares[seen_ % SLO_SPARES]);
    return taken;
  }

 private:
  // Without a directory: all there are.
  [[nodiscard]] Result<void> place_existing(const Fd& from) {
    bpf_iter_link_info which{};
    which.cgroup.order = BPF_CGROUP_ITER_DESCENDANTS_PRE;
    if (from) which.cgroup.cgroup_fd = static_cast<__u32>(from.get());
    bpf_iter_attach_opts options{};
    options.sz = sizeof(options);
    options.link_info = &which;
    options.link_info_len = sizeof(which);
    const LinkHandle link(bpf_program__attach_iter(skeleton_->progs.slo_place_existing, &options));
    if (!link) return std::unexpected(load_error("attach", subject, errno));
    return run_iterator(link.get(), subject);
  }

  SkeletonHandle skeleton_;
  std::vector<LinkHandle> hooks_;
  slo_u32 seen_ = 0;
};

}  // namespace

Result<std::unique_ptr<PlacerProgram>> load_placer(const KernelMaps& maps) {
  clear_load_log();
  SkeletonHandle skeleton(placer__open());
  if (!skeleton) return std::unexpected(load_error("open", subject, errno));
  if (auto lent = maps.lend_paths(*skeleton); !lent) return std::unexpected(lent.error());
  if (const int err = placer__load(skeleton.get()); err != 0)
    return std::unexpected(load_error("load", subject, err));
  return std::make_unique<LoadedPlacer>(std::move(skeleton));
}

}  // namespace slo
