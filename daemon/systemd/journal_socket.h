// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"

namespace slo {

// Fields of one entry of the journal, in their order; a name may be there more than once.
using JournalFields = std::vector<std::pair<std::string_view, std::string>>;

// An entry as journald reads it: systemd's "Native Journal Protocol". A value with a newline is written with
// its length, so no value can end its field, or begin another one.
[[nodiscard]] std::string to_native(const JournalFields& fields);

// Entries for journald, without ever waiting for it: where sd_journal_send() would wait until journald has
// read what others sent, an entry is lost here, and counted. One thread.
class JournalSocket {
 public:
  static constexpr const char* standard_path = "/run/systemd/journal/socket";

  explicit JournalSocket(std::string path = standard_path);

  // Whether it was taken. Entries that are too large for a datagram go by a sealed file in memory.
  bool send(const JournalFields& fields);
  // Entries that were not taken.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  [[nodiscard]] bool send_bytes(const std::string& entry) const;
  [[nodiscard]] bool send_file(const std::string& entry) const;

  std::string path_;
  Fd socket_;
  std::uint64_t lost_ = 0;
};

}  // namespace slo
