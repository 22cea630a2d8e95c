// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/loading.h"

#include <bpf/libbpf.h>

#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/handle.h"

namespace slo {
namespace {

// libbpf's callback has no context, and we have one thread.
std::string& load_log() {
  static std::string log;
  return log;
}

constexpr std::size_t load_log_max = 4096;

int keep_load_log(libbpf_print_level level, const char* format, va_list args) {
  if (level != LIBBPF_WARN) return 0;
  return guard_callback(
      0, [] {},
      [&] {
        std::array<char, 1024> line{};
        const int n = std::vsnprintf(line.data(), line.size(), format, args);
        if (n > 0 && load_log().size() < load_log_max) load_log() += line.data();
        return n;
      });
}

// The line that says what went wrong, without the noise after it.
std::string first_log_line() {
  const std::string& log = load_log();
  return log.substr(0, log.find('\n'));
}

}  // namespace

void capture_load_log() {
  libbpf_set_print(keep_load_log);
}

void clear_load_log() {
  load_log().clear();
}

Error load_error(const char* tried, const char* subject, int err) {
  Error error{tried, subject, std::abs(err), ""};
  if (const std::string line = first_log_line(); !line.empty()) error.advice = "the kernel's answer: " + line;
  return error;
}

}  // namespace slo
