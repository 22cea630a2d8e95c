// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audience.h"
#include "systemd/journal_socket.h"

namespace slo {

// MESSAGE_ID= of the entries an operator may want to look for: journalctl MESSAGE_ID=...
inline constexpr std::string_view message_id_state = "7a8617e2351d44659546d2c395cfccdf";
inline constexpr std::string_view message_id_config_problem = "5aea7506077d420c824cbf5834319cd5";
inline constexpr std::string_view message_id_scheduler_ended = "3e6c8403b1104f5882254ba6f4bb0a46";
inline constexpr std::string_view message_id_scheduler_renewed = "caf03ef714634756a9aafc4cc2c9dfce";
inline constexpr std::string_view message_id_deadline_missed = "72fe01858de543c4a43dc91a73671b95";
inline constexpr std::string_view message_id_shed = "d2c6a0f5f0f14be19d0c5d1f1d3f8a57";
inline constexpr std::string_view message_id_leans = "f28347e2ae814ad3a107e0dc9a0a0e2e";
inline constexpr std::string_view message_id_unkept = "ed444392103142f4ba4d37e49b44c79f";
inline constexpr std::string_view message_id_pending = "5121690bac634ed2a1b6b767d480dc10";
inline constexpr std::string_view message_id_requirement = "50773fe923a7420f8bffee7e0889123c";

// syslog(3)
enum class Priority : std::uint8_t { critical = 2, error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

// Entries of the daemon; what the journal did not take is told once it takes something again.
class JournalWriter {
 public:
  explicit JournalWriter(std::string path = JournalSocket::standard_path) : socket_(std::move(path)) {}

  // Fields without a value are left out.
  void write(Priority priority, const std::string& message, const JournalFields& fields = {});
  [[nodiscard]] std::uint64_t lost() const { return socket_.lost(); }

 private:
  JournalSocket socket_;
  std::uint64_t told_lost_ = 0;
};

// Where the daemon's words go: the journal with structured fields when stderr is connected to it, else
// stderr. Also becomes spdlog's default logger. One per process; single-threaded.
class Journal final : public Audience {
 public:
  // Level: trace, debug, info, warning, error, critical or off.
  explicit Journal(const std::string& level);

  void state_changed(State state, const std::string& reason) override;
  void config_problem(const ConfigProblem& problem) override;
  void scheduler_ended(const SchedulerExit& exit) override;
  void scheduler_renewed(std::uint64_t gap_ns) override;
  void deadline_missed(const MissReport& report) override;
  void shed_changed(const ShedChange& change) override;
  void leans(const Leaner& leaner) override;
  void unkept_changed(const std::vector<UnkeptSetting>& news) override;
  void pending_changed(const PendingNews& news) override;
  void failed(const Error& error) override;

  // One sentence of missing_requirements().
  void requirement_missing(const std::string& sentence);

  // Where the words go, as org.freedesktop.LogControl1 calls it.
  [[nodiscard]] std::string target() const { return writer_ ? "journal" : "console"; }
  // Lines that the journal did not take, as it had no room for more.
  [[nodiscard]] std::uint64_t lost() const { return writer_ ? writer_->lost() : 0; }

 private:
  void write(Priority priority, const std::string& message, const JournalFields& fields) const;
  void forget_old_misses(std::uint64_t now_ns);

  // The bus has every report; the journal is to stay readable.
  struct Misses {
    std::uint64_t written_ns = 0;  // CLOCK_MONOTONIC of the last line; 0: none yet
    std::uint64_t held_back = 0;   // since then
  };

  std::shared_ptr<JournalWriter> writer_;              // nullptr: stderr
  std::map<std::string, Misses, std::less<>> misses_;  // by unit
  std::optional<State> last_state_;
};

}  // namespace slo
