// SPDX-License-Identifier: GPL-2.0-only
#include "unit_file.h"

#include <fcntl.h>
#include <ini.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <expected>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "handle.h"
#include "printable.h"
#include "time_span.h"

namespace slo {
namespace {

namespace fs = std::filesystem;
using Severity = ConfigProblem::Severity;

constexpr std::string_view own_section = "X-Slo";
constexpr std::string_view own_header = "[X-Slo]";
constexpr std::string_view budget_key = "SloBudget";
constexpr auto later_keys =
    std::to_array<std::string_view>({"SloMetric", "SloObjective", "SloImportance", "SloReserve", "SloMaxExec",
                                     "SloBudgetMin", "SloBudgetMax"});

// No unit file comes near; systemd itself refuses single lines of this length.
constexpr std::size_t max_file_bytes = std::size_t{1} << 20U;
// Below this the cost of a switch and of the timer tick is no longer small beside the budget.
constexpr std::uint64_t small_budget_ns = 200 * SLO_NSEC_PER_USEC;

constexpr std::string_view blanks = " \t\n\r";

std::string_view stripped(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Which chmod lets everybody read `path`: of the first directory on the way that may not be entered, or of
// the file.
std::string chmod_for(const fs::path& path) {
  fs::path way;
  for (const auto& part : path.parent_path()) {
    way /= part;
    if (faccessat(AT_FDCWD, way.c_str(), X_OK, AT_EACCESS) != 0 && errno == EACCES)
      return "chmod o+x " + way.string();
  }
  return "chmod o+r " + path.string();
}

std::string why_unreadable(const fs::path& path, int errno_value) {
  const std::string reason = std::strerror(errno_value);
  if (errno_value == ENOENT)
    return "the file is missing although systemd lists it; run: systemctl daemon-reload";
  if (errno_value == EACCES) return "cannot be read (" + reason + "); run: " + chmod_for(path);
  return "cannot be read (" + reason + ")";
}

// The content of a unit file, or what is wrong with the file as a whole.
std::expected<std::string, std::string> load(const fs::path& path) {
  // O_NONBLOCK: a FIFO in the place of a unit file must not hold us up.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return std::unexpected(why_unreadable(path, errno));
  const Handle<FILE, std::fclose> file(fdopen(fd, "r"));
  if (!file) {
    const int errno_value = errno;
    close(fd);
    return std::unexpected(why_unreadable(path, errno_value));
  }
  struct stat status{};
  if (fstat(fd, &status) != 0) return std::unexpected(why_unreadable(path, errno));
  // A unit masked by a link to /dev/null says nothing.
  if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)) return std::string();
  if (S_ISDIR(status.st_mode)) return std::unexpected("is a directory where a unit file is expected");
  if (!S_ISREG(status.st_mode)) return std::unexpected("is not a regular file");

  std::string content;
  std::array<char, 4096> part{};
  while (std::feof(file.get()) == 0 && std::ferror(file.get()) == 0) {
    content.append(part.data(), std::fread(part.data(), 1, part.size(), file.get()));
    if (content.size() > max_file_bytes) return std::unexpected("is larger than 1 MiB and was not read");
  }
  if (std::ferror(file.get()) != 0) return std::unexpected(why_unreadable(path, errno));
  return content;
}

struct Line {
  unsigned number = 0;  // of its first physical line
  std::string text;     // without blanks around it, not empty
};

// systemd ends a line at LF, CR or a pair of the two.
std::string_view take_physical_line(std::string_view& rest) {
  const auto end = rest.find_first_of("\n\r");
  const std::string_view line = rest.substr(0, end);
  if (end == std::string_view::npos) {
    rest = {};
    return line;
  }
  const bool pair =
      end + 1 < rest.size() && rest[end + 1] != rest[end] && (rest[end + 1] == '\n' || rest[end + 1] == '\r');
  rest.remove_prefix(end + (pair ? 2 : 1));
  return line;
}

// As in systemd, a backslash that is itself escaped does not continue the line.
bool continues(std::string_view line) {
  const auto last_other = line.find_last_not_of('\\');
  const auto backslashes = last_other == std::string_view::npos ? line.size() : line.size() - last_other - 1;
  return backslashes % 2 == 1;
}

// systemd's line rules: comments are whole lines (also between continued ones), a trailing backslash joins
// the next.
std::vector<Line> logical_lines(std::string_view content) {
  if (content.starts_with("\xef\xbb\xbf")) content.remove_prefix(3);
  std::vector<Line> lines;
  Line joined;
  const auto finish = [&lines, &joined] {
    const std::string_view text = stripped(joined.text);
    if (!text.empty()) lines.push_back({.number = joined.number, .text = std::string(text)});
    joined = {};
  };
  for (unsigned number = 1; !content.empty(); ++number) {
    const std::string_view physical = take_physical_line(content);
    const std::string_view start = stripped(physical).substr(0, 1);
    if (start == "#" || start == ";") continue;
    if (joined.number == 0) joined.number = number;
    joined.text += physical;
    if (continues(joined.text)) {
      joined.text.back() = ' ';
    } else {
      finish();
    }
  }
  finish();
  return lines;
}

// Letters and digits alone, in lower case: [x-slo], [X_SLO] and [X-Slo ] all look like xslo.
std::string without_style(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') plain += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) plain += c;
  }
  return plain;
}

bool looks_like_own_section(std::string_view header) {
  const std::string plain = without_style(header);
  return plain == "xslo" || plain == "xscxslo" || plain == "slo" || plain == "scxslo";
}

// Feeds one file to inih line by line and keeps what it says. Only lines of our own section are handed over,
// already joined and stripped, as Debian's inih cuts lines at 200 bytes, takes " ;" for a comment and
// indentation for a continuation. What inih makes of a line is compared with the line: where the two differ,
// the line is refused.
class FileReader {
 public:
  FileReader(const fs::path& path, std::vector<Line> lines, UnitFileSettings& result)
      : file_(path.string()), lines_(std::move(lines)), result_(result) {}

  void run() {
    const int status = ini_parse_stream(next_line, this, handle_pair, this);
    if (failure_) std::rethrow_exception(failure_);
    if (status < 0) report(Severity::error, {}, "cannot be parsed (not enough memory)");
  }

 private:
  struct Pair {
    unsigned line = 0;
    std::string key;
    std::string value;
  };

  static char* next_line(char* buffer, int size, void* self) noexcept {
    auto& reader = *static_cast<FileReader*>(self);
    const auto keep_failure = [&reader] { reader.failure_ = std::current_exception(); };
    return guard_callback(static_cast<char*>(nullptr), keep_failure, [&reader, buffer, size] {
      return reader.feed(buffer, static_cast<std::size_t>(size)) ? buffer : nullptr;
    });
  }

  static int handle_pair(void* self, const char* section, const char* name, const char* value) noexcept {
    auto& reader = *static_cast<FileReader*>(self);
    const auto keep_failure = [&reader] { reader.failure_ = std::current_exception(); };
    return guard_callback(0, keep_failure, [&reader, section, name, value] {
      reader.read_by_inih(section, name, value);
      return 1;
    });
  }

  // Puts the next line for inih into buffer; false at the end of the file.
  bool feed(char* buffer, std::size_t size) {
    refuse_pending();
    for (; next_ < lines_.size() && !failure_; ++next_) {
      std::string text = next_text(lines_[next_]);
      if (text.empty()) continue;
      text += '\n';
      if (text.size() >= size) {
        refuse_pending();
        continue;
      }
      std::memcpy(buffer, text.c_str(), text.size() + 1);
      ++next_;
      return true;
    }
    return false;
  }

  // The line in the form that inih is to read; empty when it is not for inih.
  std::string next_text(const Line& line) {
    if (line.text.starts_with('[')) return enter_section(line) ? line.text : std::string();
    if (!in_own_section_) return {};
    const auto equals = line.text.find('=');
    const auto key = stripped(std::string_view(line.text).substr(0, equals));
    if (equals == std::string::npos || key.empty()) {
      report(Severity::error, {.line = line.number, .key = "", .value = line.text},
             "accepted is KEY=VALUE such as SloBudget=5ms");
      return {};
    }
    const auto value = stripped(std::string_view(line.text).substr(equals + 1));
    pending_ = Pair{.line = line.number, .key = std::string(key), .value = std::string(value)};
    return pending_->key + "=" + pending_->value;
  }

  bool enter_section(const Line& line) {
    in_own_section_ = line.text == own_header;
    if (in_own_section_ || !looks_like_own_section(line.text)) return in_own_section_;
    if (seen_look_alikes_.insert(line.text).second) {
      report(Severity::warning, {.line = line.number, .key = "", .value = line.text},
             "nothing in this section is used; the section is written " + std::string(own_header));
    }
    return false;
  }

  void read_by_inih(std::string_view section, std::string_view name, std::string_view value) {
    if (!pending_ || section != own_section || name != pending_->key || value != pending_->value) return;
    const Pair pair = *pending_;
    pending_.reset();
    if (pair.key == budget_key) {
      set_budget(pair);
    } else {
      warn_of_key(pair);
    }
  }

  // The line handed over last did not come back as it was written.
  void refuse_pending() {
    if (!pending_) return;
    const Pair pair = *pending_;
    pending_.reset();
    if (pair.key != budget_key) {
      warn_of_key(pair);
      return;
    }
    const auto budget = Budget::parse(pair.value);
    report(Severity::error, pair,
           "accepted is " + (budget ? "a shorter form, on a line of at most 198 bytes" : budget.error()));
  }

  void set_budget(const Pair& pair) {
    auto& setting = result_.settings.budget;
    if (pair.value.empty()) {
      setting.reset();
      return;
    }
    const auto budget = Budget::parse(pair.value);
    if (!budget) {
      report(Severity::error, pair, "accepted is " + budget.error());
      return;
    }
    setting = Setting<Budget>{.value = *budget, .origin = {.file = file_, .line = pair.line}};
    if (budget->ns() < small_budget_ns) {
      report(Severity::warning, pair,
             "accepted, but few machines keep a budget under " + format_time_span_ns(small_budget_ns));
    }
  }

  void warn_of_key(const Pair& pair) {
    const bool later = std::ranges::contains(later_keys, pair.key);
    report(Severity::warning, pair,
           later ? "not honoured by this version, which knows SloBudget= alone"
                 : "unknown key in [X-Slo]; accepted is SloBudget=");
  }

  void report(Severity severity, const Pair& about, std::string detail) {
    result_.problems.push_back({.severity = severity,
                                .file = file_,
                                .line = about.line,
                                .key = about.key,
                                .value = about.value,
                                .detail = std::move(detail)});
  }

  std::string file_;
  std::vector<Line> lines_;
  UnitFileSettings& result_;
  std::size_t next_ = 0;
  bool in_own_section_ = false;
  std::optional<Pair> pending_;  // handed to inih, not yet read by it
  std::set<std::string> seen_look_alikes_;
  std::exception_ptr failure_;
};

void read_unit_file(const fs::path& path, UnitFileSettings& result) {
  const auto refuse = [&path, &result](unsigned line, std::string detail) {
    ConfigProblem problem;
    problem.file = path.string();
    problem.line = line;
    problem.detail = std::move(detail);
    result.problems.push_back(std::move(problem));
  };
  const auto content = load(path);
  if (!content) {
    refuse(0, content.error());
    return;
  }
  if (const auto nul = content->find('\0'); nul != std::string::npos) {
    const auto line = 1 + std::ranges::count(std::string_view(*content).substr(0, nul), '\n');
    refuse(static_cast<unsigned>(line),
           "the file holds a NUL byte and was not read; a unit file is plain text");
    return;
  }
  FileReader(path, logical_lines(*content), result).run();
}

}  // namespace

std::string ConfigProblem::message() const {
  std::string text = printable(file, 160);
  if (line != 0) text += ":" + std::to_string(line);
  text += ": ";
  if (!key.empty()) text += printable(key, 32) + "=";
  text += printable(value, 48);
  const bool about_a_line = !key.empty() || !value.empty();
  if (about_a_line) text += severity == Severity::error ? " ignored; " : ": ";
  return text + printable(detail, 512);
}

UnitFileSettings read_unit_files(std::span<const fs::path> files) {
  UnitFileSettings result;
  for (const auto& path : files) read_unit_file(path, result);
  return result;
}

}  // namespace slo
