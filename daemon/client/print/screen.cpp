// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <format>
#include <ranges>
#include <vector>

namespace slo::client {
namespace {

constexpr std::string_view home = "\x1b[H";
constexpr std::string_view clear_rest_of_line = "\x1b[K";
constexpr std::string_view clear_rest_of_screen = "\x1b[J";

// Counts characters, not bytes: UTF-8 continuation bytes take no room.
std::string_view cut(std::string_view line, std::size_t columns) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if ((static_cast<unsigned char>(line[i]) & 0xC0u) == 0x80u) continue;
    if (++seen > columns) return line.substr(0, i);
  }
  return line;
}

}  // namespace

Screen screen_of(int fd) {
  Screen screen;
  if (isatty(fd) == 0) return screen;
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
    if (size.ws_col > 0) screen.columns = size.ws_col;
    screen.rows = size.ws_row;
  }
  const char* kind = std::getenv("TERM");
  screen.clears = kind != nullptr && *kind != '\0' && std::string_view(kind) != "dumb";
  return screen;
}

std::string repaint(std::string_view text, const Screen& screen) {
  if (!screen.clears) return std::string(text) + "\n";
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<std::string> lines;
  for (const auto line : std::views::split(text, '\n'))
    lines.emplace_back(cut(std::string_view(line.begin(), line.end()), screen.columns));
  // The last row takes the cursor.
  if (screen.rows > 2 && lines.size() >= screen.rows) {
    const std::size_t kept = screen.rows - 2;
    const std::string remark = std::format("({} lines more than fit)", lines.size() - kept);
    lines.resize(kept);
    lines.emplace_back(cut(remark, screen.columns));
  }
  std::string painted(home);
  for (const std::string& line : lines) painted.append(line).append(clear_rest_of_line).append("\n");
  return painted.append(clear_rest_of_screen);
}

}  // namespace slo::client
