// SPDX-License-Identifier: GPL-2.0-only
#include "attachment/limits.h"

#include <algorithm>
#include <cstddef>
#include <ranges>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/unit_name.h"
#include "bpf/policy/group.h"

namespace slo {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_groups = 65'536;

bool is_below(std::string_view path, std::string_view above) {
  return path.size() > above.size() && path.starts_with(above) && path[above.size()] == '/';
}

std::string last_of(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

// The innermost unit on the path; where none is, the last component.
std::string unit_of(std::string_view path) {
  for (std::string_view rest = path; !rest.empty(); rest = rest.substr(0, rest.rfind('/'))) {
    const std::string_view name = rest.substr(rest.rfind('/') + 1);
    if (unit_suffix(name)) return std::string(name);
  }
  return last_of(path);
}

// The groups from the outermost down to the one that the walk has come to.
class Ancestors {
 public:
  void enter(const CpuGroup& group) {
    while (!above_.empty() && !is_below(group.path, above_.back()->path)) above_.pop_back();
    above_.push_back(&group);
  }

  // The scheduler looks from the last group at SLO_GROUP_DEPTH_MAX of them, that one included. Beyond these
  // there is a limit, and there was none beyond those of the group above.
  [[nodiscard]] bool first_too_deep() const {
    const auto is_limited = [](const CpuGroup* group) { return group->limited; };
    if (above_.size() <= SLO_GROUP_DEPTH_MAX) return false;
    const auto beyond = above_ | std::views::take(above_.size() - SLO_GROUP_DEPTH_MAX);
    return beyond.back()->limited &&
           std::ranges::none_of(beyond | std::views::take(beyond.size() - 1), is_limited);
  }

 private:
  std::vector<const CpuGroup*> above_;
};

// By hand, as the library's recursive iterator ends where one directory vanishes before it gets there;
// control groups do that all the time.
void add_below(const fs::path& directory, const std::string& path, std::size_t& seen,
               std::vector<CpuGroup>& groups) {
  std::error_code vanished;
  for (fs::directory_iterator entry(directory, vanished), end; !vanished && entry != end;
       entry.increment(vanished)) {
    std::error_code gone;
    if (entry->is_symlink(gone) || !entry->is_directory(gone)) continue;
    if (++seen > most_groups) return;
    const std::string below = path + "/" + entry->path().filename().string();
    if (const auto limit = read_kernel_file(entry->path() / "cpu.max"))
      groups.push_back({.path = below, .limited = !limit->starts_with("max")});
    add_below(entry->path(), below, seen, groups);
  }
}

}  // namespace

std::vector<CpuGroup> read_cpu_groups(const fs::path& root) {
  std::vector<CpuGroup> groups;
  std::size_t seen = 0;
  add_below(root / "sys/fs/cgroup", "", seen, groups);
  return groups;
}

std::vector<UnkeptSetting> unkept_limits(std::span<const CpuGroup> groups, bool shown) {
  std::vector<UnkeptSetting> unkept;
  const auto add = [&unkept](std::string unit, WhyUnkept why) {
    if (unkept.size() < SLO_UNKEPTS) unkept.push_back(unkept_limit(std::move(unit), why));
  };
  std::size_t limits = 0;
  Ancestors ancestors;
  for (const CpuGroup& group : groups) {
    ancestors.enter(group);
    if (group.limited && !shown) add(unit_of(group.path), WhyUnkept::not_shown);
    if (!shown) continue;
    if (group.limited && ++limits > SLO_LIMITS) add(unit_of(group.path), WhyUnkept::no_place);
    // All that is below it is too deep as well, and need not be named. The innermost unit may be the one that
    // has the limit.
    if (ancestors.first_too_deep()) add(last_of(group.path), WhyUnkept::too_deep);
  }
  return unkept;
}

void require_kept(const std::vector<UnkeptSetting>& unkept, Requirements& requirements) {
  if (unkept.empty()) return;
  const std::size_t others = unkept.size() - 1;
  requirements.enforcing.push_back(
      to_sentence(unkept.front()) + (others > 0 ? ", and " + std::to_string(others) + " more like it" : "") +
      "; Strict=yes is set: change the unit, or set Strict=no in /etc/scx-slo/scx-slo.conf, then type: "
      "systemctl reload-or-restart scx-slo");
}

}  // namespace slo
