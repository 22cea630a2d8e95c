// SPDX-License-Identifier: GPL-2.0-only
#include "client/command/record_loop.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client/print/output.h"
#include "client/trace/file.h"
#include "client/trace/report.h"
#include "trace/format.h"

namespace slo::client {
namespace {

constexpr std::size_t piece_size = 256UL * 1024;
constexpr std::string_view clear_rest_of_line = "\x1b[K";

volatile sig_atomic_t interrupted = 0;

extern "C" void note_interruption(int /*signal*/) {
  interrupted = 1;
}

// Held back from now on, so that they arrive nowhere but in a wait that is given the mask this returns.
sigset_t hold_signals() {
  struct sigaction action{};
  action.sa_handler = note_interruption;
  sigset_t held{};
  sigset_t before{};
  sigemptyset(&held);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&held, number);
    sigaction(number, &action, nullptr);
  }
  sigprocmask(SIG_BLOCK, &held, &before);
  return before;
}

// CLOCK_MONOTONIC, as the trace has it.
std::uint64_t monotonic_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

// From the daemon's pipe into the file.
class Transfer {
 public:
  Transfer(Fd pipe, TraceFile file)
      : pipe_(std::move(pipe)), file_(std::move(file)), shows_progress_(isatty(STDERR_FILENO) != 0) {}

  // Until the trace ends, or a signal comes.
  Result<void> run() {
    const sigset_t unheld = hold_signals();
    while (!reader_.end() && open_ && interrupted == 0) {
      if (!wait(&unheld)) continue;
      if (auto moved = move(); !moved) return moved;
    }
    // What the daemon has sent already belongs to it.
    while (!reader_.end() && open_ && wait(nullptr))
      if (auto moved = move(); !moved) return moved;
    if (reader_.info() && !reader_.end()) return add_end();
    return {};
  }

  void end_progress() const {
    if (shows_progress_) std::cerr << '\r' << clear_rest_of_line << std::flush;
  }

  [[nodiscard]] std::optional<Recorded> recorded(const std::string& name) const {
    const auto& info = reader_.info();
    if (!info) return std::nullopt;
    return Recorded{.file = name, .info = *info, .end = end_, .bytes = file_.written()};
  }

 private:
  // Whether something can be read. mask: null looks and does not wait.
  bool wait(const sigset_t* mask) {
    show_progress();
    const timespec timeout{.tv_sec = mask != nullptr ? 1 : 0, .tv_nsec = 0};
    pollfd pipe{.fd = pipe_.get(), .events = POLLIN, .revents = 0};
    return ppoll(&pipe, 1, &timeout, mask) > 0;
  }

  Result<void> move() {
    const std::size_t before = unwritten_.size();
    unwritten_.resize(before + piece_size);
    const ssize_t n = read(pipe_.get(), unwritten_.data() + before, piece_size);
    unwritten_.resize(before + static_cast<std::size_t>(n > 0 ? n : 0));
    if (n < 0 && errno != EINTR && errno != EAGAIN)
      return std::unexpected(Error{"read", "the trace", errno, ""});
    if (n == 0) open_ = false;
    if (auto fed = reader_.feed(std::span(unwritten_).subspan(before), [](const auto&) {}); !fed) return fed;
    if (const auto& end = reader_.end()) end_ = *end;
    // A part of a record waits for its rest, so that an end can follow at any time.
    const std::size_t whole = unwritten_.size() - reader_.unfinished();
    auto written = file_.write(std::span(unwritten_).first(whole));
    unwritten_.erase(unwritten_.begin(), unwritten_.begin() + static_cast<std::ptrdiff_t>(whole));
    return written;
  }

  Result<void> add_end() {
    end_ = {.time_ns = reader_.last_ns(),
            .reason = interrupted != 0 ? SLO_TRACE_END_INTERRUPTED : SLO_TRACE_END_DAEMON,
            .records = reader_.records(),
            .lost = reader_.lost()};
    const slo_trace_end end = encode_end(end_);
    return file_.write(std::as_bytes(std::span(&end, 1)));
  }

  void show_progress() {
    const std::uint64_t now_ns = monotonic_ns();
    const auto& info = reader_.info();
    if (!shows_progress_ || !info || now_ns < progress_due_ns_) return;
    progress_due_ns_ = now_ns + SLO_NSEC_PER_SEC;
    const std::uint64_t end_ns = info->start_ns + info->planned_ns;
    std::cerr << '\r'
              << progress_text({.left_ns = end_ns > now_ns ? end_ns - now_ns : 0,
                                .records = reader_.records(),
                                .lost = reader_.lost(),
                                .bytes = file_.written()})
              << clear_rest_of_line << std::flush;
  }

  Fd pipe_;
  TraceFile file_;
  bool shows_progress_;
  TraceReader reader_;
  TraceEnd end_;
  std::vector<std::byte> unwritten_;
  std::uint64_t progress_due_ns_ = 0;
  bool open_ = true;
};

int fail(const std::string& what) {
  std::cerr << "scx-slo: " << what << '\n';
  return exit_failure;
}

int report(const Options& options, const Recorded& recorded) {
  const bool early = recorded.end.reason == SLO_TRACE_END_DAEMON;
  const std::string text = options.json ? recorded_json(recorded) : recorded_text(recorded);
  if (options.file == "-")
    std::cerr << text;
  else if (const int code = print(text, exit_ok); code != exit_ok)
    return code;
  return early ? fail("the recording ended early; see: systemctl status scx-slo") : exit_ok;
}

}  // namespace

Answer<int> record(const Options& options) {
  if (const auto checked = TraceFile::check(options.file, options.force); !checked)
    return fail(checked.error().message());
  auto pipe = [&options]() -> Answer<Fd> {
    const auto daemon = DaemonProxy::connect();
    if (!daemon) return std::unexpected(daemon.error());
    return daemon->record(options.units, options.for_usec.value());
  }();
  if (!pipe) return std::unexpected(pipe.error());
  auto file = TraceFile::open(options.file, options.force);
  if (!file) return fail(file.error().message());

  Transfer transfer(*std::move(pipe), *std::move(file));
  const auto done = transfer.run();
  transfer.end_progress();
  if (!done) return fail(done.error().message());
  const auto recorded = transfer.recorded(options.file);
  return recorded ? report(options, *recorded)
                  : fail("the daemon sent no trace; see: systemctl status scx-slo");
}

}  // namespace slo::client
