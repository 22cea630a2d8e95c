// SPDX-License-Identifier: GPL-2.0-only
#include "trace/format.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace slo {
namespace {

// The file has the kernel's records as they are. Where this does not hold they would have to be converted.
static_assert(std::endian::native == std::endian::little, "a trace is little-endian");

constexpr std::string_view magic{SLO_TRACE_MAGIC, sizeof(slo_trace_header::magic)};

template <std::size_t size>
void put_text(char (&field)[size], std::string_view text) {
  text.copy(field, size - 1);
}

template <std::size_t size>
std::string take_text(const char (&field)[size]) {
  return {field, strnlen(field, size)};
}

template <class T>
void append(std::vector<std::byte>& bytes, const T& part) {
  const auto raw = std::as_bytes(std::span(&part, 1));
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

template <class T>
T copy_of(std::span<const std::byte> bytes) {
  T part{};
  std::memcpy(&part, bytes.data(), sizeof(part));
  return part;
}

Error unreadable(std::string why) {
  return {.tried = "read the trace", .advice = std::move(why)};
}

Result<slo_trace_header> checked_header(std::span<const std::byte> bytes) {
  const auto header = copy_of<slo_trace_header>(bytes);
  if (header.version != SLO_TRACE_VERSION)
    return std::unexpected(unreadable("it is of version " + std::to_string(header.version) +
                                      ", and this scx-slo reads version " +
                                      std::to_string(SLO_TRACE_VERSION)));
  const bool sizes_fit = header.header_size == sizeof(slo_trace_header) &&
                         header.unit_size == sizeof(slo_trace_unit) &&
                         header.record_size == sizeof(slo_trace_record);
  if (!sizes_fit || header.clock != SLO_TRACE_CLOCK_MONOTONIC || header.units == 0 ||
      header.units > SLO_TRACE_UNITS_MAX)
    return std::unexpected(unreadable("its header is damaged"));
  return header;
}

TraceUnit decode_unit(const slo_trace_unit& unit) {
  return {.name = take_text(unit.name),
          .cgroup_id = unit.cgroup_id,
          .budget_ns = unit.budget_ns,
          .max_exec_ns = unit.max_exec_ns,
          .bounds_response = unit.metric == SLO_TRACE_METRIC_RESPONSE};
}

}  // namespace

std::vector<std::byte> encode_header(const TraceInfo& info) {
  std::vector<std::byte> bytes;
  slo_trace_header header{};
  magic.copy(header.magic, sizeof(header.magic));
  header.version = SLO_TRACE_VERSION;
  header.header_size = sizeof(slo_trace_header);
  header.unit_size = sizeof(slo_trace_unit);
  header.record_size = sizeof(slo_trace_record);
  header.units = static_cast<slo_u32>(info.units.size());
  header.cpus = info.cpus;
  header.clock = SLO_TRACE_CLOCK_MONOTONIC;
  header.start_ns = info.start_ns;
  header.start_realtime_ns = info.start_realtime_ns;
  header.planned_ns = info.planned_ns;
  put_text(header.state, info.state);
  put_text(header.kernel, info.kernel);
  append(bytes, header);
  for (const TraceUnit& chosen : info.units) {
    slo_trace_unit unit{};
    put_text(unit.name, chosen.name);
    unit.cgroup_id = chosen.cgroup_id;
    unit.budget_ns = chosen.budget_ns;
    unit.max_exec_ns = chosen.max_exec_ns;
    unit.metric = chosen.bounds_response ? SLO_TRACE_METRIC_RESPONSE : SLO_TRACE_METRIC_WAIT;
    append(bytes, unit);
  }
  return bytes;
}

slo_trace_end encode_end(const TraceEnd& end) {
  return {.time_ns = end.time_ns,
          .reason = end.reason,
          .cpu = SLO_TRACE_NO_CPU,
          .unit = SLO_TRACE_NO_UNIT,
          .kind = SLO_TRACE_END,
          .records = end.records,
          .lost = end.lost};
}

slo_trace_record lost_record(std::uint64_t time_ns, std::uint32_t count) {
  return {.time_ns = time_ns,
          .tid = count,
          .cpu = SLO_TRACE_NO_CPU,
          .unit = SLO_TRACE_NO_UNIT,
          .kind = SLO_TRACE_LOST};
}

std::string_view kind_name(std::uint32_t kind) {
  switch (kind) {
    case SLO_TRACE_WAKE:
      return "wake";
    case SLO_TRACE_FORK:
      return "fork";
    case SLO_TRACE_RUN:
      return "run";
    case SLO_TRACE_STOP:
      return "stop";
    case SLO_TRACE_SLEEP:
      return "sleep";
    case SLO_TRACE_EXIT:
      return "exit";
    case SLO_TRACE_LOST:
      return "lost";
    default:
      return "unknown";
  }
}

Result<void> TraceReader::feed(std::span<const std::byte> piece, const Take& take) {
  if (failed_) return std::unexpected(*failed_);
  if (!rest_.empty()) {
    rest_.insert(rest_.end(), piece.begin(), piece.end());
    piece = rest_;
  }
  for (;;) {
    const auto read = read_next(piece, take);
    if (!read) {
      failed_ = read.error();
      return std::unexpected(*failed_);
    }
    if (*read == 0) break;
    offset_ += *read;
    piece = piece.subspan(*read);
  }
  rest_ = std::vector<std::byte>(piece.begin(), piece.end());
  return {};
}

// The bytes that were used; 0: more are needed.
Result<std::size_t> TraceReader::read_next(std::span<const std::byte> bytes, const Take& take) {
  if (!info_) return read_header(bytes);
  if (!end_) return read_record(bytes, take);
  if (!bytes.empty()) return std::unexpected(unreadable("it goes on after its end"));
  return 0;
}

Result<std::size_t> TraceReader::read_header(std::span<const std::byte> bytes) {
  const std::size_t seen = std::min(bytes.size(), magic.size());
  if (seen > 0 && std::memcmp(bytes.data(), magic.data(), seen) != 0)
    return std::unexpected(unreadable("it is none: scx-slo record writes them"));
  if (bytes.size() < sizeof(slo_trace_header)) return 0;
  const auto header = checked_header(bytes);
  if (!header) return std::unexpected(header.error());
  const std::size_t size = sizeof(slo_trace_header) + header->units * sizeof(slo_trace_unit);
  if (bytes.size() < size) return 0;

  TraceInfo info{.cpus = header->cpus,
                 .start_ns = header->start_ns,
                 .start_realtime_ns = header->start_realtime_ns,
                 .planned_ns = header->planned_ns,
                 .state = take_text(header->state),
                 .kernel = take_text(header->kernel)};
  for (std::size_t at = sizeof(slo_trace_header); at < size; at += sizeof(slo_trace_unit))
    info.units.push_back(decode_unit(copy_of<slo_trace_unit>(bytes.subspan(at))));
  last_ns_ = info.start_ns;
  info_ = std::move(info);
  return size;
}

Result<std::size_t> TraceReader::read_record(std::span<const std::byte> bytes, const Take& take) {
  if (bytes.size() < sizeof(slo_trace_record)) return 0;
  const auto record = copy_of<slo_trace_record>(bytes);
  if (record.kind == SLO_TRACE_END) {
    if (bytes.size() < sizeof(slo_trace_end)) return 0;
    const auto end = copy_of<slo_trace_end>(bytes);
    end_ = TraceEnd{.time_ns = end.time_ns, .reason = end.reason, .records = end.records, .lost = end.lost};
    return sizeof(slo_trace_end);
  }
  const bool is_lost = record.kind == SLO_TRACE_LOST;
  const std::uint32_t kind = kind_of(record);
  const bool is_event =
      kind >= SLO_TRACE_WAKE && kind <= SLO_TRACE_EXIT && info_ && record.unit < info_->units.size();
  if (!is_lost && !is_event)
    return std::unexpected(unreadable("it is damaged at byte " + std::to_string(offset_)));
  if (is_lost) {
    lost_ += record.tid;
  } else {
    ++records_;
  }
  last_ns_ = std::max<std::uint64_t>(last_ns_, record.time_ns);
  take(record);
  return sizeof(slo_trace_record);
}

}  // namespace slo
