// SPDX-License-Identifier: GPL-2.0-only
#include "interleaving.h"

#include <algorithm>
#include <array>
#include <format>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "../host/image.h"
#include "places.h"

namespace slo::sim {
namespace {

Interleaving* present_one = nullptr;

std::string_view name_of(Access::Kind kind) {
  switch (kind) {
    case Access::Kind::read:
      return "reads";
    case Access::Kind::write:
      return "writes";
    case Access::Kind::atomic:
      return "changes";
    case Access::Kind::none:
      break;
  }
  return "";
}

std::string where(const Context& context) {
  std::string text = std::format("CPU {}", context.here);
  if (context.op == Op::none) return text;
  text += std::format(" in {}", name_of(context.op));
  if (context.about != nullptr) text += std::format(" of task {}", context.about->id);
  return text;
}

}  // namespace

Interleaving::Settings settings_of_seed(std::uint64_t seed) {
  constexpr std::array windows_ns = {500, 2'000, 10'000, 50'000};
  constexpr std::array switch_every = {2, 6, 20, 80};
  Random random(seed);
  Interleaving::Settings settings{.seed = seed};
  settings.window_ns = static_cast<std::uint64_t>(windows_ns[below(random, windows_ns.size())]);
  settings.switch_every = static_cast<std::uint32_t>(switch_every[below(random, switch_every.size())]);
  return settings;
}

Interleaving::Interleaving(Kernel& kernel, const Settings& settings)
    : kernel_(kernel), settings_(settings), random_(settings.seed) {
  present_one = this;
  kernel.set_concurrency(this);
  kernel.watch(*this);
}

Interleaving::~Interleaving() {
  present_one = nullptr;
  kernel_.set_concurrency(nullptr);
  kernel_.forget(*this);
}

Interleaving* Interleaving::present() {
  return present_one;
}

void Interleaving::run_together(const std::function<std::uint64_t()>& next_ns,
                                const std::function<void()>& do_next) {
  const std::uint64_t until_ns = next_ns() + settings_.window_ns;
  for (;;) {
    const bool may_start = active_.size() < settings_.at_once_max && next_ns() <= until_ns;
    if (active_.empty() && !may_start) return;
    Strand* one = nullptr;
    if (!may_start || below(random_, active_.size() + 1) != 0) one = pick();
    if (one != nullptr)
      go_on(*one);
    else if (may_start)
      start(do_next);
    else
      tell_deadlock();
  }
}

// One of those that may go on, null: none.
Interleaving::Strand* Interleaving::pick() {
  if (active_.empty()) return nullptr;
  const std::size_t from = below(random_, active_.size());
  for (std::size_t i = 0; i < active_.size(); ++i) {
    Strand& one = *active_[(from + i) % active_.size()];
    if (one.waits_for == nullptr || (*one.waits_for)()) return &one;
  }
  return nullptr;
}

void Interleaving::start(const std::function<void()>& work) {
  if (spare_.empty()) spare_.push_back(std::make_unique<Strand>());
  active_.push_back(std::move(spare_.back()));
  spare_.pop_back();
  Strand& strand = *active_.back();
  strand.id = ++last_id_;
  const CpuId somewhere = kernel_.online().from(static_cast<CpuId>(below(random_, kernel_.machine().cpus)));
  strand.context = {.here = somewhere != no_cpu ? somewhere : kernel_.online().first(), .op = Op::none};
  strand.before = {};
  strand.fiber.start(work);
  ++counts_.events;
  go_on(strand);
}

void Interleaving::go_on(Strand& strand) {
  ++counts_.switches;
  note(Happened::What::goes_on, strand.context, strand.before);
  const Context outer = std::exchange(kernel_.context(), strand.context);
  strand.stores.show();
  present_ = &strand;
  strand.fiber.resume();
  present_ = nullptr;
  strand.context = std::exchange(kernel_.context(), outer);
  if (strand.fiber.is_done()) strand.stores.drain();
  strand.stores.hide();
  for (const auto& one : active_)
    if (!one->stores.is_empty()) one->stores.drain_some(random_, !settings_.is_weak);
  if (!strand.fiber.is_done()) return;
  const auto place = std::ranges::find(active_, &strand, &std::unique_ptr<Strand>::get);
  spare_.push_back(std::move(*place));
  active_.erase(place);
}

void Interleaving::leave(const Access& before) {
  present_->before = before;
  present_->fiber.step_back();
}

void Interleaving::wait_until(const std::function<bool()>& is_so) {
  if (present_ == nullptr || is_so()) return;
  ++counts_.waits;
  full_barrier();
  present_->waits_for = &is_so;
  while (!is_so()) leave({});
  present_->waits_for = nullptr;
}

void Interleaving::lock(Lock& lock) {
  const std::uint32_t own = self();
  if (lock.holder != own) {
    wait_until([&lock] { return lock.holder == 0; });
    lock.holder = own;
  }
  ++lock.depth;
}

void Interleaving::unlock(Lock& lock) {
  if (--lock.depth == 0) lock.holder = 0;
}

void Interleaving::relock_with(Lock& held, Lock& other) {
  const std::uint32_t depth = std::exchange(held.depth, 0);
  held.holder = 0;
  may_switch();
  wait_until([&] { return held.holder == 0 && (other.holder == 0 || &other == &held); });
  held = {.holder = self(), .depth = depth};
  if (other.holder == 0) other.holder = self();
  ++other.depth;
}

void Interleaving::may_switch() {
  if (present_ != nullptr && below(random_, settings_.switch_every) == 0) leave({});
}

void Interleaving::full_barrier() {
  if (present_ == nullptr) return;
  present_->stores.drain();
  may_switch();
}

StoreBuffer* Interleaving::reach(const Access& access) {
  if (present_ == nullptr || is_constant(access.at)) return nullptr;
  present_->stores.settle();
  if (below(random_, settings_.switch_every) == 0) leave(access);
  return &present_->stores;
}

void Interleaving::note(Happened::What what, const Context& context, const Access& before) {
  happened_[nr_happened_++ % happened_kept] = {
      .at_ns = kernel_.now_ns(), .what = what, .context = context, .before = before};
}

void Interleaving::wakes(const Task& task, std::uint64_t /*now_ns*/) {
  note(Happened::What::wakes, {.here = task.cpu(), .op = Op::none, .about = const_cast<Task*>(&task)}, {});
}

void Interleaving::runs(const Task& task, const Cpu& cpu, std::uint64_t /*now_ns*/) {
  note(Happened::What::runs, {.here = cpu.id, .op = Op::none, .about = const_cast<Task*>(&task)}, {});
}

void Interleaving::switches(const Cpu& cpu, std::uint64_t /*now_ns*/) {
  if (cpu.current == nullptr) note(Happened::What::idles, {.here = cpu.id, .op = Op::none}, {});
}

std::string Interleaving::in_words(const Happened& one, Kernel& kernel) {
  const Context& context = one.context;
  const std::string line = std::format("{:.6f} ms: ", static_cast<double>(one.at_ns) / 1e6);
  switch (one.what) {
    case Happened::What::wakes:
      return line + std::format("task {} wakes, last on CPU {}", context.about->id, context.here);
    case Happened::What::runs:
      return line + std::format("CPU {} runs task {}", context.here, context.about->id);
    case Happened::What::idles:
      return line + std::format("CPU {} is idle", context.here);
    case Happened::What::goes_on:
    case Happened::What::nothing:
      break;
  }
  if (one.before.kind == Access::Kind::none) return line + where(context) + " goes on";
  return line + std::format("{} goes on: {} {} {}", where(context), name_of_code(one.before.from),
                            name_of(one.before.kind), name_of_data(kernel, one.before.at));
}

std::vector<std::string> Interleaving::story(std::uint64_t until_ns) const {
  std::vector<std::string> lines;
  const std::size_t kept = std::min(nr_happened_, happened_kept);
  for (std::size_t i = 1; i <= kept && lines.size() < happened_told; ++i) {
    const Happened& one = happened_[(nr_happened_ - i) % happened_kept];
    if (one.at_ns <= until_ns) lines.push_back(in_words(one, kernel_));
  }
  std::ranges::reverse(lines);
  return lines;
}

void Interleaving::tell_deadlock() const {
  std::string text = "deadlock: nobody can go on of";
  for (const auto& one : active_) text += std::format(" [{}]", where(one->context));
  const auto add = [&](const Lock& lock, std::string_view name, std::uint32_t of) {
    if (lock.holder != 0) text += std::format(", {} of {} held by {}", name, of, lock.holder);
  };
  for (const Cpu& cpu : kernel_.cpus()) {
    add(cpu.context, "CPU", cpu.id);
    add(cpu.rq_lock, "rq->lock", cpu.id);
  }
  for (const Task& task : kernel_.tasks()) {
    add(task.pi_lock, "p->pi_lock", task.id);
  }
  throw std::runtime_error(text);
}

}  // namespace slo::sim
