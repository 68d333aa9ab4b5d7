// A client that counts what it does: four threads create keys at once (some creations fail on purpose), set, query,
// enumerate and delete; the last line is a JSON object with the counts by operation and outcome. The monitor's test
// compares it with what regmon recorded of this process.
// usage: counted_client ROUNDS
#include <unistd.h>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "nt/ntobapi.h"
#include "nt/ntregapi.h"
#include "nt/ntseapi.h"
#include "nt/ntservices.h"
#include "nt/ntstatus.h"

namespace {

struct Count {
    const char* operation;
    std::atomic<unsigned> good{0};
    std::atomic<unsigned> bad{0};
};

Count creates{"RegCreateKey"}, opens{"RegOpenKey"}, sets{"RegSetValue"}, queries{"RegQueryValue"},
    deletes{"RegDeleteKey"}, closes{"RegCloseKey"};

NTSTATUS counted(Count& count, NTSTATUS status) {
    (NT_SUCCESS(status) ? count.good : count.bad).fetch_add(1);
    return status;
}

UNICODE_STRING unicode(std::u16string_view text) {
    UNICODE_STRING string{};
    string.Length = static_cast<USHORT>(text.size() * 2);
    string.MaximumLength = string.Length;
    string.Buffer = const_cast<char16_t*>(text.data());
    return string;
}

NTSTATUS create(HANDLE* key, HANDLE root, std::u16string_view path) {
    UNICODE_STRING name = unicode(path);
    OBJECT_ATTRIBUTES attributes{};
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, root, nullptr);
    return counted(creates, NtCreateKey(key, KEY_ALL_ACCESS, &attributes, 0, nullptr, 0, nullptr));
}

void close(HANDLE key) { counted(closes, NtClose(key)); }

std::u16string number(unsigned n) {
    const std::string digits = std::to_string(n);
    return {digits.begin(), digits.end()};
}

void work(HANDLE base, unsigned thread, unsigned rounds) {
    UNICODE_STRING value = unicode(u"Value"), missing = unicode(u"Missing");
    for (unsigned i = 0; i < rounds; ++i) {
        HANDLE key = nullptr;
        const std::u16string name = u"T" + number(thread) + u"-" + number(i);
        if (!NT_SUCCESS(create(&key, base, name))) std::exit(1);
        HANDLE failed = nullptr;
        if (NT_SUCCESS(create(&failed, key, u"no\\such\\parent"))) std::exit(1);
        ULONG data = i, size = 0;
        counted(sets, NtSetValueKey(key, &value, 0, REG_DWORD, &data, sizeof data));
        alignas(8) unsigned char out[64];
        counted(queries, NtQueryValueKey(key, &value, KeyValuePartialInformation, out, sizeof out, &size));
        counted(queries, NtQueryValueKey(key, &missing, KeyValuePartialInformation, out, sizeof out, &size));
        UNICODE_STRING absent = unicode(u"Absent");
        OBJECT_ATTRIBUTES attributes{};
        InitializeObjectAttributes(&attributes, &absent, OBJ_CASE_INSENSITIVE, key, nullptr);
        counted(opens, NtOpenKey(&failed, KEY_READ, &attributes));
        if (i % 2 == 0) counted(deletes, NtDeleteKey(key));
        close(key);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const unsigned rounds = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 100;
    HANDLE base = nullptr;
    if (!NT_SUCCESS(create(&base, nullptr, u"\\Registry\\Machine\\Software\\CountedClient"))) {
        std::fprintf(stderr, "counted_client: cannot create its key\n");
        return 1;
    }
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t) threads.emplace_back(work, base, t, rounds);
    for (auto& thread : threads) thread.join();
    close(base);
    std::printf("{\"pid\":%d", static_cast<int>(getpid()));
    for (const Count* count : std::array{&creates, &opens, &sets, &queries, &deletes, &closes}) {
        std::printf(",\"%s\":[%u,%u]", count->operation, count->good.load(), count->bad.load());
    }
    std::printf("}\n");
    return 0;
}
