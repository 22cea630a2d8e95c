// SPDX-License-Identifier: GPL-2.0-only
#include "settings/unit_files.h"

#include <utility>

namespace slo {
namespace {

bool says_nothing(const UnitFile& file) {
  return !file.has_settings && !file.slice && file.problems.empty();
}

}  // namespace

UnitFiles::UnitFiles(std::function<Instant()> now, Read read, std::size_t most_files)
    : now_(std::move(now)), read_(std::move(read)), most_files_(most_files) {}

UnitFileSettings UnitFiles::read(std::span<const std::string> files) {
  UnitFileSettings settings;
  for (const auto& path : files) {
    if (const auto said = file(path)) add_unit_file(*said, settings);
  }
  return settings;
}

bool UnitFiles::has_settings(const std::string& path) {
  const auto said = file(path);
  return said && said->has_settings;
}

void UnitFiles::forget_unnamed() {
  std::erase_if(known_, [](auto& known) { return !std::exchange(known.second.named, false); });
}

std::optional<FileStamp> UnitFiles::stamp(const std::string& path) {
  const auto at = known_.find(path);
  if (at != known_.end() && look_ != no_look && at->second.look == look_) return at->second.stamp;
  auto stamp = stamp_of(path);
  if (at != known_.end() && stamp == at->second.stamp) at->second.look = look_;
  return stamp;
}

// The stamp is from before the content: what is written in between shows as another one the next time.
std::shared_ptr<const UnitFile> UnitFiles::file(const std::string& path) {
  const auto stamp = this->stamp(path);
  const auto at = known_.find(path);
  if (at != known_.end() && stamp && at->second.stamp == *stamp) {
    at->second.named = true;
    return at->second.file;
  }
  if (at != known_.end()) known_.erase(at);
  const bool settled = stamp && is_settled(*stamp, now_().realtime_ns);
  auto read = std::make_shared<const UnitFile>(read_(path));
  const bool keep = settled && read->readable;
  if (says_nothing(*read)) read = nullptr;
  if (known_.size() >= most_files_) known_.clear();
  if (keep) known_.emplace(path, Known{.stamp = *stamp, .file = read, .named = true, .look = look_});
  return read;
}

FileQuestions as_known(UnitFiles& files) {
  return {.has_settings = [&files](const std::string& file) { return files.has_settings(file); },
          .stamp_of = [&files](const std::string& file) { return files.stamp(file); }};
}

}  // namespace slo
