// SPDX-License-Identifier: GPL-2.0-only
#include "places.h"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstring>
#include <format>
#include <fstream>
#include <iterator>
#include <map>
#include <vector>

#include "../host/scheduler.h"
#include "../sched_ext/maps.h"

namespace slo::sim {
namespace {

struct Symbol {
  std::string name;
  std::uint64_t size = 0;
};
using Symbols = std::map<std::uint64_t, Symbol>;

template <typename Value>
Value at(const std::vector<char>& file, std::uint64_t offset) {
  Value value = {};
  if (offset + sizeof(value) <= file.size()) std::memcpy(&value, file.data() + offset, sizeof(value));
  return value;
}

// Where this program was loaded: the first object is the program.
std::uint64_t load_address() {
  std::uint64_t address = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        *static_cast<std::uint64_t*>(to) = info->dlpi_addr;
        return 1;
      },
      &address);
  return address;
}

Symbols read_symbols() {
  std::ifstream stream("/proc/self/exe", std::ios::binary);
  const std::vector<char> file{std::istreambuf_iterator<char>(stream), {}};
  const auto header = at<ElfW(Ehdr)>(file, 0);
  Symbols symbols;
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    const auto section = at<ElfW(Shdr)>(file, header.e_shoff + i * sizeof(ElfW(Shdr)));
    if (section.sh_type != SHT_SYMTAB) continue;
    const auto names = at<ElfW(Shdr)>(file, header.e_shoff + section.sh_link * sizeof(ElfW(Shdr)));
    for (std::uint64_t offset = 0; offset < section.sh_size; offset += sizeof(ElfW(Sym))) {
      const auto symbol = at<ElfW(Sym)>(file, section.sh_offset + offset);
      if (symbol.st_size != 0)
        symbols[load_address() + symbol.st_value] = {.name = file.data() + names.sh_offset + symbol.st_name,
                                                     .size = symbol.st_size};
    }
  }
  return symbols;
}

// Empty: none is there.
std::string symbol_at(const void* address, bool with_offset) {
  static const Symbols symbols = read_symbols();
  const auto number = reinterpret_cast<std::uint64_t>(address);
  auto found = symbols.upper_bound(number);
  if (found == symbols.begin()) return {};
  --found;
  const std::uint64_t offset = number - found->first;
  if (offset >= found->second.size) return {};
  return with_offset && offset != 0 ? std::format("{}+{:#x}", found->second.name, offset)
                                    : found->second.name;
}

}  // namespace

std::string name_of_code(const void* address) {
  const std::string name = symbol_at(address, false);
  return name.empty() ? "?" : name;
}

std::string name_of_data(Kernel& kernel, const void* address) {
  if (const std::string name = symbol_at(address, true); !name.empty()) return name;
  const auto* byte = static_cast<const std::byte*>(address);
  for (const Task& task : kernel.tasks()) {
    const auto* own = reinterpret_cast<const std::byte*>(&task);
    if (byte >= own && byte < own + sizeof(task)) return std::format("task {}+{:#x}", task.id, byte - own);
    const std::byte* stored = task.storage.get();
    if (stored != nullptr && byte >= stored && byte < stored + task_storage_size())
      return std::format("storage of task {}+{:#x}", task.id, byte - stored);
  }
  return "a map";
}

}  // namespace slo::sim
