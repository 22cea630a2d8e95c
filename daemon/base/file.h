// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
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

// All of the bytes. The error is an errno.
[[nodiscard]] std::expected<void, int> write_all(int fd, std::span<const std::byte> bytes);

}  // namespace slo
