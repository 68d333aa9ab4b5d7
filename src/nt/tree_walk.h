// The walk of RgReadTree.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "cm/tree_answer.h"
#include "nt/service.h"
#include "rtl/status.h"

namespace regent::nt {

// Tells keys in order until the tree or the room ends, by the services that a program would call: so callbacks see and
// may refuse each of them, and transactions and the audit are what they are. For one call, one thread.
class TreeWalk {
public:
    using Path = std::span<const Utf16View>;  // names of keys, each below the one before

    TreeWalk(HANDLE root, cm::TreeAnswer& answer) : root_(root), answer_(answer) {}

    enum class End { tree, room };
    // From the start, or behind what `after` names. ERRORS: those of the services for the root key; the first that
    // leaves no way on.
    Result<End> run(const Path* after);

private:
    struct Value {
        ULONG type;
        Utf16 name;
        std::vector<std::byte> data;
    };
    // A key as the services tell it.
    struct Content {
        std::int64_t last_write_time = 0;
        ULONG flags = 0;
        Utf16 name;
        std::vector<std::byte> class_name;
        std::vector<Value> values;
    };
    struct Place {
        HANDLE key;
        unsigned depth;
        std::size_t path_units;  // of the path from the root key
    };

    Result<End> enter(const Place& place, Utf16View name, const Path* after);
    Result<End> enter_by_services(const Place& place, Utf16View name, const Path* after);
    Result<End> descend(const Place& place, Path after);
    Result<End> visit(const Place& parent, Utf16View name, const Path* after);
    End refuse(NTSTATUS status, unsigned depth, Utf16View name);
    bool tell(unsigned depth, const Content& content);

    NTSTATUS read(HANDLE key, Content& content);
    NTSTATUS read_once(HANDLE key, Content& content);
    static NTSTATUS read_flags(HANDLE key, ULONG& flags);
    Result<ULONG> index_after(HANDLE key, Utf16View last);
    Result<std::vector<Utf16>> names_after(HANDLE key, const std::optional<Utf16>& last, bool& more);

    const HANDLE root_;
    cm::TreeAnswer& answer_;
    std::vector<std::byte> buffer_;  // of the service that was asked last
};

}  // namespace regent::nt
