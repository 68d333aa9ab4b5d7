#include "rpc/socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace regent::rpc {
namespace {

constexpr std::size_t receive_step = std::size_t{1} << 20;  // memory follows the bytes that came, not the size promised

std::string why(const std::string& path, const char* action) {
    return path + ": cannot " + action + ": " + std::strerror(errno);
}

std::expected<sockaddr_un, std::string> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty()) return std::unexpected(std::string("the socket path is empty"));
    if (path.size() >= sizeof(address.sun_path))
        return std::unexpected(path + ": the socket path has " + std::to_string(path.size()) +
                               " bytes, the system allows " + std::to_string(sizeof(address.sun_path) - 1));
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

bool receive_exactly(int fd, std::byte* data, std::size_t size) {
    while (size > 0) {
        const ssize_t got = ::recv(fd, data, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        data += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

}  // namespace

void Socket::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Socket::shut_down() {
    if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
}

std::expected<Socket, std::string> connect_socket(const std::string& path) {
    const auto address = address_of(path);
    if (!address) return std::unexpected(address.error());
    Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.open()) return std::unexpected(why(path, "make a socket"));
    const auto* generic = reinterpret_cast<const sockaddr*>(&*address);
    if (::connect(socket.fd(), generic, sizeof(*address)) != 0) return std::unexpected(why(path, "connect"));
    return socket;
}

std::expected<Socket, std::string> listen_socket(const std::string& path) {
    const auto address = address_of(path);
    if (!address) return std::unexpected(address.error());
    struct stat info{};
    if (::lstat(path.c_str(), &info) == 0) {
        if (!S_ISSOCK(info.st_mode)) return std::unexpected(path + ": exists and is not a socket");
        if (connect_socket(path)) return std::unexpected(path + ": another server answers on this socket");
        if (errno != ECONNREFUSED) return std::unexpected(why(path, "look at the socket that is there"));
        if (::unlink(path.c_str()) != 0) return std::unexpected(why(path, "remove the stale socket"));
    }
    Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.open()) return std::unexpected(why(path, "make a socket"));
    const auto* generic = reinterpret_cast<const sockaddr*>(&*address);
    if (::bind(socket.fd(), generic, sizeof(*address)) != 0) return std::unexpected(why(path, "bind the socket"));
    // Who may do what is decided by the services from the peer's credentials, not by the file's mode.
    if (::chmod(path.c_str(), 0666) != 0) return std::unexpected(why(path, "open the socket to its users"));
    if (::listen(socket.fd(), SOMAXCONN) != 0) return std::unexpected(why(path, "listen"));
    return socket;
}

std::expected<PeerCredentials, std::string> peer_credentials(const Socket& socket) {
    ucred credentials{};
    socklen_t size = sizeof(credentials);
    if (::getsockopt(socket.fd(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return std::unexpected(why("peer", "read credentials"));
    PeerCredentials peer{credentials.pid, credentials.uid, credentials.gid, {}};
    size = 0;
    ::getsockopt(socket.fd(), SOL_SOCKET, SO_PEERGROUPS, nullptr, &size);  // tells the size by failing
    peer.groups.resize(size / sizeof(gid_t));
    if (size != 0 && ::getsockopt(socket.fd(), SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size) != 0)
        return std::unexpected(why("peer", "read groups"));
    return peer;
}

bool send_frame(const Socket& socket, Bytes frame) {
    const std::byte* data = frame.data();
    std::size_t size = frame.size();
    while (size > 0) {
        const ssize_t sent = ::send(socket.fd(), data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        data += sent;
        size -= static_cast<std::size_t>(sent);
    }
    return true;
}

bool receive_frame(const Socket& socket, std::vector<std::byte>& frame) {
    frame.resize(sizeof(FrameHeader));
    if (!receive_exactly(socket.fd(), frame.data(), frame.size())) return false;
    const std::size_t size = rtl::record_at<FrameHeader>(Bytes(frame))->size;
    if (size < sizeof(FrameHeader) || size > max_frame_size) return false;
    while (frame.size() < size) {
        const std::size_t have = frame.size();
        const std::size_t step = std::min(size - have, receive_step);
        frame.resize(have + step);
        if (!receive_exactly(socket.fd(), frame.data() + have, step)) return false;
    }
    return true;
}

}  // namespace regent::rpc
