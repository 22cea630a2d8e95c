// SPDX-License-Identifier: GPL-2.0-only
#include "systemd/journal_socket.h"

#include <endian.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace slo {
namespace {

constexpr int all_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

// What is sent is either some bytes or, where these do not fit into a datagram, a file with them.
struct Datagram {
  explicit Datagram(const std::string& path) {
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    message.msg_name = &address;
    message.msg_namelen = sizeof(address);
  }

  // MSG_NOSIGNAL: nobody is to die of a journal that has gone.
  [[nodiscard]] bool send(int socket) const {
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
  }

  sockaddr_un address{};
  msghdr message{};
};

}  // namespace

std::string to_native(const JournalFields& fields) {
  std::string entry;
  for (const auto& [name, value] : fields) {
    entry += name;
    if (value.find('\n') == std::string::npos) {
      entry += '=';
    } else {
      const std::uint64_t length = htole64(value.size());
      entry += '\n';
      entry.append(reinterpret_cast<const char*>(&length), sizeof(length));
    }
    entry += value;
    entry += '\n';
  }
  return entry;
}

JournalSocket::JournalSocket(std::string path)
    : path_(std::move(path)), socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

bool JournalSocket::send(const JournalFields& fields) {
  const std::string entry = to_native(fields);
  const bool sent = send_bytes(entry) || ((errno == EMSGSIZE || errno == ENOBUFS) && send_file(entry));
  if (!sent) ++lost_;
  return sent;
}

bool JournalSocket::send_bytes(const std::string& entry) const {
  Datagram datagram(path_);
  iovec bytes{.iov_base = const_cast<char*>(entry.data()), .iov_len = entry.size()};
  datagram.message.msg_iov = &bytes;
  datagram.message.msg_iovlen = 1;
  return datagram.send(socket_.get());
}

bool JournalSocket::send_file(const std::string& entry) const {
  const Fd file(memfd_create("scx-slod-journal", MFD_ALLOW_SEALING | MFD_CLOEXEC));
  if (!file) return false;
  for (std::string_view left = entry; !left.empty();) {
    const auto written = write(file.get(), left.data(), left.size());
    if (written < 0) return false;
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  // journald reads no file that may still change.
  if (fcntl(file.get(), F_ADD_SEALS, all_seals) < 0) return false;
  Datagram datagram(path_);
  alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(int))]{};
  datagram.message.msg_control = control;
  datagram.message.msg_controllen = sizeof(control);
  cmsghdr* const header = CMSG_FIRSTHDR(&datagram.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int number = file.get();
  std::memcpy(CMSG_DATA(header), &number, sizeof(number));
  return datagram.send(socket_.get());
}

}  // namespace slo
