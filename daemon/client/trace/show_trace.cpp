// SPDX-License-Identifier: GPL-2.0-only
#include "client/trace/show_trace.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/printable.h"
#include "client/print/clock.h"
#include "client/print/output.h"
#include "client/trace/report.h"
#include "client/trace/totals.h"
#include "trace/format.h"

namespace slo::client {
namespace {

constexpr std::size_t piece_size = 256UL * 1024;

// Reads and adds up; with --records also prints as it goes, as there may be millions of them.
class Show {
 public:
  explicit Show(const Options& options) : options_(options) {}

  Result<void> read_all() {
    const Fd file(open(options_.file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return std::unexpected(Error{"read", options_.file, errno, ""});
    std::vector<std::byte> piece(piece_size);
    for (;;) {
      const ssize_t n = read(file.get(), piece.data(), piece.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return std::unexpected(Error{"read", options_.file, errno, ""});
      if (n == 0) break;
      const auto fed = reader_.feed(std::span(piece).first(static_cast<std::size_t>(n)),
                                    [this](const slo_trace_record& record) { take(record); });
      if (!print_lines() || !fed) return fed;
    }
    if (reader_.info()) return {};
    return std::unexpected(Error{.tried = "read the trace", .advice = "it ends within its header"});
  }

  // Empty without a header.
  [[nodiscard]] std::string summary() {
    const auto& info = reader_.info();
    const auto& end = reader_.end();
    if (!info || options_.records) return {};
    const ShownTrace trace{.file = options_.file,
                           .info = *info,
                           .end = end,
                           .records = reader_.records(),
                           .lost = end ? end->lost : reader_.lost(),
                           .last_ns = reader_.last_ns()};
    const TraceTotals& sums = totals(*info);
    return options_.json
               ? trace_json(trace, sums)
               : trace_text(trace, sums,
                            clock_text(static_cast<time_t>(trace.info.start_realtime_ns / SLO_NSEC_PER_SEC)));
  }

  [[nodiscard]] bool cut_short() const { return !reader_.end(); }
  [[nodiscard]] bool printed() const { return code_ == exit_ok; }

 private:
  TraceTotals& totals(const TraceInfo& info) {
    if (!totals_) totals_.emplace(info);
    return *totals_;
  }

  void take(const slo_trace_record& record) {
    const auto& info = reader_.info();
    if (!info) return;  // no record comes before it
    if (options_.records)
      lines_ += record_text(*info, record);
    else
      totals(*info).take(record);
  }

  bool print_lines() {
    code_ = print(lines_, exit_ok);
    lines_.clear();
    return code_ == exit_ok;
  }

  const Options& options_;
  TraceReader reader_;
  std::optional<TraceTotals> totals_;
  std::string lines_;
  int code_ = exit_ok;
};

}  // namespace

int show_trace(const Options& options) {
  Show show(options);
  const auto read = show.read_all();
  if (!show.printed()) return exit_failure;
  const int code = read && !show.cut_short() ? exit_ok : exit_failure;
  const int printed = print(show.summary(), code);
  if (!read)
    std::cerr << "scx-slo: " << printable(options.file) << ": " << read.error().message() << '\n';
  else if (show.cut_short())
    std::cerr << "scx-slo: " << printable(options.file)
              << ": the trace was cut short; what is there can be read, and more would have followed\n";
  return printed;
}

}  // namespace slo::client
