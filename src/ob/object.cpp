#include "ob/object.h"

#include "ob/namespace.h"
#include "rtl/time.h"

namespace regent::ob {

Result<ObjectRef<void>> create_object(ObjectType& type, std::size_t size) {
    // The object allocator: one block for header and body, zeroed, as drivers expect of fresh bodies.
    static_assert(alignof(ObjectHeader) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    void* memory = ::operator new(sizeof(ObjectHeader) + size, std::nothrow);
    if (memory == nullptr) return fail(STATUS_INSUFFICIENT_RESOURCES);
    auto* header = new (memory) ObjectHeader;
    header->type = &type;
    header->body_size = static_cast<std::uint32_t>(size);
    header->creation_time = rtl::nt_time_tick();
    std::memset(body_of(*header), 0, size);
    return ObjectRef<void>::adopt(body_of(*header));
}

bool try_reference(const void* body) {
    auto& count = header_of(body).pointer_count;
    std::int64_t seen = count.load(std::memory_order_relaxed);
    while (seen > 0) {
        if (count.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) return true;
    }
    return false;
}

void destroy_object(ObjectHeader& header) {
    // A name is a reference, so the object has none here.
    if (auto destroy = header.type->procedures.destroy) {
        header.pointer_count.store(dying_count, std::memory_order_relaxed);
        destroy(body_of(header));
        if (referenced_again(body_of(header))) return;
    }
    header.~ObjectHeader();
    ::operator delete(&header);
}

}  // namespace regent::ob
