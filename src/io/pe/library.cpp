// The part of the C library that the NT kernel exports, for drivers in PE images. `long` has 32 bits there and wide
// text 16; formats are NT's. Windows' drivers get sprintf's family from here, so there are no floating formats, as
// there.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "io/pe/bridge.h"
#include "io/pe/exports.h"
#include "rtl/foreign_call.h"
#include "rtl/format.h"
#include "wdk/ntddk.h"

// rtl's 16-bit functions (nt/wcs.h binds sources with a 16-bit wchar_t to them; here they have char16_t).
extern "C" {
std::size_t rg_wcslen(const char16_t*);
std::size_t rg_wcsnlen(const char16_t*, std::size_t);
int rg_wcscmp(const char16_t*, const char16_t*);
int rg_wcsncmp(const char16_t*, const char16_t*, std::size_t);
int rg_wcsicmp(const char16_t*, const char16_t*);
int rg_wcsnicmp(const char16_t*, const char16_t*, std::size_t);
char16_t* rg_wcscpy(char16_t*, const char16_t*);
char16_t* rg_wcsncpy(char16_t*, const char16_t*, std::size_t);
char16_t* rg_wcscat(char16_t*, const char16_t*);
char16_t* rg_wcsncat(char16_t*, const char16_t*, std::size_t);
const char16_t* rg_wcschr(const char16_t*, char16_t);
const char16_t* rg_wcsrchr(const char16_t*, char16_t);
const char16_t* rg_wcsstr(const char16_t*, const char16_t*);
char16_t* rg_wcsupr(char16_t*);
char16_t* rg_wcslwr(char16_t*);
int rg_wcscpy_s(char16_t*, std::size_t, const char16_t*);
int rg_wcsncpy_s(char16_t*, std::size_t, const char16_t*, std::size_t);
int rg_wcscat_s(char16_t*, std::size_t, const char16_t*);
int rg_wcsncat_s(char16_t*, std::size_t, const char16_t*, std::size_t);
int rg_swprintf(char16_t*, std::size_t, const char16_t*, ...);
int rg_snwprintf(char16_t*, std::size_t, const char16_t*, ...);
int rg_vswprintf(char16_t*, std::size_t, const char16_t*, va_list);
int rg_vsnwprintf(char16_t*, std::size_t, const char16_t*, va_list);
unsigned long rg_wcstoul(const char16_t*, char16_t**, int);
long rg_wcstol(const char16_t*, char16_t**, int);
int rg_wtoi(const char16_t*);
}

namespace regent::io::pe {

namespace {

constexpr std::size_t unbounded = 0x7FFFFFFF;

ULONG wcstoul_32(const char16_t* text, char16_t** end, int base) {
    return static_cast<ULONG>(rg_wcstoul(text, end, base));
}
LONG wcstol_32(const char16_t* text, char16_t** end, int base) { return static_cast<LONG>(rg_wcstol(text, end, base)); }
ULONG strtoul_32(const char* text, char** end, int base) {
    const unsigned long number = std::strtoul(text, end, base);
    return static_cast<ULONG>(std::min(number, 0xFFFFFFFFul));
}
LONG strtol_32(const char* text, char** end, int base) {
    return static_cast<LONG>(std::clamp(std::strtol(text, end, base), -0x80000000l, 0x7FFFFFFFl));
}
int atoi_32(const char* text) { return static_cast<int>(strtol_32(text, nullptr, 10)); }

char fold(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; }
int compare_folded(const char* a, const char* b, std::size_t count) {
    for (std::size_t i = 0; i < count; i++) {
        const int difference = static_cast<unsigned char>(fold(a[i])) - static_cast<unsigned char>(fold(b[i]));
        if (difference != 0 || a[i] == 0) return difference;
    }
    return 0;
}
int stricmp(const char* a, const char* b) { return compare_folded(a, b, unbounded); }
int strnicmp(const char* a, const char* b, std::size_t count) { return compare_folded(a, b, count); }
int tolower_ascii(int letter) { return letter >= 'A' && letter <= 'Z' ? letter + 32 : letter; }
int toupper_ascii(int letter) { return letter >= 'a' && letter <= 'z' ? letter - 32 : letter; }
char16_t towlower_ascii(char16_t letter) {
    return letter < 0x80 ? static_cast<char16_t>(tolower_ascii(letter)) : letter;
}
char16_t towupper_ascii(char16_t letter) {
    return letter < 0x80 ? static_cast<char16_t>(toupper_ascii(letter)) : letter;
}
int is_digit(int letter) { return letter >= '0' && letter <= '9'; }
int is_space(int letter) { return letter == ' ' || (letter >= 9 && letter <= 13); }

int vsnprintf_nt(char* to, std::size_t size, const char* format, va_list list) {
    rtl::VaListArguments arguments(list);
    const std::string text = rtl::format_narrow(format, arguments);
    const std::size_t copied = std::min(text.size(), size);
    std::memcpy(to, text.data(), copied);
    if (copied < size) to[copied] = 0;
    return copied == text.size() ? static_cast<int>(copied) : -1;
}
int vsprintf_nt(char* to, const char* format, va_list list) { return vsnprintf_nt(to, unbounded, format, list); }
int vswprintf_nt(char16_t* to, const char16_t* format, va_list list) {
    return rg_vsnwprintf(to, unbounded, format, list);
}

// The variadic forms of the three above.
#define RG_VARIADIC_FORM(name, character, base, ...)      \
    int name(__VA_ARGS__, const character* format, ...) { \
        va_list list;                                     \
        va_start(list, format);                           \
        const int count = base;                           \
        va_end(list);                                     \
        return count;                                     \
    }
RG_VARIADIC_FORM(snprintf_nt, char, vsnprintf_nt(to, size, format, list), char* to, std::size_t size)
RG_VARIADIC_FORM(sprintf_nt, char, vsprintf_nt(to, format, list), char* to)
RG_VARIADIC_FORM(swprintf_nt, char16_t, vswprintf_nt(to, format, list), char16_t* to)
#undef RG_VARIADIC_FORM

// The comparing routine is the driver's.
using Compare = int(const void*, const void*);
void sort(void* base, std::size_t count, std::size_t width, Compare* compare) {
    const auto call = [](const void* a, const void* b, void* routine) {
        return rtl::call_routine(reinterpret_cast<Compare*>(routine), a, b);
    };
    ::qsort_r(base, count, width, call, reinterpret_cast<void*>(compare));
}
void* search(const void* key, const void* base, std::size_t count, std::size_t width, Compare* compare) {
    const auto* first = static_cast<const char*>(base);
    while (count != 0) {
        const char* const middle = first + count / 2 * width;
        const int order = rtl::call_routine(compare, key, static_cast<const void*>(middle));
        if (order == 0) return const_cast<char*>(middle);
        if (order > 0) {
            first = middle + width;
            count -= 1;
        }
        count /= 2;
    }
    return nullptr;
}

PVOID system_routine_address(PUNICODE_STRING name) {
    return reinterpret_cast<PVOID>(find_export(rtl::to_utf8(rtl::view(name))));
}

// Inline functions of Windows' headers call the list's routines themselves: there must be some.
template <typename Routine>
Routine* or_export(Routine* routine, const char* name) {
    return routine != nullptr ? routine : reinterpret_cast<Routine*>(find_export(name));
}
template <auto initialize, typename List>
void initialize_lookaside(List* list, PALLOCATE_FUNCTION allocate, PFREE_FUNCTION release, ULONG flags, SIZE_T size,
                          ULONG tag, USHORT depth) {
    initialize(list, or_export(allocate, "ExAllocatePoolWithTag"), or_export(release, "ExFreePool"), flags, size, tag,
               depth);
}
constexpr auto initialize_nonpaged = &initialize_lookaside<&ExInitializeNPagedLookasideList, NPAGED_LOOKASIDE_LIST>;
constexpr auto initialize_paged = &initialize_lookaside<&ExInitializePagedLookasideList, PAGED_LOOKASIDE_LIST>;

using Find = const char*(const char*, int);
using FindText = const char*(const char*, const char*);

}  // namespace

std::span<const Export> library_functions() {
#define RG_AS(name, function) Bridge<&function>::make(name, true)
#define RG_WIDE(name) RG_AS(#name, rg_##name), RG_AS("rg_" #name, rg_##name)
#define RG_NARROW(name) RG_AS(#name, std::name)
    static const Export table[] = {
        // clang-format off
        RG_NARROW(memcmp), RG_NARROW(memcpy), RG_NARROW(memmove), RG_NARROW(memset), RG_NARROW(strcat),
        RG_NARROW(strcmp), RG_NARROW(strcpy), RG_NARROW(strlen), RG_NARROW(strncat), RG_NARROW(strncmp),
        RG_NARROW(strncpy), RG_NARROW(strspn), RG_NARROW(strcspn), RG_AS("strnlen", ::strnlen),
        Bridge<static_cast<Find*>(&std::strchr)>::make("strchr", true),
        Bridge<static_cast<Find*>(&std::strrchr)>::make("strrchr", true),
        Bridge<static_cast<FindText*>(&std::strstr)>::make("strstr", true), RG_AS("RtlCopyMemory", std::memcpy),
        RG_AS("RtlMoveMemory", std::memmove), RG_AS("_stricmp", stricmp), RG_AS("_strnicmp", strnicmp),
        RG_AS("strtoul", strtoul_32), RG_AS("strtol", strtol_32), RG_AS("atoi", atoi_32), RG_AS("atol", atoi_32),
        RG_AS("tolower", tolower_ascii), RG_AS("toupper", toupper_ascii), RG_AS("towlower", towlower_ascii),
        RG_AS("towupper", towupper_ascii), RG_AS("isdigit", is_digit), RG_AS("isspace", is_space), RG_WIDE(wcslen),
        RG_WIDE(wcsnlen), RG_WIDE(wcscmp), RG_WIDE(wcsncmp), RG_WIDE(wcscpy), RG_WIDE(wcsncpy), RG_WIDE(wcscat),
        RG_WIDE(wcsncat), RG_WIDE(wcschr), RG_WIDE(wcsrchr), RG_WIDE(wcsstr), RG_WIDE(wcscpy_s), RG_WIDE(wcsncpy_s),
        RG_WIDE(wcscat_s), RG_WIDE(wcsncat_s), RG_AS("_wcsicmp", rg_wcsicmp), RG_AS("rg_wcsicmp", rg_wcsicmp),
        RG_AS("_wcsnicmp", rg_wcsnicmp), RG_AS("rg_wcsnicmp", rg_wcsnicmp), RG_AS("_wcsupr", rg_wcsupr),
        RG_AS("rg_wcsupr", rg_wcsupr), RG_AS("_wcslwr", rg_wcslwr), RG_AS("rg_wcslwr", rg_wcslwr),
        RG_AS("_wtoi", rg_wtoi), RG_AS("_wtol", rg_wtoi), RG_AS("rg_wtoi", rg_wtoi), RG_AS("wcstoul", wcstoul_32),
        RG_AS("rg_wcstoul", wcstoul_32), RG_AS("wcstol", wcstol_32), RG_AS("rg_wcstol", wcstol_32),
        RG_AS("swprintf_s", rg_swprintf), RG_AS("rg_swprintf", rg_swprintf), RG_AS("_snwprintf", rg_snwprintf),
        RG_AS("rg_snwprintf", rg_snwprintf), RG_AS("_vsnwprintf", rg_vsnwprintf),
        RG_AS("rg_vsnwprintf", rg_vsnwprintf), RG_AS("vswprintf_s", rg_vswprintf),
        RG_AS("rg_vswprintf", rg_vswprintf), RG_AS("swprintf", swprintf_nt), RG_AS("vswprintf", vswprintf_nt),
        RG_AS("sprintf", sprintf_nt), RG_AS("_snprintf", snprintf_nt), RG_AS("sprintf_s", snprintf_nt),
        RG_AS("_vsnprintf", vsnprintf_nt), RG_AS("vsprintf_s", vsnprintf_nt), RG_AS("vsprintf", vsprintf_nt),
        RG_AS("qsort", sort), RG_AS("bsearch", search), RG_AS("MmGetSystemRoutineAddress", system_routine_address),
        Bridge<initialize_nonpaged>::make("ExInitializeNPagedLookasideList", false),
        Bridge<initialize_paged>::make("ExInitializePagedLookasideList", false),
        // clang-format on
    };
#undef RG_AS
#undef RG_WIDE
#undef RG_NARROW
    return table;
}

}  // namespace regent::io::pe
