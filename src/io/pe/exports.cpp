// The contract's part of the export table: one line for each declaration of include/wdk, made when the host is built.
#include "io/pe/exports.h"

#include "io/pe/bridge.h"
#include "wdk/ntifs.h"
#include "wdk/ntstrsafe.h"
#include "wdk/wdmsec.h"

// A declaration that nobody defines yet is no export: its address is null.
#pragma GCC diagnostic ignored "-Waddress"
#define RG_FUNCTION(name) extern "C" __attribute__((weak)) decltype(name) name;
#define RG_VARIADIC(name) RG_FUNCTION(name)
#define RG_DATA(name)
#include "pe_exports.inc"
#undef RG_FUNCTION
#undef RG_VARIADIC
#undef RG_DATA

namespace regent::io::pe {

namespace {

// Routines that keep nothing when they fault or raise: what happens in them happens to the driver that called.
bool raises(std::string_view name) {
    for (const std::string_view prefix : {"Rtl", "ExRaise", "Probe", "MmProbe", "ExAllocatePool", "IoCsq"})
        if (name.starts_with(prefix)) return true;
    return false;
}

// Import slots of POBJECT_TYPE* variables hold the variable's value (the kernel exports the POBJECT_TYPE itself); those
// of other data hold the address.
const void* slot_value(POBJECT_TYPE* const& object) { return object; }
template <typename T>
const void* slot_value(const T& object) {
    return &object;
}

}  // namespace

std::span<const Export> contract_functions() {
    static const Export table[] = {
#define RG_FUNCTION(name) Bridge<&::name>::make(#name, raises(#name)),
#define RG_VARIADIC(name) RG_FUNCTION(name)
#define RG_DATA(name)
#include "pe_exports.inc"
#undef RG_FUNCTION
#undef RG_VARIADIC
#undef RG_DATA
    };
    return table;
}

std::span<const DataExport> data_exports() {
    static const DataExport table[] = {
#define RG_FUNCTION(name)
#define RG_VARIADIC(name)
#define RG_DATA(name) {#name, [] { return slot_value(::name); }},
#include "pe_exports.inc"
#undef RG_FUNCTION
#undef RG_VARIADIC
#undef RG_DATA
    };
    return table;
}

}  // namespace regent::io::pe
