// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slo::client {

enum class Command { status, list, stats, cat, check, attach, confirm, detach, reload, record, show_trace };
[[nodiscard]] std::string_view to_string(Command command);

// Exit codes of scx-slo(1).
inline constexpr int exit_ok = 0;
inline constexpr int exit_failure = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_not_running = 3;  // only status, as the next
inline constexpr int exit_unhealthy = 4;

struct Options {
  Command command = Command::status;
  bool json = false;
  std::vector<std::filesystem::path> files = {};  // only for check
  std::string unit;                               // with its suffix; only for stats (empty: all) and cat
  std::optional<std::uint64_t> for_usec = {};     // attach: detach again after that time, unless confirmed;
                                                  // record: always there
  std::optional<std::uint64_t> watch_usec = {};   // stats: print again every so often
  std::vector<std::string> units = {};            // record: with their suffixes, each once
  std::string file = {};                          // record ("-": standard output) and show-trace
  bool force = false;                             // record: overwrite the file
  bool records = false;                           // show-trace: each of them, instead of what they add up to
};

// The program ends without asking the daemon: help, version, or a usage error.
struct EarlyExit {
  int code = exit_ok;
  std::string text;  // for standard output with exit_ok, else for standard error; ends in a line feed
};

[[nodiscard]] std::expected<Options, EarlyExit> parse_options(int argc, const char* const* argv,
                                                              const std::string& version);

// "nginx" -> "nginx.service", as systemctl does; a service, scope or slice stays. The error says what is
// accepted.
[[nodiscard]] std::expected<std::string, std::string> complete_unit_name(std::string_view name);

}  // namespace slo::client
