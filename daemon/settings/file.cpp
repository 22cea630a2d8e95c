// SPDX-License-Identifier: GPL-2.0-only
#include "settings/file.h"

#include <ini.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <set>
#include <utility>

#include "base/handle.h"

namespace slo {
namespace {

namespace fs = std::filesystem;
using Severity = ConfigProblem::Severity;

constexpr std::string_view blanks = " \t\n\r";

std::string_view stripped(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
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

// "[A], [B] and [C]"
std::string enumerated(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

// Feeds one file to inih line by line and keeps what it says. Only lines of our own sections are handed over,
// already joined and stripped, as Debian's inih cuts lines at 200 bytes, takes " ;" for a comment and
// indentation for a continuation. What inih makes of a line is compared with the line: where the two differ,
// the line is refused.
class FileReader {
 public:
  FileReader(const fs::path& path, std::vector<Line> lines, const FileRules& rules,
             std::vector<ConfigProblem>& problems)
      : file_(path.string()), lines_(std::move(lines)), rules_(rules), problems_(problems) {}

  void run() {
    const int status = ini_parse_stream(next_line, this, handle_pair, this);
    if (failure_) std::rethrow_exception(failure_);
    if (status < 0) report({}, {.detail = "cannot be parsed (not enough memory)"});
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
    refuse_pending("");
    for (; next_ < lines_.size() && !failure_; ++next_) {
      std::string text = next_text(lines_[next_]);
      if (text.empty()) continue;
      text += '\n';
      if (text.size() >= size) {
        refuse_pending(", on a line of at most " + std::to_string(size - 2) + " bytes");
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
    if (section_.empty()) {
      if (rules_.all_ours && !section_seen_)
        report({.line = line.number, .key = "", .value = line.text},
               {.detail = "it stands before the first section; accepted are " + enumerated(own_headers())});
      return {};
    }
    const auto equals = line.text.find('=');
    const auto key = stripped(std::string_view(line.text).substr(0, equals));
    if (equals == std::string::npos || key.empty()) {
      report({.line = line.number, .key = "", .value = line.text},
             {.detail = "accepted is KEY=VALUE such as SloBudget=5ms"});
      return {};
    }
    const auto value = stripped(std::string_view(line.text).substr(equals + 1));
    pending_ = Pair{.line = line.number, .key = std::string(key), .value = std::string(value)};
    return pending_->key + "=" + pending_->value;
  }

  bool enter_section(const Line& line) {
    section_seen_ = true;
    section_.clear();
    for (const auto& rule : rules_.keys) {
      if (line.text == "[" + rule.section + "]") section_ = rule.section;
    }
    if (!section_.empty()) return true;
    if (auto remark = rules_.other_section(line.text); remark && others_seen_.insert(line.text).second)
      report({.line = line.number, .key = "", .value = line.text}, std::move(*remark));
    return false;
  }

  void read_by_inih(std::string_view section, std::string_view name, std::string_view value) {
    if (!pending_ || section != section_ || name != pending_->key || value != pending_->value) return;
    const Pair pair = *pending_;
    pending_.reset();
    take(pair);
  }

  // The line handed over last did not come back as it was written, or is none to hand over.
  void refuse_pending(const std::string& condition) {
    if (!pending_) return;
    const Pair pair = *pending_;
    pending_.reset();
    const KeyRule* rule = find_rule(pair.key);
    if (rule == nullptr || rule->accepted.empty()) {
      take(pair);
    } else {
      report(pair, {.detail = "accepted is " + rule->accepted + condition});
    }
  }

  void take(const Pair& pair) {
    const KeyRule* rule = find_rule(pair.key);
    if (rule == nullptr) {
      report(pair,
             {.severity = Severity::warning,
              .detail = "unknown key in [" + section_ + "]; accepted are " + enumerated(honoured_keys())});
    } else if (auto remark = rule->take(pair.value, {.file = file_, .line = pair.line})) {
      report(pair, std::move(*remark));
    }
  }

  [[nodiscard]] const KeyRule* find_rule(std::string_view key) const {
    const auto found = std::ranges::find_if(
        rules_.keys, [&](const KeyRule& rule) { return rule.section == section_ && rule.key == key; });
    return found == rules_.keys.end() ? nullptr : &*found;
  }

  [[nodiscard]] std::vector<std::string> honoured_keys() const {
    std::vector<std::string> keys;
    for (const auto& rule : rules_.keys) {
      if (rule.section == section_ && !rule.accepted.empty()) keys.push_back(rule.key + "=");
    }
    return keys;
  }

  [[nodiscard]] std::vector<std::string> own_headers() const {
    std::vector<std::string> headers;
    for (const auto& rule : rules_.keys) {
      if (auto header = "[" + rule.section + "]"; !std::ranges::contains(headers, header))
        headers.push_back(std::move(header));
    }
    return headers;
  }

  void report(const Pair& about, Remark remark) {
    problems_.push_back({.severity = remark.severity,
                         .file = file_,
                         .line = about.line,
                         .key = about.key,
                         .value = about.value,
                         .detail = std::move(remark.detail)});
  }

  std::string file_;
  std::vector<Line> lines_;
  const FileRules& rules_;
  std::vector<ConfigProblem>& problems_;
  std::size_t next_ = 0;
  std::string section_;  // of ours; empty outside of them
  bool section_seen_ = false;
  std::optional<Pair> pending_;  // handed to inih, not yet read by it
  std::set<std::string> others_seen_;
  std::exception_ptr failure_;
};

}  // namespace

void take_settings(const fs::path& path, std::string_view content, const FileRules& rules,
                   std::vector<ConfigProblem>& problems) {
  FileReader(path, logical_lines(content), rules, problems).run();
}

void read_settings_file(const fs::path& path, const FileRules& rules, std::vector<ConfigProblem>& problems) {
  if (const auto content = read_text_file(path, rules.if_missing))
    take_settings(path, *content, rules, problems);
  else
    problems.push_back(unreadable(path, content.error()));
}

ConfigProblem unreadable(const fs::path& path, FileTrouble trouble) {
  return {.severity = Severity::error,
          .file = path.string(),
          .line = trouble.line,
          .key = "",
          .value = "",
          .detail = std::move(trouble.detail)};
}

std::vector<std::string> section_headers(const fs::path& path) {
  const auto content = read_text_file(path, "");
  return content ? headers_in(*content) : std::vector<std::string>{};
}

std::vector<std::string> headers_in(std::string_view content) {
  std::vector<std::string> headers;
  for (auto& line : logical_lines(content)) {
    if (line.text.starts_with('[')) headers.push_back(std::move(line.text));
  }
  return headers;
}

std::optional<std::string> last_value(std::string_view content, std::span<const std::string_view> sections,
                                      std::string_view key) {
  std::optional<std::string> value;
  bool inside = false;
  for (const auto& line : logical_lines(content)) {
    const std::string_view text = line.text;
    if (text.starts_with('[')) {
      inside = text.ends_with(']') && std::ranges::contains(sections, text.substr(1, text.size() - 2));
      continue;
    }
    const auto equals = text.find('=');
    if (inside && equals != std::string_view::npos && stripped(text.substr(0, equals)) == key)
      value = stripped(text.substr(equals + 1));
  }
  return value;
}

KeyRule not_honoured(std::string section, std::string key) {
  return {
      .section = std::move(section), .key = std::move(key), .accepted = "", .take = [](auto, const auto&) {
        return Remark{.severity = Severity::warning,
                      .detail = "this version of scx-slo does not honour it yet"};
      }};
}

}  // namespace slo
