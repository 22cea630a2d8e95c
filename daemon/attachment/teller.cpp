// SPDX-License-Identifier: GPL-2.0-only
#include "attachment/teller.h"

#include <algorithm>
#include <cerrno>
#include <ranges>
#include <utility>
#include <vector>

namespace slo {
namespace {

std::size_t number_of(const PathChanges& changes) {
  return changes.changes.empty() ? changes.look_again.size() : changes.changes.size();
}

bool is_empty(const PathChanges& changes) {
  return number_of(changes) == 0;
}

// What was refused, as far as nothing newer takes its place, and what is new. In the order that these have:
// what is forgotten first, then what is below a node before it.
PathChanges joined(const PathChanges& refused, PathChanges news) {
  if (is_empty(refused)) return news;
  std::set<PathKey> newer;
  for (const auto& change : news.changes) newer.insert(change.key);
  for (const auto& change : refused.changes)
    if (!newer.contains(change.key)) news.changes.push_back(change);
  std::ranges::sort(news.changes, [](const PathChange& a, const PathChange& b) {
    return a.path.has_value() == b.path.has_value() ? a.key > b.key : b.path.has_value();
  });
  std::set<std::string> look_again(refused.look_again.begin(), refused.look_again.end());
  look_again.insert(news.look_again.begin(), news.look_again.end());
  news.look_again.assign(look_again.begin(), look_again.end());
  return news;
}

}  // namespace

std::string to_sentence(const PendingNews& news) {
  if (news.number == 0) return "all settings that were pending are in force";
  const std::string settings =
      news.number == 1 ? "1 setting is pending" : std::to_string(news.number) + " settings are pending";
  return settings + ", not in force, and tried again: " + news.why.message();
}

void Teller::Rest::tried(bool took_some, std::uint64_t now_ns) {
  if (took_some) {
    *this = {};
    return;
  }
  length_ns = std::min(2 * length_ns, longest_rest_ns);
  until_ns = now_ns + length_ns;
}

void Teller::tell(const CfgChange& change) {
  const auto told = kernel_.apply(change);
  // A cgroup that vanished in the meantime needs no settings; systemd's word about its unit is on the way.
  if (!told && told.error().errno_value != ENOENT) {
    note_refusal(told.error());
    refused(change);
    return;
  }
  forget(change.cgroup_id);
  if (!change.cfg) cfgs_rest_ = {};  // there may be room now
}

void Teller::tell_servers(const Servers& servers, bool anew) {
  if (!anew && !servers_refused_ && servers_ == servers) return;
  servers_ = servers;
  const auto told = kernel_.set_servers(servers_);
  if (!told) note_refusal(told.error());
  if (std::exchange(servers_refused_, !told) == told.has_value()) changed_ = true;
}

void Teller::tell_paths(const PathChanges& changes) {
  if (!is_empty(changes)) set_paths(joined(paths_, changes));
}

void Teller::tell_again(std::uint64_t now_ns) {
  tell_cfgs_again(now_ns);
  if (servers_refused_) tell_servers(servers_, true);
  tell_paths_again(now_ns);
  is_over_ = pending() == 0;
}

std::size_t Teller::pending() const {
  return cfgs_.size() + (servers_refused_ ? 1 : 0) + number_of(paths_);
}

std::optional<std::set<std::uint64_t>> Teller::take_changed() {
  if (!std::exchange(changed_, false)) return std::nullopt;
  return std::exchange(changed_cgroups_, {});
}

std::optional<PendingNews> Teller::take_news() {
  const bool is_over = std::exchange(is_over_, false);
  if (is_said_ ? !is_over : pending() == 0) return std::nullopt;
  is_said_ = !is_said_;
  return is_said_ ? PendingNews{.number = pending(), .why = why_} : PendingNews{};
}

// Before it is among what is pending.
void Teller::note_refusal(const Error& why) {
  if (pending() == 0) why_ = why;
}

void Teller::refused(const CfgChange& change) {
  const auto [turn, is_new] = turns_.try_emplace(change.cgroup_id);
  if (is_new) {
    changed_ = true;
    changed_cgroups_.insert(change.cgroup_id);
  } else {
    cfgs_.erase(turn->second);
  }
  turn->second = next_turn_++;
  cfgs_.emplace(turn->second, change);
}

void Teller::forget(std::uint64_t cgroup_id) {
  const auto turn = turns_.find(cgroup_id);
  if (turn == turns_.end()) return;
  cfgs_.erase(turn->second);
  turns_.erase(turn);
  if (cfgs_.empty()) cfgs_rest_ = {};
  changed_ = true;
  changed_cgroups_.insert(cgroup_id);
}

void Teller::tell_cfgs_again(std::uint64_t now_ns) {
  if (cfgs_.empty() || now_ns < cfgs_rest_.until_ns) return;
  std::vector<CfgChange> due;
  for (const auto& change : std::views::values(cfgs_) | std::views::take(most_at_once)) due.push_back(change);
  const std::size_t before = cfgs_.size();
  for (const auto& change : due) tell(change);
  cfgs_rest_.tried(cfgs_.size() < before, now_ns);
}

void Teller::tell_paths_again(std::uint64_t now_ns) {
  if (is_empty(paths_) || now_ns < paths_rest_.until_ns) return;
  const std::size_t before = number_of(paths_);
  set_paths(paths_);
  paths_rest_.tried(number_of(paths_) < before, now_ns);
}

void Teller::set_paths(PathChanges changes) {
  const auto told = kernel_.set_paths(changes);
  if (!told) note_refusal(told.error());
  if (number_of(changes) != number_of(paths_)) changed_ = true;
  paths_ = std::move(changes);
  if (is_empty(paths_)) paths_rest_ = {};
}

}  // namespace slo
