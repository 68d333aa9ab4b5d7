#include "nt/capture.h"

namespace regent::nt {

Result<void> CapturedString::capture(PCUNICODE_STRING string) {
    if (string == nullptr) return fail(STATUS_ACCESS_VIOLATION);
    const UNICODE_STRING copy = *string;
    if (copy.Length != 0 && copy.Buffer == nullptr) return fail(STATUS_ACCESS_VIOLATION);
    if ((copy.Length & 1) != 0) return fail(STATUS_OBJECT_NAME_INVALID);
    size_ = copy.Length / sizeof(char16_t);
    if (size_ > short_size) {
        long_.resize(size_);
        std::memcpy(long_.data(), copy.Buffer, copy.Length);
    } else if (size_ != 0) {
        std::memcpy(short_, copy.Buffer, copy.Length);
    }
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
