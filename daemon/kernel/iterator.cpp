// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/iterator.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/fd.h"
#include "kernel/loading.h"

namespace slo {

Result<void> run_iterator(const bpf_link* link, const char* subject) {
  const Fd iterator(bpf_iter_create(bpf_link__fd(link)));
  if (!iterator) return std::unexpected(load_error("iterate the tasks for", subject, errno));
  std::array<char, 256> output{};
  for (;;) {
    const ssize_t n = read(iterator.get(), output.data(), output.size());
    if (n == 0) return {};
    if (n < 0 && errno != EAGAIN && errno != EINTR)
      return std::unexpected(load_error("iterate the tasks for", subject, errno));
  }
}

}  // namespace slo
