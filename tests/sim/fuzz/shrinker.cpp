// SPDX-License-Identifier: GPL-2.0-only
#include "shrinker.h"

#include <algorithm>
#include <functional>

#include "player.h"

namespace slo::sim {
namespace {

class Shrinker {
 public:
  Shrinker(Story story, std::string_view kind) : story_(std::move(story)), kind_(kind) {}

  Story run() {
    for (bool has_shrunk = true; has_shrunk;) {
      has_shrunk = drop_steps();
      has_shrunk |= drop_repeats();
      has_shrunk |= simplify_machine();
    }
    drop_tasks();
    return std::move(story_);
  }

 private:
  // A shorter story is kept if it still does.
  bool keep(const Story& shorter) {
    const auto complaints = play(shorter).complaints;
    if (std::ranges::find(complaints, kind_, &Complaint::kind) == complaints.end()) return false;
    story_ = shorter;
    return true;
  }

  // By halves, then quarters, down to one by one.
  bool drop_steps() {
    bool has_dropped = false;
    for (std::size_t size = std::max<std::size_t>(1, story_.steps.size() / 2); size != 0; size /= 2) {
      for (std::size_t at = 0; at < story_.steps.size();) {
        Story shorter = story_;
        const auto begin = shorter.steps.begin() + static_cast<std::ptrdiff_t>(at);
        const auto end =
            shorter.steps.begin() + static_cast<std::ptrdiff_t>(std::min(at + size, shorter.steps.size()));
        shorter.steps.erase(begin, end);
        if (keep(shorter))
          has_dropped = true;
        else
          at += size;
      }
    }
    return has_dropped;
  }

  bool drop_repeats() {
    bool has_dropped = false;
    for (std::size_t at = 0; at < story_.steps.size(); ++at)
      while (story_.steps[at].times > 1) {
        Story shorter = story_;
        shorter.steps[at].times /= 2;
        if (!keep(shorter)) break;
        has_dropped = true;
      }
    return has_dropped;
  }

  bool simplify_machine() {
    bool has_changed = false;
    const auto attempt = [&](const std::function<void(Story&)>& simplify) {
      Story simpler = story_;
      simplify(simpler);
      if (to_text(simpler) != to_text(story_)) has_changed |= keep(simpler);
    };
    attempt([](Story& story) { story.machine.threads = 1; });
    attempt([](Story& story) { story.machine.nodes = 1; });
    attempt([](Story& story) { story.machine.cache_cpus = Machine{}.cache_cpus; });
    attempt([](Story& story) { story.machine.offline.clear(); });
    attempt([](Story& story) { story.is_6_12 = false; });
    attempt([](Story& story) { story.attach_us = 0; });
    attempt([](Story& story) { take_cpus(story, std::max(1U, story.machine.cpus / 2)); });
    attempt([](Story& story) { take_cpus(story, std::max(1U, story.machine.cpus - 1)); });
    attempt([](Story& story) { story.span_us /= 2; });
    for (std::size_t unit = 0; unit < story_.units.size(); ++unit)
      attempt([unit](Story& story) { story.units[unit].limit = {}; });
    return has_changed;
  }

  static void take_cpus(Story& story, std::uint32_t cpus) {
    story.machine.cpus = cpus;
    if (cpus % story.machine.threads != 0) story.machine.threads = 1;
    std::erase_if(story.machine.offline, [&](std::uint32_t cpu) { return cpu >= cpus; });
  }

  // Those at the end that nothing happens to, and units likewise.
  void drop_tasks() {
    while (!story_.tasks.empty()) {
      Story shorter = story_;
      shorter.tasks.pop_back();
      if (!keep(shorter)) break;
    }
    while (story_.units.size() > 1) {
      Story shorter = story_;
      shorter.units.pop_back();
      const auto is_gone = [&](std::uint32_t unit) { return unit >= shorter.units.size(); };
      if (std::ranges::any_of(shorter.tasks, is_gone) || !keep(shorter)) break;
    }
  }

  Story story_;
  std::string_view kind_;
};

}  // namespace

Story shrink(Story story, std::string_view kind) {
  return Shrinker(std::move(story), kind).run();
}

}  // namespace slo::sim
