// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "manager.h"

namespace slo::fakes {

// A directory of its own, removed at the end of the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "scx-slo-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // Writes a file below the directory, making the directories on the way; returns its full path.
  std::filesystem::path write(const std::filesystem::path& name, std::string_view content) const {
    const auto path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

 private:
  std::filesystem::path path_;
};

// Root may read everything, so the test runs as somebody else for a moment.
class AsNobody {
 public:
  AsNobody() {
    if (was_root_ && seteuid(65534) != 0) throw std::runtime_error("seteuid failed");
  }
  ~AsNobody() {
    if (was_root_ && seteuid(0) != 0) std::abort();
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  bool was_root_ = geteuid() == 0;
};

// A kernel that keeps what it is told and counts what the test says.
class Kernel final : public slo::Kernel {
 public:
  // Given by the test.
  std::map<std::uint32_t, slo_stats> counted;  // by slot
  std::optional<Error> attach_error;
  std::optional<Error> prepare_error;
  std::optional<Error> observe_error;
  std::map<std::uint64_t, int> refuse;  // cgroup id -> errno of apply
  std::optional<Error> servers_error;
  std::set<std::string> refuse_paths;  // by their last components
  std::optional<SchedulerExit> exit;   // the scheduler ends
  KernelCounters kernel_counters;
  std::vector<KeptLimit> limits;
  std::vector<slo_unkept_limit> unkept;
  std::map<std::uint64_t, Placed> made;  // by cgroup id
  std::vector<slo_spare> given;          // to a cgroup each, since they were asked for

  // Kept for the test.
  std::map<std::uint64_t, slo_cfg> cfgs;
  Servers servers;
  std::map<PathKey, slo_path> paths;
  std::vector<std::string> path_names;  // of those that it was told or had to forget, in order
  std::vector<slo_spare> spares;
  std::vector<std::string> looks_again;  // control groups
  std::optional<slo_tunables> tunables;
  bool attach_drops = false;  // an attach() that fails has dropped what ran
  int attaches = 0;
  int prepares = 0;
  int observes = 0;
  int detaches = 0;
  int applies = 0;
  int server_changes = 0;
  int path_changes = 0;

  [[nodiscard]] Result<void> attach(const Hurrying& hurrying) override {
    ++attaches;
    hurrying(true);
    hurrying(false);
    prepared_ = false;
    if (attach_error) {
      if (attach_drops) driver_ = Driver::none;
      return std::unexpected(*attach_error);
    }
    outdated_ = false;
    driver_ = Driver::scheduler;
    exit.reset();
    return {};
  }
  [[nodiscard]] Result<void> prepare() override {
    ++prepares;
    if (prepare_error) return std::unexpected(*prepare_error);
    prepared_ = true;
    return {};
  }
  [[nodiscard]] bool prepared() const override { return prepared_; }
  [[nodiscard]] Result<void> observe() override {
    ++observes;
    if (observe_error) return std::unexpected(*observe_error);
    prepared_ = false;
    outdated_ = false;
    driver_ = Driver::observer;
    return {};
  }
  void detach() override {
    ++detaches;
    prepared_ = false;
    outdated_ = false;
    driver_ = Driver::none;
  }
  [[nodiscard]] Driver driver() const override {
    return driver_ == Driver::scheduler && exit ? Driver::none : driver_;
  }
  [[nodiscard]] std::optional<SchedulerExit> exit_record() const override { return exit; }
  [[nodiscard]] Result<void> apply(const CfgChange& change) override {
    ++applies;
    if (const auto refused = refuse.find(change.cgroup_id); refused != refuse.end()) {
      return std::unexpected(Error{.tried = "set the budget of cgroup",
                                   .subject = std::to_string(change.cgroup_id),
                                   .errno_value = refused->second,
                                   .advice = ""});
    }
    if (change.cfg) {
      cfgs.insert_or_assign(change.cgroup_id, *change.cfg);
    } else {
      cfgs.erase(change.cgroup_id);
    }
    return {};
  }
  [[nodiscard]] Result<void> set_servers(const Servers& set) override {
    ++server_changes;
    if (servers_error) return std::unexpected(*servers_error);
    servers = set;
    return {};
  }
  [[nodiscard]] Result<void> set_paths(PathChanges& changes) override {
    ++path_changes;
    std::erase_if(changes.changes, [this](const PathChange& change) {
      if (refuse_paths.contains(change.key.name)) return false;
      path_names.push_back(change.key.name);
      if (change.path) {
        paths.insert_or_assign(change.key, *change.path);
      } else {
        paths.erase(change.key);
      }
      return true;
    });
    if (!changes.changes.empty())
      return std::unexpected(Error{.tried = "set the path", .subject = changes.changes[0].key.name});
    looks_again.insert(looks_again.end(), changes.look_again.begin(), changes.look_again.end());
    changes.look_again.clear();
    return {};
  }
  [[nodiscard]] std::optional<Placed> placed(std::uint64_t cgroup_id) const override {
    const auto at = made.find(cgroup_id);
    return at == made.end() ? std::nullopt : std::optional(at->second);
  }
  [[nodiscard]] std::size_t spares_wanted() const override {
    return spares.size() < 2 ? 2 - spares.size() : 0;
  }
  void offer(const slo_spare& spare) override { spares.push_back(spare); }
  [[nodiscard]] std::vector<slo_spare> take_spares() override { return std::exchange(given, {}); }
  void set_tunables(const slo_tunables& set) override {
    prepared_ = false;
    outdated_ = driver() != Driver::none;
    tunables = set;
  }
  [[nodiscard]] bool outdated() const override { return outdated_; }
  [[nodiscard]] slo_stats read_stats(std::uint32_t slot) const override {
    const auto at = counted.find(slot);
    return at == counted.end() ? slo_stats{} : at->second;
  }
  [[nodiscard]] LoadCounters read_load(std::uint32_t slot) const override {
    const slo_stats stats = read_stats(slot);
    return {
        .jobs = stats.jobs,
        .lost_jobs = stats.misses_by_cause[SLO_CAUSE_LATE_START] + stats.misses_by_cause[SLO_CAUSE_PREEMPTED],
        .renewals = stats.renewals,
        .key_exec_ns = stats.key_exec_ns};
  }
  void clear_stats(std::uint32_t slot) override { counted.erase(slot); }
  [[nodiscard]] KernelCounters counters() const override { return kernel_counters; }
  [[nodiscard]] std::vector<KeptLimit> read_limits() const override { return limits; }
  [[nodiscard]] std::vector<slo_unkept_limit> read_unkept_limits() const override { return unkept; }

 private:
  bool prepared_ = false;
  bool outdated_ = false;
  Driver driver_ = Driver::none;
};

// A kernel that records what the test says.
class Recorder {
 public:
  // Given by the test.
  std::optional<Error> load_error;
  std::optional<Error> start_error;
  std::deque<slo_trace_record> waiting;
  std::uint64_t lost = 0;

  // Kept for the test.
  std::map<std::uint64_t, std::uint32_t> units;  // by cgroup id
  bool loaded = false;
  bool recording = false;

  [[nodiscard]] Result<std::unique_ptr<TraceSource>> load() {
    if (load_error) return std::unexpected(*load_error);
    loaded = true;
    return std::make_unique<Source>(*this);
  }

 private:
  class Source final : public TraceSource {
   public:
    explicit Source(Recorder& recorder) : recorder_(recorder) {}
    ~Source() override { recorder_.loaded = recorder_.recording = false; }
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;

    [[nodiscard]] Result<void> follow(std::uint64_t cgroup_id, std::uint32_t unit) override {
      recorder_.units[cgroup_id] = unit;
      return {};
    }
    void forget(std::uint64_t cgroup_id) override { recorder_.units.erase(cgroup_id); }
    [[nodiscard]] Result<void> start() override {
      if (recorder_.start_error) return std::unexpected(*recorder_.start_error);
      recorder_.recording = true;
      return {};
    }
    [[nodiscard]] std::size_t take(std::span<slo_trace_record> room) override {
      std::size_t taken = 0;
      for (; taken < room.size() && !recorder_.waiting.empty(); ++taken) {
        room[taken] = recorder_.waiting.front();
        recorder_.waiting.pop_front();
      }
      return taken;
    }
    [[nodiscard]] std::uint64_t lost() const override { return recorder_.lost; }
    void stop() override { recorder_.recording = false; }

   private:
    Recorder& recorder_;
  };
};

// Counts requests; the test answers them by Manager::units_listed.
class Source final : public UnitSource {
 public:
  int requests = 0;
  void request_list() override { ++requests; }
};

// Remembers what it was told.
class Listener final : public Audience {
 public:
  std::vector<std::pair<State, std::string>> states;
  std::vector<std::string> problems;
  std::vector<SchedulerExit> exits;
  std::vector<std::uint64_t> gaps_ns;  // of renewals
  std::vector<MissReport> misses;
  std::vector<std::string> failures;
  std::vector<ShedChange> sheds;
  std::vector<Leaner> leaners;
  std::vector<std::string> unkept;  // sentences
  int unkept_changes = 0;
  std::vector<std::string> pending;  // sentences
  int unit_changes = 0;
  NameSet changed_units;  // the last time

  void state_changed(State state, const std::string& reason) override { states.emplace_back(state, reason); }
  void units_changed(const NameSet& names) override {
    ++unit_changes;
    changed_units = names;
  }
  void config_problem(const ConfigProblem& problem) override { problems.push_back(problem.message()); }
  void shed_changed(const ShedChange& change) override { sheds.push_back(change); }
  void leans(const Leaner& leaner) override { leaners.push_back(leaner); }
  void unkept_changed(const std::vector<UnkeptSetting>& news) override {
    ++unkept_changes;
    for (const auto& setting : news) unkept.push_back(to_sentence(setting));
  }
  void pending_changed(const PendingNews& news) override { pending.push_back(to_sentence(news)); }
  void scheduler_ended(const SchedulerExit& ended) override { exits.push_back(ended); }
  void scheduler_renewed(std::uint64_t gap_ns) override { gaps_ns.push_back(gap_ns); }
  void deadline_missed(const MissReport& report) override { misses.push_back(report); }
  void failed(const Error& error) override { failures.push_back(error.message()); }
};

// Unit files in memory: each holds one budget, or "" for none, and maybe further settings. What is no budget
// is a problem of its file.
struct Files {
  std::map<std::string, std::string> budgets;
  std::map<std::string, SloSettings> further;
  std::multiset<std::string> reads;

  [[nodiscard]] Units::Reader reader() {
    return [this](std::span<const std::string> files) { return read(files); };
  }

  [[nodiscard]] UnitFileSettings read(std::span<const std::string> files) {
    UnitFileSettings result;
    for (const auto& file : files) {
      reads.insert(file);
      if (const auto more = further.find(file); more != further.end())
        result.settings = merge(more->second, result.settings);
      const auto at = budgets.find(file);
      if (at == budgets.end() || at->second.empty()) continue;
      const Origin origin{.file = file, .line = 2};
      if (const auto budget = Budget::parse(at->second)) {
        result.settings.budget = Setting<Budget>{.value = *budget, .origin = origin};
      } else {
        result.problems.push_back({.severity = ConfigProblem::Severity::error,
                                   .file = origin.file,
                                   .line = origin.line,
                                   .key = "SloBudget",
                                   .value = at->second,
                                   .detail = "accepted is " + budget.error()});
      }
    }
    return result;
  }
};

// A loaded unit in system.slice (or in `slice`) whose only file is /etc/<name>; id 0: not started.
inline UnitFact fact(const std::string& name, std::uint64_t cgroup_id,
                     const std::string& slice = "/system.slice") {
  return {.name = name,
          .control_group = cgroup_id == 0 ? "" : slice + "/" + name,
          .cgroup_id = cgroup_id,
          .files = {"/etc/" + name}};
}

}  // namespace slo::fakes
