// Change notification as a file descriptor, for programs that wait in poll, epoll or an event loop.
#pragma once

#include <chrono>
#include <memory>

#include "regent/client/key.h"

namespace regent::client {

// What is told, besides subkeys made and removed (`names`).
enum class Changes : ULONG {
    names = REG_NOTIFY_CHANGE_NAME,
    values = REG_NOTIFY_CHANGE_LAST_SET,
    security = REG_NOTIFY_CHANGE_SECURITY,
    all =
        REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_ATTRIBUTES | REG_NOTIFY_CHANGE_LAST_SET | REG_NOTIFY_CHANGE_SECURITY,
};

// Watches a key, from create() on, with a thread of its own. Changes are counted together until they are taken; none is
// missed. Internally synchronised by its eventfd; the destructor waits for the thread.
class Watcher {
public:
    // The watcher opens the key once more; `key` may be closed. ERRORS: those of the open, INSUFFICIENT_RESOURCES.
    static Result<Watcher> create(const unique_key& key, Changes changes = Changes::all, bool whole_tree = true);
    Watcher(Watcher&&) noexcept;
    Watcher& operator=(Watcher&&) noexcept;
    ~Watcher();

    // Readable while something changed that was not taken, and for ever once ended(). Not to be closed or read.
    int fd() const;
    // Whether something changed since the last call that said so. Never blocks.
    bool take();
    // Waits for it at most that long.
    bool wait(std::chrono::milliseconds timeout);
    // The key was deleted or its hive unloaded: nothing more will be told.
    bool ended() const;

private:
    class Impl;
    explicit Watcher(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace regent::client
