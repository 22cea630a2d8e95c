// SPDX-License-Identifier: GPL-2.0-only
#include "difference.h"

#include <algorithm>
#include <format>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "bpf/abi/slo_abi.h"

namespace slo::sim {
namespace {

using Places = std::vector<std::size_t>;  // in Replayed, in their order
using Key = std::tuple<LoggedKind, std::uint32_t, std::uint64_t>;

class Aligner {
 public:
  Aligner(const Replayed& replayed, bool by_cpu, std::vector<std::uint64_t>* apart_ns)
      : replayed_(replayed), by_cpu_(by_cpu), apart_ns_(apart_ns) {}

  Alignment align(std::uint32_t subject, const Places& kernel, const Places& model) {
    Alignment done{.is_of_cpu = by_cpu_, .subject = subject, .kernel = kernel.size()};
    std::size_t k = 0;
    std::size_t m = 0;
    while (k < kernel.size() || m < model.size()) {
      const auto [over_k, over_m] = to_next_like(kernel, k, model, m);
      if (over_k + over_m != 0 && done.is_equal()) {
        done.kernel_at = k < kernel.size() ? kernel[k] : SIZE_MAX;
        done.model_at = m < model.size() ? model[m] : SIZE_MAX;
      }
      done.only_kernel += over_k;
      done.only_model += over_m;
      k += over_k;
      m += over_m;
      if (k < kernel.size() && m < model.size())
        keep(replayed_.kernel[kernel[k++]], replayed_.model[model[m++]]);
    }
    return done;
  }

 private:
  [[nodiscard]] Key key_of(const LoggedEvent& event) const {
    return {event.kind, by_cpu_ ? event.tid : 0, event.value};
  }
  [[nodiscard]] bool are_alike(const Places& kernel, std::size_t k, const Places& model,
                               std::size_t m) const {
    return k < kernel.size() && m < model.size() &&
           key_of(replayed_.kernel[kernel[k]]) == key_of(replayed_.model[model[m]]);
  }

  // How many to pass over on either side, the fewest, until a few in a row are alike again.
  [[nodiscard]] std::pair<std::size_t, std::size_t> to_next_like(const Places& kernel, std::size_t k,
                                                                 const Places& model, std::size_t m) const {
    if (are_alike(kernel, k, model, m)) return {0, 0};
    constexpr std::size_t in_a_row = 3;
    constexpr std::size_t over_max = 300;
    const std::size_t left_k = kernel.size() - k;
    const std::size_t left_m = model.size() - m;
    for (std::size_t over = 1; over <= std::min(over_max, left_k + left_m); ++over)
      for (std::size_t over_k = 0; over_k <= std::min(over, left_k); ++over_k) {
        const std::size_t over_m = over - over_k;
        if (over_m > left_m) continue;
        std::size_t alike = 0;
        while (alike < in_a_row && are_alike(kernel, k + over_k + alike, model, m + over_m + alike)) ++alike;
        const bool at_end = k + over_k + alike == kernel.size() || m + over_m + alike == model.size();
        if (alike == in_a_row || (alike != 0 && at_end)) return {over_k, over_m};
      }
    return {left_k, left_m};
  }

  void keep(const LoggedEvent& kernel, const LoggedEvent& model) {
    if (apart_ns_ == nullptr) return;
    apart_ns_->push_back(std::max(kernel.time_ns, model.time_ns) - std::min(kernel.time_ns, model.time_ns));
  }

  const Replayed& replayed_;
  bool by_cpu_;
  std::vector<std::uint64_t>* apart_ns_;
};

std::vector<Alignment> align_all(const Replayed& replayed, bool by_cpu,
                                 std::vector<std::uint64_t>* apart_ns) {
  std::map<std::uint32_t, std::pair<Places, Places>> places;
  const auto sort = [&](const std::vector<LoggedEvent>& events, Places std::pair<Places, Places>::* side) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      const LoggedEvent& event = events[i];
      // What a CPU is asked, and its tick, are no matter of the task that runs there.
      const bool is_of_task = event.kind != LoggedKind::dispatch && event.kind != LoggedKind::update_idle &&
                              event.kind != LoggedKind::tick;
      if (by_cpu || (is_of_task && event.tid != 0))
        (places[by_cpu ? event.cpu : event.tid].*side).push_back(i);
    }
  };
  sort(replayed.kernel, &std::pair<Places, Places>::first);
  sort(replayed.model, &std::pair<Places, Places>::second);
  Aligner aligner(replayed, by_cpu, apart_ns);
  std::vector<Alignment> all;
  for (const auto& [subject, sides] : places)
    all.push_back(aligner.align(subject, sides.first, sides.second));
  return all;
}

std::string comm_of(const CallbackLog& log, std::uint32_t tid) {
  const auto found = std::ranges::find(log.tasks, tid, &LoggedTask::tid);
  return found != log.tasks.end() ? found->comm : "-";
}

std::string line_of(const CallbackLog& log, const LoggedEvent& event) {
  return std::format("{:12.6f} CPU {} {:11} {:2} {} ({})", static_cast<double>(event.time_ns) / 1e6,
                     event.cpu, name_of(event.kind), event.value, event.tid, comm_of(log, event.tid));
}

// What happened around an instant on one side.
std::string around(const CallbackLog& log, const std::vector<LoggedEvent>& events, std::uint64_t at_ns) {
  constexpr std::ptrdiff_t lines = 6;
  const auto at = std::ranges::lower_bound(events, at_ns, {}, &LoggedEvent::time_ns);
  std::string text;
  const auto from = at - std::min(lines, at - events.begin());
  const auto to = at + std::min(lines, events.end() - at);
  for (auto event = from; event != to; ++event)
    text += (event->time_ns >= at_ns ? "    > " : "      ") + line_of(log, *event) + "\n";
  return text;
}

std::optional<std::uint64_t> first_ns(const Replayed& replayed, const Alignment& one) {
  if (one.is_equal()) return {};
  std::uint64_t at_ns = UINT64_MAX;
  if (one.kernel_at != SIZE_MAX) at_ns = replayed.kernel[one.kernel_at].time_ns;
  if (one.model_at != SIZE_MAX) at_ns = std::min(at_ns, replayed.model[one.model_at].time_ns);
  return at_ns;
}

std::string summary(const CallbackLog& log, const Replayed& replayed, const Difference& difference) {
  const auto& apart = difference.apart_ns;
  const auto us = [&](double part) {
    if (apart.empty()) return 0.0;
    return static_cast<double>(
               apart[static_cast<std::size_t>(part * static_cast<double>(apart.size() - 1))]) /
           1e3;
  };
  return std::format(
      "kernel {}, {} CPUs: {} callbacks, {} in the model; in the same order: {} of {} tasks ({:.1f}% of "
      "their "
      "callbacks), {} of {} CPUs ({:.1f}%); times apart: p50 {:.1f}, p99 {:.1f}, most {:.1f} us\n",
      log.kernel, log.cpus, replayed.kernel.size(), replayed.model.size(), difference.equal(false),
      difference.tasks.size(), static_cast<double>(difference.in_order_permille(false)) / 10,
      difference.equal(true), difference.cpus.size(),
      static_cast<double>(difference.in_order_permille(true)) / 10, us(0.5), us(0.99), us(1));
}

}  // namespace

std::uint64_t Difference::in_order_permille(bool of_cpus) const {
  std::uint64_t all = 0;
  std::uint64_t unlike = 0;
  for (const Alignment& one : of_cpus ? cpus : tasks) {
    all += one.kernel + one.only_model;
    unlike += one.only_kernel + one.only_model;
  }
  return all != 0 ? 1000 * (all - unlike) / all : 1000;
}

std::uint64_t Difference::equal(bool of_cpus) const {
  return static_cast<std::uint64_t>(std::ranges::count_if(of_cpus ? cpus : tasks, &Alignment::is_equal));
}

std::uint64_t Difference::unlike() const {
  std::uint64_t sum = 0;
  for (const auto* all : {&tasks, &cpus})
    for (const Alignment& one : *all) sum += one.only_kernel + one.only_model;
  return sum;
}

Difference difference_of(const Replayed& replayed) {
  Difference difference;
  difference.tasks = align_all(replayed, false, &difference.apart_ns);
  difference.cpus = align_all(replayed, true, nullptr);
  std::ranges::sort(difference.apart_ns);
  return difference;
}

Result<Replayed> replay_best(const CallbackLog& log, const std::string& path) {
  constexpr std::uint64_t heartbeat_ns = 100 * SLO_NSEC_PER_MSEC;
  constexpr std::uint64_t step_ns = 2 * SLO_NSEC_PER_MSEC;
  Result<Replayed> best = replay(log, path, 0);
  for (std::uint64_t attach_ns = step_ns; best && attach_ns < heartbeat_ns; attach_ns += step_ns) {
    auto other = replay(log, path, attach_ns);
    if (!other) return other;
    if (difference_of(*best).unlike() > difference_of(*other).unlike()) best = std::move(other);
  }
  return best;
}

std::string to_text(const CallbackLog& log, const Replayed& replayed, const Difference& difference) {
  constexpr std::size_t shown_max = 3;
  std::string text = summary(log, replayed, difference);
  std::vector<Alignment> unlike;
  for (const auto* all : {&difference.cpus, &difference.tasks})
    std::ranges::copy_if(*all, std::back_inserter(unlike),
                         [](const Alignment& one) { return !one.is_equal(); });
  std::ranges::sort(unlike, {}, [&](const Alignment& one) { return first_ns(replayed, one); });
  for (std::size_t i = 0; i < std::min(shown_max, unlike.size()); ++i) {
    const Alignment& one = unlike[i];
    const std::uint64_t at_ns = *first_ns(replayed, one);
    text +=
        std::format("{} {}{}: {} of {} only on the kernel, {} only in the model; the first at {:.6f} ms\n",
                    one.is_of_cpu ? "CPU" : "task", one.subject,
                    one.is_of_cpu ? "" : " (" + comm_of(log, one.subject) + ")", one.only_kernel, one.kernel,
                    one.only_model, static_cast<double>(at_ns) / 1e6);
    text += "  kernel\n" + around(log, replayed.kernel, at_ns);
    text += "  model\n" + around(log, replayed.model, at_ns);
  }
  return text;
}

}  // namespace slo::sim
