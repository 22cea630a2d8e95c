// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstring>
#include <expected>
#include <string>
#include <utility>

#include "base/printable.h"

namespace slo {

// A failure that can be recovered from: what was tried, on what, and errno (0: not an operating-system
// error). Logged once, by the first caller that knows what the attempt was for.
struct Error {
  std::string tried = {};    // "read", "attach the scheduler"
  std::string subject = {};  // a path, a unit, a kernel function; may be empty
  int errno_value = 0;       // positive
  std::string advice = {};   // one sentence with what to do; may be empty

  [[nodiscard]] std::string message() const {
    std::string text = "cannot " + tried;
    if (!subject.empty()) text += " " + subject;
    if (errno_value != 0) text += std::string(": ") + std::strerror(errno_value);
    if (!advice.empty()) text += "; " + advice;
    return printable_lines(text);
  }
};

template <class T>
using Result = std::expected<T, Error>;

}  // namespace slo
