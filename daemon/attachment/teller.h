// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "attachment/kernel.h"
#include "base/error.h"
#include "settings/cfg_change.h"

namespace slo {

struct PendingNews {
  std::size_t number = 0;  // of settings that are pending; 0: none is any more
  Error why = {};          // of the first of them
};

[[nodiscard]] std::string to_sentence(const PendingNews& news);

// Tells the kernel what is to hold. What it refuses is pending: not in force, remembered until something else
// takes its place, and told again.
class Teller {
 public:
  static constexpr std::size_t most_at_once = 256;  // cgroups that are told again
  static constexpr std::uint64_t longest_rest_ns = 60 * SLO_NSEC_PER_SEC;

  explicit Teller(Kernel& kernel) : kernel_(kernel) {}
  Teller(const Teller&) = delete;
  Teller& operator=(const Teller&) = delete;

  void tell(const CfgChange& change);
  // anew: also where these are what it was told last.
  void tell_servers(const Servers& servers, bool anew);
  void tell_paths(const PathChanges& changes);
  // About once a second: tries what is pending, less and less often while the kernel takes none of it.
  void tell_again(std::uint64_t now_ns);

  // Settings: of a cgroup, all reserves together, and of each path.
  [[nodiscard]] std::size_t pending() const;
  [[nodiscard]] bool is_pending(std::uint64_t cgroup_id) const { return turns_.contains(cgroup_id); }
  // Cgroups whose settings are pending and were not at the last call, or the other way round. Not set: what
  // is pending is the same.
  [[nodiscard]] std::optional<std::set<std::uint64_t>> take_changed();
  // That something is pending, or nothing any more, is to be told once. An end is news after tell_again()
  // only: where cgroups come and go beside a full table there would be no end of it.
  [[nodiscard]] std::optional<PendingNews> take_news();

 private:
  // Until when nothing is tried again.
  struct Rest {
    std::uint64_t until_ns = 0;
    std::uint64_t length_ns = SLO_NSEC_PER_SEC;
    void tried(bool took_some, std::uint64_t now_ns);
  };

  void note_refusal(const Error& why);
  void refused(const CfgChange& change);
  void forget(std::uint64_t cgroup_id);
  void tell_cfgs_again(std::uint64_t now_ns);
  void tell_paths_again(std::uint64_t now_ns);
  void set_paths(PathChanges changes);

  Kernel& kernel_;
  std::map<std::uint64_t, CfgChange> cfgs_;       // by turn: those come first that were tried longest ago
  std::map<std::uint64_t, std::uint64_t> turns_;  // by cgroup id
  std::uint64_t next_turn_ = 0;
  Rest cfgs_rest_;
  Servers servers_;  // told last
  bool servers_refused_ = false;
  PathChanges paths_ = {};
  Rest paths_rest_;
  Error why_;  // of the first that is pending
  bool is_said_ = false;
  bool is_over_ = false;
  bool changed_ = false;
  std::set<std::uint64_t> changed_cgroups_;
};

}  // namespace slo
