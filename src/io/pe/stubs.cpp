// The stubs that imports are bound to, and the lookup of exports by name.
#include <algorithm>
#include <string>
#include <unordered_map>

#include "ex/bugcheck.h"
#include "ex/driver_image.h"
#include "io/driver.h"
#include "io/pe/arena.h"
#include "io/pe/exports.h"
#include "rtl/lock.h"

namespace regent::io::pe {

namespace {

using StubMap = std::unordered_map<std::string_view, std::uint64_t>;

// One stub for each export that the host has, made at the first load of a PE image.
StubMap make_stubs() {
    StubMap stubs;
    const auto tables = {exception_functions(), library_functions(), contract_functions()};
    std::size_t count = 0;
    for (const auto& table : tables) count += table.size();
    auto mapping = Mapping::create(count * stub_size);
    if (!mapping) return stubs;
    std::byte* next = mapping->memory().data();
    for (const auto& table : tables) {
        for (const Export& entry : table) {
            if (entry.target == nullptr || !stubs.emplace(entry.name, reinterpret_cast<std::uint64_t>(next)).second)
                continue;
            write_stub(next, entry);
            next += stub_size;
        }
    }
    mapping->protect(0, mapping->memory().size(), Mapping::Access::read_execute);
    mapping->keep();
    return stubs;
}

struct Missing {
    std::string name;
    Export entry;
};

void stop_for_missing(const std::uint64_t*) {
    const GateFrame& frame = *processor_block()->top;
    const auto* const caller = reinterpret_cast<const void*>(frame.return_address);
    ex::report_violation("driver " + ex::driver_name(ex::driver_of(caller)) + " called " + frame.target->name +
                         ", which this host lacks");
    KeBugCheckEx(0x1E, static_cast<ULONG>(STATUS_ENTRYPOINT_NOT_FOUND), frame.return_address,
                 reinterpret_cast<ULONG_PTR>(frame.target->name), 0);
}

}  // namespace

std::uint64_t find_export(std::string_view name) {
    static const StubMap* const stubs = new StubMap(make_stubs());
    if (const auto found = stubs->find(name); found != stubs->end()) return found->second;
    for (const DataExport& data : data_exports())
        if (name == data.name) return reinterpret_cast<std::uint64_t>(data.value());
    return 0;
}

std::uint64_t missing_import(std::string_view module, std::string_view name) {
    auto mapping = Mapping::create(stub_size);
    if (!mapping) return 0;
    // Lives as long as the image, which is not known here: as long as the process.
    auto* const missing = new Missing{std::string(module) + "!" + std::string(name), {}};
    missing->entry = {reinterpret_cast<const void*>(&stop_for_missing), -1, false, missing->name.c_str()};
    write_stub(mapping->memory().data(), missing->entry);
    mapping->protect(0, mapping->memory().size(), Mapping::Access::read_execute);
    const auto address = reinterpret_cast<std::uint64_t>(mapping->memory().data());
    mapping->keep();
    return address;
}

}  // namespace regent::io::pe

namespace regent::io {

std::vector<DriverExport> driver_exports() {
    std::vector<DriverExport> exports;
    for (const auto& table : {pe::exception_functions(), pe::library_functions(), pe::contract_functions()})
        for (const pe::Export& entry : table)
            if (entry.target != nullptr) exports.push_back({entry.name});
    using Kind = pe::DataExport::Kind;
    for (const pe::DataExport& data : pe::data_exports())
        exports.push_back({data.name, data.kind != Kind::code, data.kind == Kind::pointer});
    std::ranges::sort(exports, {}, [](const DriverExport& entry) { return std::string_view(entry.name); });
    const auto same = [](const DriverExport& a, const DriverExport& b) { return std::string_view(a.name) == b.name; };
    exports.erase(std::unique(exports.begin(), exports.end(), same), exports.end());
    return exports;
}

}  // namespace regent::io
