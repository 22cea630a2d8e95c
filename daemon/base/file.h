// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"

namespace slo {

// What is left of an open file, or its next `most` bytes. The error is an errno.
[[nodiscard]] std::expected<std::string, int> read_all(int fd, std::size_t most = SIZE_MAX);

// A file, or its first `most` bytes. The error tells "open" from "read".
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path, std::size_t most = SIZE_MAX);

// The same of a file of /proc or /sys, without the line feed at its end.
[[nodiscard]] Result<std::string> read_kernel_file(const std::filesystem::path& path,
                                                   std::size_t most = 4096);

// What is another one once a file has been written to, replaced, or given to somebody else.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::uint64_t modified_ns = 0;
  std::uint64_t changed_ns = 0;  // of this and the last, neither says more than when the clock last ticked
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// Of what a path leads to, links followed; nothing: there is no such file, or no way to it.
[[nodiscard]] std::optional<FileStamp> stamp_of(const std::string& path);
// It has changed so long ago that whatever changes it now gives it another one: only then does the same stamp
// mean the same content as was read at realtime_ns (CLOCK_REALTIME).
[[nodiscard]] bool is_settled(const FileStamp& stamp, std::uint64_t realtime_ns);

// All of the bytes. The error is an errno.
[[nodiscard]] std::expected<void, int> write_all(int fd, std::span<const std::byte> bytes);

}  // namespace slo
