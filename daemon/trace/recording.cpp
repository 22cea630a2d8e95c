// SPDX-License-Identifier: GPL-2.0-only
#include "trace/recording.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "units/units.h"

namespace slo {
namespace {

// 64 KiB: what a reader takes at a time, too.
constexpr std::size_t records_at_once = 4096;
// At most this much at a time, though a reader keep up with a kernel that never stops: other work waits.
constexpr std::size_t bytes_per_turn = 4UL * 1024 * 1024;
// After the end, for a reader that still has to take what waits.
constexpr std::uint64_t patience_ns = 10 * SLO_NSEC_PER_SEC;

void append(std::vector<std::byte>& out, std::span<const std::byte> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

std::uint64_t cgroup_of(const Units& units, const std::string& name) {
  const UnitFact* fact = units.fact(name);
  return fact == nullptr ? 0 : fact->cgroup_id;
}

}  // namespace

Recording::Recording(std::function<void(bool often)> tick_often) : tick_often_(std::move(tick_often)) {}

Result<Fd> Recording::begin(std::unique_ptr<TraceSource> source, const TraceInfo& info) {
  auto pipe = TracePipe::make();
  if (!pipe) return std::unexpected(pipe.error());
  std::vector<Chosen> chosen;
  for (const TraceUnit& unit : info.units) {
    const auto index = static_cast<std::uint32_t>(chosen.size());
    chosen.push_back({.unit = unit.name, .cgroup_id = unit.cgroup_id});
    if (unit.cgroup_id == 0) continue;
    if (auto followed = source->follow(unit.cgroup_id, index); !followed)
      return std::unexpected(followed.error());
  }
  if (auto started = source->start(); !started) return std::unexpected(started.error());
  run_.emplace(Run{.source = std::move(source),
                   .pipe = std::move(pipe->writer),
                   .units = std::move(chosen),
                   .end_ns = info.start_ns + info.planned_ns,
                   .out = encode_header(info)});
  static_cast<void>(flush(*run_));  // the header, so that a reader knows at once what it reads
  tick_often_(true);
  return std::move(pipe->reader);
}

void Recording::follow(const Units& units) {
  if (!run_ || run_->stopped_ns) return;
  for (std::uint32_t index = 0; index < run_->units.size(); ++index) {
    Chosen& chosen = run_->units[index];
    const std::uint64_t cgroup_id = cgroup_of(units, chosen.unit);
    if (cgroup_id == chosen.cgroup_id) continue;
    if (chosen.cgroup_id != 0) run_->source->forget(chosen.cgroup_id);
    chosen.cgroup_id = 0;
    // Refused only if it is gone already; then the next fact about the unit says so.
    if (cgroup_id != 0 && run_->source->follow(cgroup_id, index)) chosen.cgroup_id = cgroup_id;
  }
}

void Recording::forward(std::uint64_t now_ns) {
  if (!run_) return;
  Run& run = *run_;
  if (!run.stopped_ns && now_ns >= run.end_ns) {
    run.source->stop();
    run.stopped_ns = now_ns;
    pump(run, now_ns);
    return;  // a record that a CPU is still writing is there next time
  }
  pump(run, now_ns);
  if (run.stopped_ns && !run.complete && run.out.empty()) {
    add_end(run, *run.stopped_ns, SLO_TRACE_END_TIME);
    static_cast<void>(flush(run));
  }
  const bool delivered = run.complete && run.out.empty();
  if (delivered || run.pipe.reader_gone() || now_ns >= run.end_ns + patience_ns) drop();
}

void Recording::stop(std::uint64_t now_ns) {
  if (!run_) return;
  Run& run = *run_;
  run.source->stop();
  pump(run, now_ns);
  if (!run.complete) add_end(run, now_ns, SLO_TRACE_END_DAEMON);
  static_cast<void>(flush(run));
  drop();
}

// Until the pipe is full or nothing waits; then `out` is empty.
void Recording::pump(Run& run, std::uint64_t now_ns) {
  for (std::size_t moved = 0; moved < bytes_per_turn && flush(run);) {
    if (run.complete) return;
    refill(run, now_ns);
    if (run.out.empty()) return;
    moved += run.out.size();
  }
}

void Recording::refill(Run& run, std::uint64_t now_ns) {
  std::array<slo_trace_record, records_at_once> records;
  // Asked first: those that it counts came after all that waits now.
  const std::uint64_t lost = run.source->lost();
  const std::size_t taken = run.source->take(records);
  append(run.out, std::as_bytes(std::span(records).first(taken)));
  run.records += taken;
  if (taken == records.size() || lost <= run.lost) return;
  const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(lost - run.lost, UINT32_MAX));
  const slo_trace_record record = lost_record(now_ns, count);
  append(run.out, std::as_bytes(std::span(&record, 1)));
  run.lost += count;
}

void Recording::add_end(Run& run, std::uint64_t now_ns, std::uint32_t reason) {
  const slo_trace_end end = encode_end({.time_ns = now_ns,
                                        .reason = reason,
                                        .records = run.records,
                                        .lost = std::max(run.lost, run.source->lost())});
  append(run.out, std::as_bytes(std::span(&end, 1)));
  run.complete = true;
}

// Whether all of it is in the pipe.
bool Recording::flush(Run& run) {
  run.out_done += run.pipe.put(std::span(run.out).subspan(run.out_done));
  if (run.out_done < run.out.size()) return false;
  run.out.clear();
  run.out_done = 0;
  return true;
}

void Recording::drop() {
  tick_often_(false);
  run_.reset();
}

}  // namespace slo
