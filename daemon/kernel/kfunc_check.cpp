// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/kfunc_check.h"

#include <bpf/btf.h>
#include <elf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slo {
namespace {

// Name of a chain that may stay without any function, see bpf/kernel/kfuncs.h.
constexpr std::string_view optional_chain = "optional";
constexpr std::string_view hidden_parameter = "aux";

template <class T>
std::optional<T> read_at(std::span<const std::byte> file, std::size_t offset) {
  T value;
  if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
  std::memcpy(&value, file.data() + offset, sizeof(T));
  return value;
}

// The content of a section of an ELF file; empty when there is none of that name. It is read here because
// libbpf turns the externs of an object that it opens into something else.
std::span<const std::byte> elf_section(std::span<const std::byte> file, std::string_view name) {
  const auto header = read_at<Elf64_Ehdr>(file, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return {};
  const auto section_at = [&](std::size_t index) {
    return read_at<Elf64_Shdr>(file, header->e_shoff + index * sizeof(Elf64_Shdr));
  };
  const auto content_of = [&](const Elf64_Shdr& section) -> std::span<const std::byte> {
    if (section.sh_offset > file.size() || section.sh_size > file.size() - section.sh_offset) return {};
    return file.subspan(section.sh_offset, section.sh_size);
  };
  const auto names = section_at(header->e_shstrndx);
  if (!names) return {};
  const auto bytes = content_of(*names);
  const std::string_view strings(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (std::size_t i = 0; i < header->e_shnum; ++i) {
    const auto section = section_at(i);
    if (!section || section->sh_name >= strings.size()) continue;
    const auto rest = strings.substr(section->sh_name);
    if (rest.substr(0, rest.find('\0')) == name) return content_of(*section);
  }
  return {};
}

struct Function {
  std::string_view name;
  const btf_type* prototype;
};

std::string_view text_at(const btf* types, __u32 offset) {
  const char* text = btf__name_by_offset(types, offset);
  return text != nullptr ? text : "";
}

// All functions that `wanted` accepts, in the order of the type information.
template <class Wanted>
std::vector<Function> functions(const btf* types, Wanted&& wanted) {
  std::vector<Function> found;
  for (__u32 id = 1; id < btf__type_cnt(types); ++id) {
    const btf_type* type = btf__type_by_id(types, id);
    if (!btf_is_func(type)) continue;
    const btf_type* prototype = btf__type_by_id(types, type->type);
    if (prototype == nullptr || !btf_is_func_proto(prototype)) continue;
    const Function function{text_at(types, type->name_off), prototype};
    if (wanted(type, function)) found.push_back(function);
  }
  return found;
}

bool has_hidden_parameter(const btf* types, const btf_type* prototype) {
  const auto count = btf_vlen(prototype);
  return count > 0 && text_at(types, btf_params(prototype)[count - 1].name_off) == hidden_parameter;
}

enum class Offer { usable, malformed, missing };

Offer offered(const btf* kernel, std::string_view name, const btf_type* prototype) {
  const int id = btf__find_by_name_kind(kernel, std::string(name).c_str(), BTF_KIND_FUNC);
  const btf_type* function = id > 0 ? btf__type_by_id(kernel, static_cast<__u32>(id)) : nullptr;
  const btf_type* theirs = function != nullptr ? btf__type_by_id(kernel, function->type) : nullptr;
  if (theirs == nullptr || !btf_is_func_proto(theirs)) return Offer::missing;
  if (has_hidden_parameter(kernel, theirs)) return Offer::malformed;
  // libbpf compares the kinds of all types; number and "returns something" is where the variants differ.
  const bool same_form =
      btf_vlen(theirs) == btf_vlen(prototype) && (theirs->type == 0) == (prototype->type == 0);
  return same_form ? Offer::usable : Offer::missing;
}

// What follows the last ___ of a name is for us alone: libbpf takes it off.
std::pair<std::string_view, std::string_view> split_flavour(std::string_view name) {
  const auto at = name.rfind("___");
  if (at == std::string_view::npos || at == 0) return {name, {}};
  return {name.substr(0, at), name.substr(at + 3)};
}

struct Chain {
  bool usable = false;
  std::string malformed;  // the first of its functions of which that is true; or empty
  std::string first;
};

void add(Chain& chain, std::string_view name, Offer offer) {
  if (chain.first.empty()) chain.first = name;
  if (offer == Offer::usable) chain.usable = true;
  if (offer == Offer::malformed && chain.malformed.empty()) chain.malformed = name;
}

void judge(const Chain& chain, KfuncVerdict& verdict) {
  if (chain.usable) return;
  if (chain.malformed.empty()) {
    verdict.missing.push_back(chain.first);
  } else {
    verdict.malformed.push_back(chain.malformed);
  }
}

}  // namespace

Result<KfuncCheck> KfuncCheck::of(const std::filesystem::path& kernel_btf) {
  Types types(btf__parse(kernel_btf.c_str(), nullptr), btf__free);
  if (!types) return std::unexpected(Error{"read the type information in", kernel_btf.string(), errno, ""});
  return KfuncCheck(std::move(types));
}

Result<KfuncVerdict> KfuncCheck::judge(std::span<const std::byte> object) const {
  const auto section = elf_section(object, ".BTF");
  const Types types(section.empty() ? nullptr : btf__new(section.data(), static_cast<__u32>(section.size())),
                    btf__free);
  if (!types) return std::unexpected(Error{"read the type information of", "the BPF object", EINVAL, ""});

  KfuncVerdict verdict;
  std::map<std::string_view, Chain> chains;
  const auto is_extern = [](const btf_type* type, const Function&) {
    return btf_vlen(type) == BTF_FUNC_EXTERN;
  };
  for (const auto& [name, prototype] : functions(types.get(), is_extern)) {
    const auto [kernel_name, flavour] = split_flavour(name);
    if (flavour == optional_chain) continue;
    const Offer offer = offered(kernel_.get(), kernel_name, prototype);
    if (!flavour.empty()) {
      add(chains[flavour], kernel_name, offer);
      continue;
    }
    Chain alone;
    add(alone, kernel_name, offer);
    slo::judge(alone, verdict);
  }
  for (const auto& [flavour, chain] : chains) slo::judge(chain, verdict);
  return verdict;
}

std::size_t KfuncCheck::malformed() const {
  return functions(kernel_.get(),
                   [this](const btf_type*, const Function& function) {
                     return function.name.contains("scx_") && function.name.contains("bpf_") &&
                            !function.name.ends_with("_impl") &&
                            has_hidden_parameter(kernel_.get(), function.prototype);
                   })
      .size();
}

bool KfuncCheck::guards_against_real_time() const {
  return has_member("rq", "ext_server");
}

bool KfuncCheck::shows_limits() const {
  return has_member("cfs_bandwidth", "hierarchical_quota");
}

bool KfuncCheck::has_member(const char* structure, std::string_view member) const {
  const int id = btf__find_by_name_kind(kernel_.get(), structure, BTF_KIND_STRUCT);
  const btf_type* type = id > 0 ? btf__type_by_id(kernel_.get(), static_cast<__u32>(id)) : nullptr;
  if (type == nullptr) return false;
  const std::span members(btf_members(type), btf_vlen(type));
  return std::ranges::any_of(members, [&](const btf_member& one) {
    return std::string_view(btf__name_by_offset(kernel_.get(), one.name_off)) == member;
  });
}

}  // namespace slo
