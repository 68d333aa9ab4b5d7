#include "nt/hardware.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "nt/zw_key.h"

namespace regent::nt {
namespace {

std::string read_text(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    std::string found = std::move(text).str();
    while (!found.empty() && (found.back() == '\n' || found.back() == ' ')) found.pop_back();
    return found;
}

// One processor's lines of /proc/cpuinfo.
using Processor = std::map<std::string, std::string>;

std::vector<Processor> read_processors() {
    std::vector<Processor> processors;
    std::ifstream file("/proc/cpuinfo");
    std::string line;
    Processor current;
    while (std::getline(file, line)) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) {
            if (current.contains("processor")) processors.push_back(std::move(current));
            current.clear();
            continue;
        }
        const std::string name = line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1);
        current[name] = colon + 2 <= line.size() ? line.substr(colon + 2) : std::string();
    }
    if (current.contains("processor")) processors.push_back(std::move(current));
    if (processors.empty()) processors.emplace_back();
    return processors;
}

std::string field(const Processor& processor, const char* name, const char* otherwise = "") {
    const auto found = processor.find(name);
    return found == processor.end() ? otherwise : found->second;
}

// "Intel64 Family 6 Model 158 Stepping 10", as Windows spells it.
std::string identifier_of(const Processor& processor) {
    utsname system{};
    ::uname(&system);
    if (!processor.contains("cpu family"))
        return std::string(system.machine) + " Family " + field(processor, "CPU architecture", "0") + " Model " +
               field(processor, "CPU part", "0") + " Revision " + field(processor, "CPU revision", "0");
    const std::string vendor = field(processor, "vendor_id");
    const char* kind = vendor == "GenuineIntel" ? "Intel64" : vendor == "AuthenticAMD" ? "AMD64" : "x64";
    return std::string(kind) + " Family " + field(processor, "cpu family") + " Model " + field(processor, "model") +
           " Stepping " + field(processor, "stepping");
}

ULONG megahertz_of(const Processor& processor) {
    const double megahertz = std::atof(field(processor, "cpu MHz", "0").c_str());
    return megahertz > 0 ? static_cast<ULONG>(megahertz) : 0;
}

// The kernel's feature bits that a flag of cpuinfo proves (KF_x as Windows numbers them in FeatureSet).
ULONG feature_set_of(const Processor& processor) {
    static constexpr struct {
        const char* flag;
        ULONG bit;
    } known[] = {{"tsc", 0x2},     {"cmov", 0x8},      {"cx8", 0x80},     {"mmx", 0x100},    {"pat", 0x400},
                 {"fxsr", 0x800},  {"sep", 0x1000},    {"sse", 0x2000},   {"sse2", 0x10000}, {"3dnow", 0x4000},
                 {"pni", 0x80000}, {"cx16", 0x100000}, {"nx", 0x20000000}};
    std::istringstream flags(field(processor, "flags"));
    ULONG set = 0;
    for (std::string flag; flags >> flag;)
        for (const auto& entry : known)
            if (flag == entry.flag) set |= entry.bit;
    return set;
}

Result<void> describe_processor(const ZwKey& system, std::size_t number, const Processor& processor) {
    const Utf16 index = rtl::from_utf8(std::to_string(number));
    const auto key = RG_TRY(ZwKey::create_path(system, u"CentralProcessor\\" + index, REG_OPTION_VOLATILE));
    const Utf16 identifier = rtl::from_utf8(identifier_of(processor));
    RG_TRY(key.set_string(u"Identifier", identifier));
    const std::string name = field(processor, "model name", "unknown processor");
    RG_TRY(key.set_string(u"ProcessorNameString", rtl::from_utf8(name)));
    const std::string vendor = field(processor, "vendor_id", field(processor, "CPU implementer").c_str());
    RG_TRY(key.set_string(u"VendorIdentifier", rtl::from_utf8(vendor)));
    if (const ULONG megahertz = megahertz_of(processor); megahertz != 0) RG_TRY(key.set_dword(u"~MHz", megahertz));
    RG_TRY(key.set_dword(u"FeatureSet", feature_set_of(processor)));
    if (const std::string microcode = field(processor, "microcode"); !microcode.empty()) {
        // The low half is what older tools read; the revision stands in the high half, as on Windows.
        const std::uint64_t revision = std::strtoull(microcode.c_str(), nullptr, 0) << 32;
        RG_TRY(key.set(u"Update Revision", REG_BINARY, rtl::as_bytes(&revision, sizeof(revision))));
    }
    constexpr std::byte nothing[16] = {};
    RG_TRY(key.set(u"Component Information", REG_BINARY, nothing));
    const auto fpu = RG_TRY(ZwKey::create_path(system, u"FloatingPointProcessor\\" + index, REG_OPTION_VOLATILE));
    return fpu.set_string(u"Identifier", identifier);
}

Result<void> describe_bios(const ZwKey& system) {
    static constexpr struct {
        const char* file;
        const char16_t* value;
    } fields[] = {{"bios_vendor", u"BIOSVendor"},
                  {"bios_version", u"BIOSVersion"},
                  {"bios_date", u"BIOSReleaseDate"},
                  {"sys_vendor", u"SystemManufacturer"},
                  {"product_name", u"SystemProductName"},
                  {"product_version", u"SystemVersion"},
                  {"product_family", u"SystemFamily"},
                  {"product_sku", u"SystemSKU"},
                  {"board_vendor", u"BaseBoardManufacturer"},
                  {"board_name", u"BaseBoardProduct"},
                  {"board_version", u"BaseBoardVersion"}};
    const auto bios = RG_TRY(ZwKey::create(u"BIOS", REG_OPTION_VOLATILE, system.handle()));
    for (const auto& [file, value] : fields) {
        const std::string text = read_text(std::string("/sys/class/dmi/id/") + file);
        if (!text.empty()) RG_TRY(bios.set_string(value, rtl::from_utf8(text)));
    }
    if (const std::string date = read_text("/sys/class/dmi/id/bios_date"); !date.empty())
        RG_TRY(system.set_string(u"SystemBiosDate", rtl::from_utf8(date)));
    const std::string version = read_text("/sys/class/dmi/id/bios_version");
    if (version.empty()) return {};
    Utf16 list = rtl::from_utf8(version);
    list.append(2, u'\0');
    return system.set(u"SystemBiosVersion", REG_MULTI_SZ, rtl::as_bytes(list.data(), list.size() * sizeof(char16_t)));
}

struct MemoryRange {
    std::uint64_t start;
    std::uint64_t size;
};

std::vector<MemoryRange> read_memory() {
    std::vector<MemoryRange> ranges;
    std::ifstream map("/proc/iomem");
    for (std::string line; std::getline(map, line);) {
        unsigned long long start = 0, end = 0;
        if (line.find(" : System RAM") == std::string::npos) continue;
        if (std::sscanf(line.c_str(), "%llx-%llx", &start, &end) == 2 && end > start)
            ranges.push_back({start, end - start + 1});
    }
    if (!ranges.empty()) return ranges;  // without rights the addresses read as zero and no range is left
    const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
    if (pages > 0 && size > 0)
        ranges.push_back({0, static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size)});
    return ranges;
}

// A CM_RESOURCE_LIST with one partial list: what RESOURCEMAP holds on Windows.
Result<void> describe_memory(const ZwKey& hardware) {
    constexpr std::uint8_t memory = 3, memory_large = 7, share_device_exclusive = 1;
    constexpr std::uint16_t large_40 = 0x200;  // the length counts units of 256 bytes
    std::vector<std::byte> list;
    const auto put = [&list](auto value) {
        const Bytes bytes = rtl::as_bytes(&value, sizeof(value));
        list.insert(list.end(), bytes.begin(), bytes.end());
    };
    const std::vector<MemoryRange> ranges = read_memory();
    put(std::uint32_t{1});  // full descriptors
    put(std::uint32_t{0});  // InterfaceType: Internal
    put(std::uint32_t{0});  // BusNumber
    put(std::uint16_t{1});
    put(std::uint16_t{1});
    put(static_cast<std::uint32_t>(ranges.size()));
    for (const MemoryRange& range : ranges) {
        const bool large = range.size > UINT32_MAX;
        put(large ? memory_large : memory);
        put(share_device_exclusive);
        put(large ? large_40 : std::uint16_t{0});
        put(range.start);
        put(static_cast<std::uint32_t>(large ? range.size >> 8 : range.size));
    }
    const auto key =
        RG_TRY(ZwKey::create_path(hardware, u"RESOURCEMAP\\System Resources\\Physical Memory", REG_OPTION_VOLATILE));
    return key.set(u".Translated", REG_RESOURCE_LIST, list);
}

// Serial ports that exist (the kernel offers places for more).
Result<void> describe_ports(const ZwKey& hardware) {
    const auto map = RG_TRY(ZwKey::create(u"DEVICEMAP", REG_OPTION_VOLATILE, hardware.handle()));
    std::optional<ZwKey> ports;
    for (int i = 0; i < 32; ++i) {
        const std::string number = std::to_string(i);
        const std::string type = read_text("/sys/class/tty/ttyS" + number + "/type");
        if (type.empty() || type == "0") continue;
        if (!ports) ports = RG_TRY(ZwKey::create(u"SERIALCOMM", REG_OPTION_VOLATILE, map.handle()));
        RG_TRY(ports->set_string(u"\\Device\\Serial" + rtl::from_utf8(number),
                                 u"COM" + rtl::from_utf8(std::to_string(i + 1))));
    }
    return {};
}

}  // namespace

Result<void> describe_hardware() {
    const auto hardware = RG_TRY(ZwKey::open(u"\\Registry\\Machine\\HARDWARE", KEY_ALL_ACCESS));
    const auto system = RG_TRY(ZwKey::create_path(hardware, u"DESCRIPTION\\System", REG_OPTION_VOLATILE));
    RG_TRY(system.set_string(u"Identifier", u"AT/AT COMPATIBLE"));
    const std::vector<Processor> processors = read_processors();
    for (std::size_t i = 0; i < processors.size(); ++i) RG_TRY(describe_processor(system, i, processors[i]));
    RG_TRY(describe_bios(system));
    RG_TRY(describe_memory(hardware));
    return describe_ports(hardware);
}

}  // namespace regent::nt
