// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace slo::client {

// Where the text goes.
struct Screen {
  std::size_t columns = 80;
  std::size_t rows = 0;  // 0: no limit
  bool clears = false;   // a terminal on which each print can take the place of the one before
};

// That of a file descriptor: a terminal, or else a file or pipe.
[[nodiscard]] Screen screen_of(int fd);

// What to write so that the text takes the place of all that is on the screen; lines that are too many or too
// long are cut there. On what cannot be cleared the text follows the one before, after an empty line.
[[nodiscard]] std::string repaint(std::string_view text, const Screen& screen);

}  // namespace slo::client
