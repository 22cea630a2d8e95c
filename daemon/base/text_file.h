// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>

namespace slo {

// What is wrong with a file as a whole.
struct FileTrouble {
  unsigned line = 0;   // 0: no line in particular
  std::string detail;  // fit for "FILE: <detail>", with the command that helps where there is one
};

// The content of a configuration file of at most 1 MiB; a link to /dev/null (a mask) is empty. if_missing:
// what to say when there is no such file. Never blocks, whatever stands in the place of the file.
[[nodiscard]] std::expected<std::string, FileTrouble> read_text_file(const std::filesystem::path& path,
                                                                     std::string_view if_missing);

// What to say of a file or directory that cannot be opened for errno_value.
[[nodiscard]] std::string why_unreadable(const std::filesystem::path& path, int errno_value);

}  // namespace slo
