// SPDX-License-Identifier: GPL-2.0-only
#include "fiber.h"

#include <cstdint>
#include <utility>

namespace slo::sim {

Fiber::Fiber() : stack_(std::make_unique_for_overwrite<std::byte[]>(stack_size)) {
  getcontext(&own_);
  own_.uc_stack.ss_sp = stack_.get();
  own_.uc_stack.ss_size = stack_size;
  const auto address = reinterpret_cast<std::uintptr_t>(this);
  // makecontext() hands on numbers of the size of an int alone.
  makecontext(&own_, reinterpret_cast<void (*)()>(&Fiber::begin), 2, static_cast<unsigned>(address >> 32),
              static_cast<unsigned>(address));
}

void Fiber::begin(unsigned high, unsigned low) {
  const auto address = static_cast<std::uintptr_t>(high) << 32 | low;
  reinterpret_cast<Fiber*>(address)->work_for_ever();
}

void Fiber::work_for_ever() {
  for (;;) {
    try {
      work_();
    } catch (...) {
      thrown_ = std::current_exception();
    }
    work_ = nullptr;
    is_done_ = true;
    step_back();
  }
}

void Fiber::start(std::function<void()> work) {
  work_ = std::move(work);
  is_done_ = false;
}

void Fiber::resume() {
  swapcontext(&resumer_, &own_);
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

void Fiber::step_back() {
  swapcontext(&own_, &resumer_);
}

}  // namespace slo::sim
