// A client that fills a hive and flushes it: prints how many values were set and what the flush said.
// usage: flush_client VALUES BYTES
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "nt/ntservices.h"
#include "nt/ntstatus.h"
#include "rtl/status.h"
#include "rtl/utf16.h"

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    const int values = std::atoi(argv[1]);
    std::vector<char> data(static_cast<std::size_t>(std::atoi(argv[2])), 'x');
    const regent::Utf16 path = u"\\Registry\\Machine\\Software\\Filler";
    UNICODE_STRING name = regent::rtl::unicode_string(path);
    OBJECT_ATTRIBUTES attributes{};
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    HANDLE key = nullptr;
    if (!NT_SUCCESS(NtCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, nullptr, 0, nullptr))) return 1;
    int set = 0;
    for (int i = 0; i < values; ++i) {
        const regent::Utf16 text = regent::rtl::from_utf8("v" + std::to_string(i));
        UNICODE_STRING value = regent::rtl::unicode_string(text);
        set += NT_SUCCESS(NtSetValueKey(key, &value, 0, REG_BINARY, data.data(), static_cast<ULONG>(data.size())));
    }
    const NTSTATUS flushed = NtFlushKey(key);
    NtClose(key);
    std::printf("{\"set\":%d,\"flush\":\"%s\"}\n", set, regent::rtl::status_name(flushed));
    return 0;
}
