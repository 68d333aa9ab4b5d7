// What a driver in a PE image may import: the functions and data of the driver contract (include/wdk), and the part of
// the C library that the NT kernel exports.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "io/pe/gate.h"

namespace regent::io::pe {

// What an import of `name` is bound to: a stub's address for a function, the address of the object for data. 0: the
// host has no such export. Module names do not matter: no two modules of the kernel export one name with two meanings.
std::uint64_t find_export(std::string_view name);
// A stub that ends the host with the import's name: for a driver that is to be tried although an import is missing.
std::uint64_t missing_import(std::string_view module, std::string_view name);

// The parts of the table. Data: `value` is what the slot of the import table gets, asked at each load.
std::span<const Export> contract_functions();   // from the headers (tools/gen_pe_exports.py)
std::span<const Export> library_functions();    // the C library
std::span<const Export> exception_functions();  // exceptions and frames
struct DataExport {
    const char* name;
    const void* (*value)();
    enum class Kind {
        object,   // the slot holds its address
        pointer,  // the slot holds what the pointer of this name holds
        code      // called without the gate
    } kind;
};
std::span<const DataExport> data_exports();

}  // namespace regent::io::pe
