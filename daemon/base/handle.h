// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>

namespace slo {

// Owns a C object and frees it with Free: Handle<bpf_link, bpf_link__destroy>.
template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const noexcept {
    static_cast<void>(Free(object));
  }
};

template <class T, auto Free>
using Handle = std::unique_ptr<T, Deleter<Free>>;

// For libsystemd's functions, which answer with a negative errno: throws std::system_error with it.
inline void check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

// Body of a callback that C calls (sd-event, libbpf, inih): an exception that left it would unwind through C
// frames, which is undefined. It is handed to on_exception (called inside a catch, so `throw;` works there)
// and the callback returns `failed`.
template <class Body, class OnException>
auto guard_callback(std::invoke_result_t<Body> failed, OnException&& on_exception, Body&& body) noexcept
    -> std::invoke_result_t<Body> {
  try {
    return std::forward<Body>(body)();
  } catch (...) {
    on_exception();
    return failed;
  }
}

}  // namespace slo
