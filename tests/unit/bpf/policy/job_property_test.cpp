// SPDX-License-Identifier: GPL-2.0-only
// What holds for every sequence of events, legal or not, by generated ones: thousands, the same in each run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <ostream>
#include <random>
#include <span>
#include <vector>

#include "bpf/policy/job.h"

// Found by argument-dependent lookup, so beside the structs.
static bool operator==(const slo_job_end& a, const slo_job_end& b) {
  return a.wait_ns == b.wait_ns && a.first_wait_ns == b.first_wait_ns && a.exec_ns == b.exec_ns &&
         a.response_ns == b.response_ns;
}

static std::ostream& operator<<(std::ostream& out, const slo_job_end& end) {
  return out << "wait " << end.wait_ns << " (first " << end.first_wait_ns << ") exec " << end.exec_ns
             << " response " << end.response_ns;
}

namespace {

using Random = std::mt19937_64;

// kForget: the task left for a real-time class or came back.
enum class Kind : std::uint8_t { kWakes, kRuns, kStops, kSleeps, kForget };

struct Event {
  Kind kind;
  slo_u64 at_ns;
};

using Events = std::vector<Event>;
using Ends = std::vector<slo_job_end>;

slo_u64 below(Random& random, slo_u64 limit) {
  return random() % limit;
}

std::optional<slo_job_end> feed(slo_job& job, const Event& event) {
  slo_job_end end{};
  switch (event.kind) {
    case Kind::kWakes:
      slo_job_wakes(&job, event.at_ns);
      break;
    case Kind::kRuns:
      slo_job_runs(&job, event.at_ns);
      break;
    case Kind::kStops:
      slo_job_stops(&job, event.at_ns);
      break;
    case Kind::kForget:
      slo_job_reset(&job);
      break;
    case Kind::kSleeps:
      if (slo_job_sleeps(&job, event.at_ns, &end) == 1) return end;
      break;
  }
  return std::nullopt;
}

Ends jobs_of(std::span<const Event> events) {
  slo_job job{};
  Ends ends;
  for (const auto& event : events)
    if (const auto end = feed(job, event)) ends.push_back(*end);
  return ends;
}

// The definitions, word by word, for legal sequences: what lies between two events of a job is execution
// after it got a CPU, else wait; what comes before the first run is its first wait.
slo_job_end defined(std::span<const Event> events_of_one_job) {
  slo_job_end end{};
  bool has_run = false;
  for (std::size_t i = 0; i + 1 < events_of_one_job.size(); ++i) {
    const auto span_ns = events_of_one_job[i + 1].at_ns - events_of_one_job[i].at_ns;
    const bool runs = events_of_one_job[i].kind == Kind::kRuns;
    has_run = has_run || runs;
    (runs ? end.exec_ns : end.wait_ns) += span_ns;
    if (!has_run) end.first_wait_ns += span_ns;
  }
  end.response_ns = events_of_one_job.back().at_ns - events_of_one_job.front().at_ns;
  return end;
}

Ends defined_jobs_of(std::span<const Event> events) {
  Ends ends;
  auto begin = events.begin();
  for (auto it = events.begin(); it != events.end(); ++it) {
    if (it->kind == Kind::kForget) begin = it + 1;
    if (it->kind != Kind::kSleeps) continue;
    ends.push_back(defined({begin, it + 1}));
    begin = it + 1;
  }
  return ends;
}

// A task as the kernel moves it: jobs of runs and waits with sleeps between them. Some begin without a wakeup
// (the task was running when it was first seen), some are taken off the queue and put back in mid-job (a
// change of properties), some end without another run, and some are forgotten half-way.
class Task {
 public:
  explicit Task(slo_u64 seed) : random_(seed), now_ns_(below(random_, 1'000'000'000)) {}

  Events live(int jobs) {
    for (int i = 0; i < jobs; ++i) {
      begin_job();
      if (below(random_, 10) == 0)
        events_.push_back({Kind::kForget, now_ns_});
      else
        happens(Kind::kSleeps);
      pass();
    }
    return events_;
  }

 private:
  void pass() { now_ns_ += below(random_, 4) == 0 ? 0 : below(random_, 20'000'000); }

  void happens(Kind kind) {
    pass();
    events_.push_back({kind, now_ns_});
  }

  void begin_job() {
    if (below(random_, 10) != 0) happens(Kind::kWakes);
    if (!events_.empty() && events_.back().kind == Kind::kWakes && below(random_, 20) == 0) return;
    happens(Kind::kRuns);
    for (auto preemptions = below(random_, 4); preemptions > 0; --preemptions) {
      happens(Kind::kStops);
      if (below(random_, 4) == 0) happens(Kind::kWakes);
      happens(Kind::kRuns);
    }
    if (below(random_, 3) == 0) happens(Kind::kStops);  // as the scheduler's callbacks tell a sleep
  }

  Random random_;
  slo_u64 now_ns_;
  Events events_;
};

constexpr slo_u64 nr_tasks = 4000;
constexpr int jobs_each = 8;

Events legal(slo_u64 seed) {
  return Task(seed).live(jobs_each);
}

TEST(JobProperty, LegalSequencesAreCountedAsTheDefinitionsSay) {
  std::size_t jobs = 0;
  for (slo_u64 seed = 0; seed < nr_tasks; ++seed) {
    const auto events = legal(seed);
    const auto ends = jobs_of(events);
    ASSERT_EQ(ends, defined_jobs_of(events)) << "seed " << seed;
    jobs += ends.size();
  }
  EXPECT_GT(jobs, nr_tasks * jobs_each / 2);
}

TEST(JobProperty, AllRunnableTimeIsTheWaitOrTheExecutionOfOneJob) {
  for (slo_u64 seed = 0; seed < nr_tasks; ++seed) {
    auto events = legal(seed);
    for (auto& event : events)
      if (event.kind == Kind::kForget) event.kind = Kind::kSleeps;
    slo_u64 runnable_ns = 0;
    slo_u64 running_ns = 0;
    for (std::size_t i = 0; i + 1 < events.size(); ++i) {
      const auto span_ns = events[i + 1].at_ns - events[i].at_ns;
      runnable_ns += events[i].kind == Kind::kSleeps ? 0 : span_ns;
      running_ns += events[i].kind == Kind::kRuns ? span_ns : 0;
    }
    slo_u64 response_ns = 0;
    slo_u64 exec_ns = 0;
    slo_u64 wait_ns = 0;
    for (const auto& end : jobs_of(events)) {
      response_ns += end.response_ns;
      exec_ns += end.exec_ns;
      wait_ns += end.wait_ns;
    }
    ASSERT_EQ(response_ns, runnable_ns) << "seed " << seed;
    ASSERT_EQ(exec_ns, running_ns) << "seed " << seed;
    ASSERT_EQ(wait_ns, runnable_ns - running_ns) << "seed " << seed;
  }
}

TEST(JobProperty, WhatIsToldTwiceCountsOnce) {
  for (slo_u64 seed = 0; seed < nr_tasks; ++seed) {
    const auto events = legal(seed);
    Random random(seed);
    Events repeated;
    for (std::size_t i = 0; i < events.size(); ++i) {
      repeated.push_back(events[i]);
      if (events[i].kind == Kind::kForget || i + 1 == events.size()) continue;
      const auto until_next_ns = events[i + 1].at_ns - events[i].at_ns;
      if (below(random, 2) == 0)
        repeated.push_back({events[i].kind, events[i].at_ns + below(random, until_next_ns + 1)});
    }
    ASSERT_EQ(jobs_of(repeated), jobs_of(events)) << "seed " << seed;
  }
}

TEST(JobProperty, OnlyDifferencesOfTimesMatterAlsoWhereTheClockWraps) {
  for (slo_u64 seed = 0; seed < nr_tasks; ++seed) {
    const auto events = legal(seed);
    auto shifted = events;
    for (auto& event : shifted) event.at_ns += UINT64_MAX - events.front().at_ns - 30'000'000;
    ASSERT_EQ(jobs_of(shifted), jobs_of(events)) << "seed " << seed;
  }
}

slo_u64 apart(slo_u64 a, slo_u64 b) {
  return std::max(a, b) - std::min(a, b);
}

TEST(JobProperty, ClocksOfCpusThatDifferShiftNoTimeByMoreThanTheyDifferAtEachEvent) {
  constexpr slo_u64 skew_ns = 50'000;
  for (slo_u64 seed = 0; seed < nr_tasks; ++seed) {
    const auto events = legal(seed);
    auto skewed = events;
    Random random(seed);
    for (auto& event : skewed) event.at_ns += below(random, skew_ns + 1);
    const auto truth = jobs_of(events);
    const auto seen = jobs_of(skewed);
    ASSERT_EQ(seen.size(), truth.size());
    const slo_u64 bound_ns = skew_ns * events.size();
    for (std::size_t i = 0; i < truth.size(); ++i) {
      ASSERT_LE(apart(seen[i].wait_ns, truth[i].wait_ns), bound_ns) << "seed " << seed;
      ASSERT_LE(apart(seen[i].exec_ns, truth[i].exec_ns), bound_ns) << "seed " << seed;
      ASSERT_LE(apart(seen[i].first_wait_ns, truth[i].first_wait_ns), bound_ns) << "seed " << seed;
    }
  }
}

// Any event at any time, on a clock that now and then steps back.
Events illegal(slo_u64 seed) {
  Random random(seed);
  Events events;
  slo_u64 now_ns = 1'000'000 + below(random, 1'000'000);
  for (int i = 0; i < 60; ++i) {
    now_ns += below(random, 5'000);
    if (below(random, 5) == 0) now_ns -= below(random, 5'000);
    const auto draw = below(random, 13);
    events.push_back({draw == 12 ? Kind::kForget : static_cast<Kind>(draw % 4), now_ns});
  }
  return events;
}

bool is_clear(const slo_job& job) {
  return job.state == SLO_JOB_NONE && job.has_run == 0 && job.wake_ns == 0 && job.since_ns == 0 &&
         job.wait_ns == 0 && job.exec_ns == 0 && job.first_wait_ns == 0;
}

TEST(JobProperty, NoSequenceMakesATimeThatTheClockDidNotShow) {
  for (slo_u64 seed = 0; seed < 20'000; ++seed) {
    slo_job job{};
    slo_u64 forward_ns = 0;  // all steps of the clock ahead since the job began
    slo_u64 last_ns = 0;
    for (const auto& event : illegal(seed)) {
      const bool had_job = job.state != SLO_JOB_NONE;
      forward_ns = had_job ? forward_ns + slo_elapsed_ns(last_ns, event.at_ns) : 0;
      last_ns = event.at_ns;
      const auto end = feed(job, event);
      ASSERT_LE(job.state, SLO_JOB_RUNNING);
      ASSERT_LE(job.wait_ns + job.exec_ns, forward_ns) << "seed " << seed;
      ASSERT_GE(slo_job_exec_ns(&job, event.at_ns), job.exec_ns);
      ASSERT_TRUE(is_clear(job) || (event.kind != Kind::kSleeps && event.kind != Kind::kForget));
      ASSERT_EQ(end.has_value(), had_job && event.kind == Kind::kSleeps) << "seed " << seed;
      if (!end) continue;
      ASSERT_EQ(end->wait_ns + end->exec_ns, end->response_ns) << "seed " << seed;
      ASSERT_LE(end->first_wait_ns, end->wait_ns) << "seed " << seed;
      ASSERT_LE(end->response_ns, forward_ns) << "seed " << seed;
    }
  }
}

// Each cause by what would have saved the job: not having waited at all, or not having waited any more once
// it ran.
slo_u32 defined_cause(const slo_job_end& end, slo_u64 budget_ns, slo_u64 max_exec_ns, slo_u32 flags) {
  const bool bounds_response = (flags & SLO_CFG_RESPONSE) != 0;
  const auto misses = [&](slo_u64 wait_ns) {
    return wait_ns + (bounds_response ? end.exec_ns : 0) > budget_ns;
  };
  if (!misses(end.wait_ns)) return SLO_CAUSE_NONE;
  if (end.exec_ns > max_exec_ns) return SLO_CAUSE_OVERLONG;
  if (misses(0)) return SLO_CAUSE_OVERRUN;
  if ((flags & SLO_JOB_THROTTLED) != 0) return SLO_CAUSE_THROTTLED;
  return misses(end.first_wait_ns) ? SLO_CAUSE_LATE_START : SLO_CAUSE_PREEMPTED;
}

// Small numbers, all of them: every way in which a time can lie below, at or above another one.
TEST(JobProperty, ThereIsACauseExactlyWhenThereIsAMissAndItIsTheOneTheDefinitionsSay) {
  constexpr slo_u64 most = 5;
  std::vector<int> seen(SLO_CAUSES);
  for (slo_u64 wait_ns = 0; wait_ns <= most; ++wait_ns)
    for (slo_u64 first_wait_ns = 0; first_wait_ns <= wait_ns; ++first_wait_ns)
      for (slo_u64 exec_ns = 0; exec_ns <= most; ++exec_ns)
        for (slo_u64 budget_ns = 1; budget_ns <= most; ++budget_ns)
          for (slo_u64 max_exec_ns = 1; max_exec_ns <= most; ++max_exec_ns)
            for (const slo_u32 flags :
                 {0U, SLO_CFG_RESPONSE, SLO_JOB_THROTTLED, SLO_CFG_RESPONSE | SLO_JOB_THROTTLED}) {
              const slo_job_end end{wait_ns, first_wait_ns, exec_ns, wait_ns + exec_ns};
              const auto bounded_ns = (flags & SLO_CFG_RESPONSE) != 0 ? end.response_ns : wait_ns;
              const auto cause = slo_job_cause(&end, budget_ns, max_exec_ns, flags);
              const auto miss_ns = slo_job_miss_ns(&end, budget_ns, flags);
              ASSERT_EQ(cause, defined_cause(end, budget_ns, max_exec_ns, flags))
                  << "budget " << budget_ns << " max exec " << max_exec_ns << " flags " << flags << " "
                  << end;
              ASSERT_EQ(miss_ns, bounded_ns > budget_ns ? bounded_ns - budget_ns : 0);
              ASSERT_EQ(cause != SLO_CAUSE_NONE, miss_ns > 0);
              ++seen.at(cause);
            }
  for (slo_u32 cause = 0; cause < SLO_CAUSES; ++cause) EXPECT_GT(seen[cause], 0) << "cause " << cause;
}

}  // namespace
