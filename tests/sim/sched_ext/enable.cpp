// SPDX-License-Identifier: GPL-2.0-only
// Attaching and detaching, CPUs that come and go, and the watchdog.
#include <algorithm>
#include <utility>

#include "ext.h"

namespace slo::sim {
namespace {

constexpr std::uint32_t exit_error = 1024;
constexpr std::uint32_t exit_stall = 1026;

Ext* present = nullptr;

}  // namespace

Ext& present_ext() {
  return *present;
}

Ext::Ext(Kernel& kernel, SchedClass& fallback, const Settings& settings)
    : kernel_(kernel),
      fallback_(fallback),
      settings_(settings),
      callbacks_(kernel, settings.rules),
      idle_(kernel),
      timers_(kernel) {
  present = this;
  kernel.add_class(*this);
  kernel.set_idle_watcher(this);
  kernel.on_timer() = [this](std::uint32_t timer, std::uint64_t generation) { expire(timer, generation); };
  kernel.on_kick() = [this](Cpu& cpu, std::uint64_t flags) { answer_kick(cpu, flags); };
  kernel.on_fork() = [this](Task& task) {
    if (state_ == State::disabled) return;
    init_task(task, true);
    if (task.sched_class == this) joins(task);
  };
  kernel.on_exit() = [this](Task& task) {
    if (task.sched_class == this) leaves(task);
    end_task(task);
  };
}

Ext::~Ext() {
  present = nullptr;
}

// scx_enable()
void Ext::attach(Maps& maps) {
  maps_ = &maps;
  exit_ = {};
  dsqs_.clear();
  state_ = State::enabling;
  ++attachments_;
  for (Cpu& cpu : kernel_.cpus()) cpu.ext.is_online = cpu.is_online;
  idle_.reset();
  const int err = callbacks_.call(Op::init, nullptr, [] { return ops().init(); });
  if (err != 0) {
    exit_ = {.kind = exit_error, .code = 0, .message = "init() returned " + std::to_string(err)};
    state_ = State::disabled;
    return;
  }
  bypass(true);
  for (Task& task : kernel_.tasks())
    if (task.state != TaskState::dead) init_task(task, false);
  kernel_.set_normal_class(*this);
  for (Task& task : kernel_.tasks())
    if (task.state != TaskState::dead && task.real_time == 0) kernel_.move_to_class(task, *this);
  state_ = State::enabled;
  const auto end_bypass = [this, nth = attachments_] {
    if (state_ == State::enabled && nth == attachments_) bypass(false);
  };
  if (settings_.attach_ns == 0)
    end_bypass();
  else
    kernel_.plan(kernel_.now_ns() + settings_.attach_ns, end_bypass);
  watch_for_stalls();
}

// scx_disable()
void Ext::detach(std::uint32_t kind, std::string message) {
  if (state_ != State::enabled) return;
  exit_ = {.kind = kind, .code = 0, .message = std::move(message)};
  bypass(true);
  kernel_.set_normal_class(fallback_);
  for (Task& task : kernel_.tasks())
    if (task.sched_class == this) kernel_.move_to_class(task, fallback_);
  for (Task& task : kernel_.tasks()) end_task(task);
  bpf::scx_exit_info info = {};
  info.kind = static_cast<bpf::scx_exit_kind>(kind);
  info.reason = kind >= exit_error ? "runtime error" : "unregistered from user space";
  info.msg = exit_.message.data();
  char no_dump[] = "";
  info.dump = no_dump;
  callbacks_.call(Op::exit, nullptr, [&] { ops().exit(&info); });
  timers_.cancel_all();
  if (kernel_.concurrency() != nullptr)
    kernel_.concurrency()->wait_until([this] { return callbacks_.under_way() == 0; });
  state_ = State::disabled;
}

void Ext::fail(std::string message) {
  if (exit_.kind != 0) return;
  exit_.kind = exit_error;
  exit_.message = message;
  kernel_.plan(kernel_.now_ns(), [this, message] { detach(exit_error, message); });
}

// Off: all that wait are asked about. On: all that wait go to where any CPU finds them.
void Ext::bypass(bool on) {
  for (Cpu& cpu : kernel_.cpus()) {
    cpu.ext.is_bypassing = on;
    const std::vector<Task*> waiting(cpu.ext.runnable.begin(), cpu.ext.runnable.end());
    kernel_.on_cpu(cpu.id, [&] {
      for (Task* task : waiting) kernel_.change(*task, [] {});
      if (cpu.is_online) kernel_.ask_to_look(cpu);
    });
  }
}

void Ext::init_task(Task& task, bool is_fork) {
  bpf::scx_init_task_args args = {};
  args.fork = is_fork ? 1 : 0;
  const int err = callbacks_.call(Op::init_task, &task, [&] { return ops().init_task(&task.kernel, &args); });
  if (err != 0) fail("init_task() returned " + std::to_string(err));
}

// exit_task(): the scheduler has none; what it kept of the task is gone.
void Ext::end_task(Task& task) {
  if (kernel_.concurrency() != nullptr && task.storage) retired_.push_back(std::move(task.storage));
  task.storage.reset();
}

void Ext::goes_offline(Cpu& cpu) {
  cpu.ext.is_online = false;
  if (state_ == State::enabled)
    callbacks_.call(Op::cpu_offline, nullptr, [&] { ops().cpu_offline(static_cast<int>(cpu.id)); });
}

void Ext::comes_online(Cpu& cpu) {
  cpu.ext.is_online = true;
  if (state_ == State::enabled)
    callbacks_.call(Op::cpu_online, nullptr, [&] { ops().cpu_online(static_cast<int>(cpu.id)); });
}

// The scheduler hears of it first: see "must come before builtin idle update" in kernel/sched/ext_idle.c.
void Ext::notes_idle(Cpu& cpu, bool idle, bool picked_again) {
  if (state_ == State::disabled) return;
  if (is_asked(cpu) && (!picked_again || settings_.rules.tells_idle_again))
    callbacks_.call(
        Op::update_idle, nullptr, [&] { ops().update_idle(static_cast<int>(cpu.id), idle ? 1 : 0); }, idle);
  idle_.set(cpu.id, idle);
}

void Ext::expire(std::uint32_t number, std::uint64_t generation) {
  const Timers::Timer* timer = timers_.expired(number, generation);
  if (timer == nullptr) return;
  const CpuId cpu = kernel_.cpu(timer->cpu).is_online ? timer->cpu : kernel_.online().first();
  kernel_.on_cpu(cpu, [&] {
    if (timers_.expired(number, generation) == nullptr) return;
    std::uint32_t index = timer->index;
    callbacks_.call(Op::timer, nullptr, [&] { return timer->function(timer->map, &index, timer->value); });
  });
}

void Ext::watch_for_stalls() {
  kernel_.plan(kernel_.now_ns() + settings_.timeout_ns / 2, [this, nth = attachments_] {
    if (state_ != State::enabled || nth != attachments_) return;
    for (const Cpu& cpu : kernel_.cpus())
      for (const Task* task : cpu.ext.runnable)
        if (kernel_.now_ns() - task->ext.runnable_at_ns > settings_.timeout_ns)
          return detach(exit_stall, "task " + std::to_string(task->id) + " failed to run for " +
                                        std::to_string(settings_.timeout_ns / 1'000'000) + " ms");
    watch_for_stalls();
  });
}

}  // namespace slo::sim
