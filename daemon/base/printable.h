// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace slo {

// Length of the UTF-8 sequence that `text` starts with; 0 when it does not start with a whole one, in its
// only form, of a character that there can be.
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
  if (length < 3) return length;
  const bool longer_than_needed = (byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xf0 && byte(1) < 0x90);
  const bool no_character = (byte(0) == 0xed && byte(1) >= 0xa0) || (byte(0) == 0xf4 && byte(1) >= 0x90);
  return longer_than_needed || no_character ? 0 : length;
}

// Whether a whole UTF-8 sequence is a character that acts on a terminal or on the text around it instead of
// being seen: C0 and C1 controls, separators of lines and paragraphs, and what turns the direction of
// writing, by which a name could be made to look like another one.
[[nodiscard]] inline bool acts_on_text(std::string_view character) {
  const auto byte = [character](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (character.size() == 2)
    return (byte(0) == 0xc2 && byte(1) < 0xa0) || (byte(0) == 0xd8 && byte(1) == 0x9c);  // U+0080.., U+061C
  if (character.size() != 3 || byte(0) != 0xe2) return false;
  if (byte(1) == 0x80)  // U+200E, U+200F, U+2028..U+202E
    return byte(2) == 0x8e || byte(2) == 0x8f || (byte(2) >= 0xa8 && byte(2) <= 0xae);
  return byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9;  // U+2066..U+2069
}

inline constexpr std::size_t no_limit = std::string_view::npos;

namespace detail {

[[nodiscard]] inline std::string made_printable(std::string_view text, std::size_t limit,
                                                std::string_view kept) {
  static constexpr std::string_view digits = "0123456789abcdef";
  static constexpr std::string_view cut = "...";
  std::string result;
  std::size_t end_if_cut = 0;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const bool shown = length != 0 && (!acts_on_text(text.substr(0, length)) || kept.contains(text.front()));
    const std::size_t taken = length == 0 ? 1 : length;
    for (const char c : text.substr(0, taken)) {
      const auto byte = static_cast<unsigned char>(c);
      if (shown)
        result += c;
      else
        result.append("\\x").append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
    }
    text.remove_prefix(taken);
    if (result.size() > limit) return result.substr(0, end_if_cut).append(cut);
    if (limit == no_limit || result.size() + cut.size() <= limit) end_if_cut = result.size();
  }
  return result;
}

}  // namespace detail

// Text from a file or the kernel made fit for one journal line: each byte of what acts_on_text(), and each
// one that is not UTF-8, becomes \xNN. What would be longer than `limit` bytes is cut between characters and
// ends in "...".
[[nodiscard]] inline std::string printable(std::string_view text, std::size_t limit = no_limit) {
  return detail::made_printable(text, limit, {});
}

// The same of a text of many lines: line feeds and tabs stay.
[[nodiscard]] inline std::string printable_lines(std::string_view text) {
  return detail::made_printable(text, no_limit, "\n\t");
}

}  // namespace slo
