#include "nt/capture.h"

namespace regent::nt {

namespace {

template <typename Word>
void copy_word(char16_t* to, const char16_t* from) {
    Word word;
    std::memcpy(&word, from, sizeof(word));
    std::memcpy(to, &word, sizeof(word));
}

constexpr std::size_t name_size = 32;                          // what is longer is mostly a path
using Eight = std::uint64_t __attribute__((vector_size(16)));  // units

// No byte is written twice, so that who reads pieces of the same lengths, or parts of them, waits for none
// (hive::same_spelling): memcpy ends with a piece over the one before.
void copy_units(char16_t* to, const char16_t* from, std::size_t count) {
    std::size_t at = 0;
    for (; at + 8 <= count; at += 8) copy_word<Eight>(to + at, from + at);
    if ((count & 4) != 0) {
        copy_word<std::uint64_t>(to + at, from + at);
        at += 4;
    }
    if ((count & 2) != 0) {
        copy_word<std::uint32_t>(to + at, from + at);
        at += 2;
    }
    if ((count & 1) != 0) to[at] = from[at];
}

}  // namespace

Result<void> CapturedString::capture(PCUNICODE_STRING string) {
    if (string == nullptr) return fail(STATUS_ACCESS_VIOLATION);
    const UNICODE_STRING copy = *string;
    if (copy.Length != 0 && copy.Buffer == nullptr) return fail(STATUS_ACCESS_VIOLATION);
    if ((copy.Length & 1) != 0) return fail(STATUS_OBJECT_NAME_INVALID);
    size_ = copy.Length / sizeof(char16_t);
    if (size_ <= name_size) {
        copy_units(short_, copy.Buffer, size_);
        return {};
    }
    if (size_ > short_size) long_.resize(size_);
    std::memcpy(size_ > short_size ? long_.data() : short_, copy.Buffer, copy.Length);
    return {};
}

Result<void> CapturedAttributes::capture(PCOBJECT_ATTRIBUTES attributes, Security security) {
    if (attributes == nullptr) return fail(STATUS_ACCESS_VIOLATION);
    const OBJECT_ATTRIBUTES copy = *attributes;
    if (copy.Length != sizeof(copy)) return fail(STATUS_INVALID_PARAMETER);
    if ((copy.Attributes & ~static_cast<ULONG>(OBJ_VALID_ATTRIBUTES)) != 0) return fail(STATUS_INVALID_PARAMETER);
    attributes_.root = copy.RootDirectory;
    attributes_.attributes = handle_attributes(copy.Attributes);
    if (copy.ObjectName != nullptr) {
        RG_TRY(name_.capture(copy.ObjectName));
        attributes_.name = name_.view();
    }
    if (security == Security::capture && copy.SecurityDescriptor != nullptr) {
        auto descriptor = se::capture_descriptor(copy.SecurityDescriptor);
        if (!descriptor) return std::unexpected(descriptor.error());
        attributes_.security = &security_.emplace(std::move(*descriptor));
    }
    return {};
}

Result<Bytes> input_buffer(const void* buffer, ULONG size) {
    if (buffer == nullptr && size != 0) return fail(STATUS_ACCESS_VIOLATION);
    return rtl::as_bytes(buffer, size);
}

Result<MutableBytes> output_buffer(void* buffer, ULONG size) {
    if (buffer == nullptr && size != 0) return fail(STATUS_ACCESS_VIOLATION);
    return MutableBytes(static_cast<std::byte*>(buffer), size);
}

ULONG handle_attributes(ULONG attributes) {
    if (!ob::current().kernel()) attributes &= ~static_cast<ULONG>(OBJ_KERNEL_HANDLE);
    return attributes;
}

}  // namespace regent::nt
