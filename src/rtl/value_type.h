// The names of the registry's value types, one table for everybody who prints them.
#pragma once

#include <cstdint>
#include <iterator>

namespace regent::rtl {

// "REG_SZ" for 1; null for a number that has no name.
constexpr const char* value_type_name(std::uint32_t type) {
    constexpr const char* names[] = {"REG_NONE",
                                     "REG_SZ",
                                     "REG_EXPAND_SZ",
                                     "REG_BINARY",
                                     "REG_DWORD",
                                     "REG_DWORD_BIG_ENDIAN",
                                     "REG_LINK",
                                     "REG_MULTI_SZ",
                                     "REG_RESOURCE_LIST",
                                     "REG_FULL_RESOURCE_DESCRIPTOR",
                                     "REG_RESOURCE_REQUIREMENTS_LIST",
                                     "REG_QWORD"};
    return type < std::size(names) ? names[type] : nullptr;
}

}  // namespace regent::rtl
