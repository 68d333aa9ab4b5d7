// The contract's part of the export table: one line for each declaration of include/wdk, made when the host is built.
#include "io/pe/exports.h"

#include "io/pe/bridge.h"
#include "io/seh.h"
#include "wdk/fltKernel.h"
#include "wdk/ntifs.h"
#include "wdk/ntstrsafe.h"
#include "wdk/wdmsec.h"

// A declaration that nobody defines yet is no export: its address is null.
#pragma GCC diagnostic ignored "-Waddress"
// NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration
#define RG_FUNCTION(name) extern "C" __attribute__((weak)) decltype(name) name;
#define RG_VARIADIC(name) RG_FUNCTION(name)
#define RG_DATA(name)
#include "pe_exports.inc"
#undef RG_FUNCTION
#undef RG_VARIADIC
#undef RG_DATA

// Called before a large frame is made, with its size in rax; keeps every register. The host's stacks need no touching.
extern "C" void rg_pe_chkstk();
__asm__(R"(
    .text
    .globl  rg_pe_chkstk
    .hidden rg_pe_chkstk
    .type   rg_pe_chkstk, @function
rg_pe_chkstk:
    ret
    .size   rg_pe_chkstk, . - rg_pe_chkstk
)");

namespace regent::io::pe {

namespace {

// Import slots of POBJECT_TYPE* variables hold the variable's value (the kernel exports the POBJECT_TYPE itself); those
// of other data hold the address.
const void* slot_value(POBJECT_TYPE* const& object) { return object; }
template <typename T>
const void* slot_value(const T& object) {
    return &object;
}

DataExport::Kind kind_of(POBJECT_TYPE* const&) { return DataExport::Kind::pointer; }
template <typename T>
DataExport::Kind kind_of(const T&) {
    return DataExport::Kind::object;
}

}  // namespace

std::span<const Export> contract_functions() {
    static const Export table[] = {
#define RG_FUNCTION(name) Bridge<&::name>::make(#name, raises_for_its_caller(#name)),
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
        {"__chkstk", [] { return reinterpret_cast<const void*>(&rg_pe_chkstk); }, DataExport::Kind::code},
#define RG_FUNCTION(name)
#define RG_VARIADIC(name)
#define RG_DATA(name) {#name, [] { return slot_value(::name); }, kind_of(::name)},
#include "pe_exports.inc"
#undef RG_FUNCTION
#undef RG_VARIADIC
#undef RG_DATA
    };
    return table;
}

}  // namespace regent::io::pe
