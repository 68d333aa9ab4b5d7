// Unix-domain stream sockets with whole frames.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "rpc/wire.h"

namespace regent::rpc {

// A file descriptor that closes itself. Externally synchronised.
class Socket {
public:
    Socket() = default;
    explicit Socket(int fd) : fd_(fd) {}
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Socket() { close(); }
    int fd() const { return fd_; }
    bool open() const { return fd_ >= 0; }
    void close();
    void shut_down();  // wakes whoever reads or writes it

private:
    int fd_ = -1;
};

// Who is at the other end, as the kernel saw it at connect(). The pid is for information: pids are reused.
struct PeerCredentials {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
};

// The errors are texts for a user, with the path in them.
std::expected<Socket, std::string> connect_socket(const std::string& path);
// Refuses a path that is too long or at which a server answers; replaces a stale socket file.
std::expected<Socket, std::string> listen_socket(const std::string& path);
std::expected<PeerCredentials, std::string> peer_credentials(const Socket& socket);

bool send_frame(const Socket& socket, Bytes frame);
// One whole frame into `frame`; false at end of stream, on an error and for a size outside the limits.
bool receive_frame(const Socket& socket, std::vector<std::byte>& frame);

}  // namespace regent::rpc
