// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <vector>

namespace slo::client {

// A table of plain text for a terminal: columns as wide as their widest cell, two blanks between them, no
// blanks at the end of a line. Cells are UTF-8 of width one per character, and made printable().
class Table {
 public:
  enum class Align { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns);
  // Missing cells are empty, extra ones are dropped.
  void add_row(std::vector<std::string> cells);
  // Every line ends in a line feed. The title line is left out when all titles are empty.
  [[nodiscard]] std::string to_string() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace slo::client
