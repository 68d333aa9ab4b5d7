// When changes of a hive reach its files: chosen when it is opened.
#pragma once

#include <cstdint>

namespace regent::hive {

enum class Durability : std::uint8_t {
    lazy,             // when somebody flushes; the registry's lazy writer does, once in a while
    every_operation,  // an operation that succeeded is durable
    read_only,        // nothing can be changed
    in_memory,        // changes are made in memory and nowhere else
};

// The other two neither write nor lock nor create a file: recovery and repair happen in memory.
constexpr bool writes_files(Durability durability) {
    return durability == Durability::lazy || durability == Durability::every_operation;
}

}  // namespace regent::hive
