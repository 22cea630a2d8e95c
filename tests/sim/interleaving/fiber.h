// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>

namespace slo::sim {

// Something that goes on with a stack of its own, up to where it steps back; then whoever resumed it goes on.
class Fiber {
 public:
  Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Of one that is done.
  void start(std::function<void()> work);
  // Up to the next step_back(), or the end. What the work throws is thrown here.
  void resume();
  // By the work itself.
  void step_back();

  [[nodiscard]] bool is_done() const { return is_done_; }
  [[nodiscard]] bool owns(const void* address) const {
    const auto* at = static_cast<const std::byte*>(address);
    return at >= stack_.get() && at < stack_.get() + stack_size;
  }

 private:
  static constexpr std::size_t stack_size = std::size_t{1} << 18;

  static void begin(unsigned high, unsigned low);
  void work_for_ever();

  std::unique_ptr<std::byte[]> stack_;
  ucontext_t own_ = {};
  ucontext_t resumer_ = {};
  std::function<void()> work_;
  std::exception_ptr thrown_;
  bool is_done_ = true;
};

}  // namespace slo::sim
