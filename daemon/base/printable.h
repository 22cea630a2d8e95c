// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace slo {

// Length of the UTF-8 sequence that `text` starts with; 0 when it does not start with a whole one.
[[nodiscard]] inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return 0;
  const std::size_t length = byte(0) < 0x80   ? 1
                             : byte(0) < 0xc2 ? 0
                             : byte(0) < 0xe0 ? 2
                             : byte(0) < 0xf0 ? 3
                             : byte(0) < 0xf5 ? 4
                                              : 0;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

// Text from a file or the kernel made fit for one journal line: control characters and bytes that are not
// UTF-8 become
// \xNN. What would be longer than `limit` bytes is cut between characters and ends in "...".
[[nodiscard]] inline std::string printable(std::string_view text, std::size_t limit) {
  static constexpr std::string_view digits = "0123456789abcdef";
  static constexpr std::string_view cut = "...";
  std::string result;
  std::size_t end_if_cut = 0;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    if (length == 0 || first < 0x20 || first == 0x7f) {
      result.append("\\x").append(1, digits[first >> 4U]).append(1, digits[first & 15U]);
      text.remove_prefix(1);
    } else {
      result.append(text.substr(0, length));
      text.remove_prefix(length);
    }
    if (result.size() > limit) return result.substr(0, end_if_cut).append(cut);
    if (result.size() + cut.size() <= limit) end_if_cut = result.size();
  }
  return result;
}

}  // namespace slo
