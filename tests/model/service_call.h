// What a sequence needs around its calls: names, descriptors as bytes, and the registry's side of comparisons.
#pragma once

#include <string>

#include "nt/ntobapi.h"
#include "registry_model.h"

namespace regent::test {

inline const HANDLE bad_handle = reinterpret_cast<HANDLE>(0xFFFF0);

struct ServiceName {
    explicit ServiceName(Utf16 name, HANDLE root = nullptr, ULONG flags = OBJ_CASE_INSENSITIVE)
        : text(std::move(name)), string(rtl::unicode_string(text)) {
        InitializeObjectAttributes(&attributes, &string, flags, root, nullptr);
    }
    ServiceName(const ServiceName&) = delete;
    ServiceName& operator=(const ServiceName&) = delete;
    Utf16 text;
    UNICODE_STRING string;
    OBJECT_ATTRIBUTES attributes{};
};

// A self-relative descriptor with a DACL for everybody.
class SecurityBytes {
public:
    explicit SecurityBytes(const ModelDacl& dacl);
    void* pointer() { return bytes_.data(); }

private:
    Data bytes_;
};
bool is_dacl(const std::byte* descriptor, std::size_t size, const ModelDacl& dacl);

std::string hex(unsigned long long number);
std::string printable(Utf16View text);

// Empty: NtQueryMultipleValueKey answers so. `choice` chooses the length of the buffer.
std::string check_several(HANDLE key, const std::vector<Utf16>& names, NTSTATUS expected,
                          const std::vector<const ModelValue*>& values, unsigned choice, bool remote);
// Empty: RgReadTree tells these keys, whatever room it has; `choice` chooses that.
std::string check_tree(HANDLE key, NTSTATUS expected, const std::vector<ModelTreeKey>& keys, unsigned choice);
// Empty: the key holds these values and as many subkeys. `key` may read.
std::string compare_key(HANDLE key, const ModelKey& model);

void close_real(HANDLE& handle);
// Opens a subkey, a link itself, whatever its descriptor says: the owner may change that.
NTSTATUS open_to_clean(HANDLE parent, const Utf16& name, HANDLE* key);
void remove_tree(HANDLE key);
// Waits for a notification's completion that is on its way; ten seconds at most.
NTSTATUS completed_status(IO_STATUS_BLOCK& block);

}  // namespace regent::test
