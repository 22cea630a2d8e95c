// SPDX-License-Identifier: GPL-2.0-only
#include "attachment/latch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>
#include <span>
#include <utility>

#include "base/file.h"
#include "base/handle.h"
#include "base/printable.h"

namespace slo {
namespace {

// The kernel's words about a failure are cut long before; more failures than Retries= are not kept.
constexpr std::size_t max_size = std::size_t{64} * 1024;
constexpr std::size_t max_shown = 80;
constexpr std::size_t longest_reason = 400;

constexpr std::pair<std::string_view, bool Latch::*> flags[] = {
    {"detached", &Latch::detached}, {"sysrq", &Latch::sysrq}, {"trial", &Latch::trial}};

std::unexpected<Error> system_error(std::string tried, const std::filesystem::path& path) {
  return std::unexpected(
      Error{.tried = std::move(tried), .subject = path.string(), .errno_value = errno, .advice = {}});
}

bool take_line(Latch& latch, std::string_view key, std::string_view value) {
  for (const auto& [name, flag] : flags) {
    if (key == name) {
      latch.*flag = true;
      return value == "yes";
    }
  }
  if (key == "gave-up") {
    latch.gave_up = value;
    return !value.empty();
  }
  std::uint64_t stamp = 0;
  const char* const end = value.data() + value.size();
  if (key != "failure" || std::from_chars(value.data(), end, stamp) != std::from_chars_result{end, {}})
    return false;
  if (!latch.failures_ns.empty() && stamp < latch.failures_ns.back()) return false;
  latch.failures_ns.push_back(stamp);
  return true;
}

}  // namespace

std::string to_text(const Latch& latch) {
  std::string text;
  for (const auto& [name, flag] : flags)
    if (latch.*flag) text += std::string(name) + "=yes\n";
  if (!latch.gave_up.empty()) text += "gave-up=" + printable(latch.gave_up, max_size / 2) + "\n";
  for (const auto stamp : latch.failures_ns) text += "failure=" + std::to_string(stamp) + "\n";
  return text;
}

Result<Latch> parse_latch(std::string_view text) {
  Latch latch;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const auto equals = line.find('=');
    // A last line without its end was not written by us.
    const bool good = end != std::string_view::npos && equals != std::string_view::npos &&
                      take_line(latch, line.substr(0, equals), line.substr(equals + 1));
    if (!good)
      return std::unexpected(Error{
          .tried = "understand", .subject = printable(line, max_shown), .errno_value = 0, .advice = {}});
    text.remove_prefix(end + 1);
  }
  return latch;
}

Result<Latch> LatchFile::read() const {
  const auto text = read_file(path_, max_size);
  if (!text && text.error().errno_value == ENOENT) return Latch{};
  if (!text) return std::unexpected(text.error());
  return parse_latch(*text).transform_error([this](Error error) {
    error.subject = path_.string() + ": \"" + error.subject + "\"";
    return error;
  });
}

Latch LatchFile::read_or_detached() const {
  auto latch = read();
  if (latch) return *std::move(latch);
  return {.detached = true, .unreadable = printable(latch.error().message(), longest_reason)};
}

Result<void> LatchFile::write(const Latch& latch) const {
  const std::string text = to_text(latch);
  if (text.empty()) {
    if (unlink(path_.c_str()) == 0 || errno == ENOENT) return {};
    return system_error("remove", path_);
  }
  const std::string fresh = path_.string() + ".new";
  {
    const Handle<FILE, std::fclose> file(std::fopen(fresh.c_str(), "we"));
    if (!file) return system_error("write", fresh);
    if (const auto written = write_all(fileno(file.get()), std::as_bytes(std::span(text))); !written)
      return std::unexpected(
          Error{.tried = "write", .subject = fresh, .errno_value = written.error(), .advice = {}});
  }
  if (rename(fresh.c_str(), path_.c_str()) != 0) return system_error("replace", path_);
  return {};
}

}  // namespace slo
