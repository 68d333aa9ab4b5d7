// Objects: a header with two counts in front of a body, and the type that gives the body its procedures.
//
//   [ObjectHeader][body ...]      everybody outside this floor holds the body's address, as NT's drivers do
//
// The pointer count keeps the memory; the handle count keeps the name of a temporary object. When the last handle goes,
// the type's close procedure has run with system_handle_count 1 and the name is gone; when the last pointer goes, the
// type's destroy procedure runs and the memory is freed.
#pragma once

#include <atomic>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "nt/ntobapi.h"
#include "nt/ntseapi.h"
#include "rtl/ref.h"
#include "rtl/status.h"
#include "rtl/utf16.h"
#include "se/descriptor.h"
#include "se/token.h"

namespace regent::ob {

using se::kernel_mode;
using se::user_mode;

class Directory;
class Process;
struct ParseRequest;
struct ParseOutcome;
struct ObjectType;

enum class OpenReason { create, open, duplicate, inherit };

// One call of ObQueryNameString.
struct NameQuery {
    void* object;
    POBJECT_NAME_INFORMATION information;
    ULONG length;
    PULONG return_length;
    NTSTATUS run() const;
};

// What a type does with its objects; any procedure may be null. Called with no lock of this floor held.
struct TypeProcedures {
    // A handle was made; may refuse (then the handle is not made).
    Result<void> (*open)(OpenReason reason, Process& process, void* body, ACCESS_MASK granted) = nullptr;
    // A handle goes away. `system_handle_count` is the count before: exactly one close of several sees 1, the last one.
    // Handles are not counted by process: `process_handle_count` is 0.
    void (*close)(Process& process, void* body, ACCESS_MASK granted, std::int64_t process_handle_count,
                  std::int64_t system_handle_count) = nullptr;
    // The last pointer is gone: tear the body down (its memory belongs to the header).
    void (*destroy)(void* body) = nullptr;
    // Resolves the rest of a path below the object; see ob/lookup.h.
    Result<ParseOutcome> (*parse)(ParseRequest& request) = nullptr;
    // The full NT path. Types without it are named by their directory entries.
    Result<Utf16> (*query_name)(void* body) = nullptr;
    // ObQueryNameString on the way to its work: a type may tell others first. Null: nobody is told.
    NTSTATUS (*announce_name_query)(void* body, const NameQuery& query) = nullptr;
    // The descriptor in force. Types without these two keep it in the header.
    Result<se::SecurityDescriptor> (*query_security)(void* body) = nullptr;
    Result<void> (*set_security)(void* body, SECURITY_INFORMATION what, se::DescriptorView modification,
                                 const se::Token& token) = nullptr;
};

// A type is itself an object (in \ObjectTypes). Immutable after creation.
struct ObjectType {
    Utf16 name;
    GENERIC_MAPPING mapping{};
    ACCESS_MASK valid_access = STANDARD_RIGHTS_ALL;
    bool case_insensitive = false;  // names below objects of this type fold whatever the caller asked
    TypeProcedures procedures;
    // Where a body has the DISPATCHER_HEADER that a wait on a handle waits for; below 0: none.
    std::int32_t wait_offset = -1;
};

// A descriptor that objects and readers share. Immutable.
struct SecurityBlock final : rtl::RefCounted {
    explicit SecurityBlock(se::SecurityDescriptor given) : descriptor(std::move(given)) {}
    const se::SecurityDescriptor descriptor;
};

struct alignas(16) ObjectHeader {
    std::atomic<std::int64_t> pointer_count{1};
    std::atomic<std::int64_t> handle_count{0};
    ObjectType* type = nullptr;
    std::atomic<std::uint32_t> flags{0};
    std::uint32_t body_size = 0;
    std::int64_t creation_time = 0;
    // The directory entry that names the object, guarded by the namespace lock; that there is none may be read without.
    // The directory is referenced.
    std::atomic<Directory*> directory{nullptr};
    Utf16 name;
    // Default security; null when none. Reached only through ob/security.h.
    Ref<const SecurityBlock> security;

    static constexpr std::uint32_t flag_permanent = 1;  // the name outlives the handles
};

inline ObjectHeader& header_of(const void* body) { return *(static_cast<ObjectHeader*>(const_cast<void*>(body)) - 1); }
inline void* body_of(ObjectHeader& header) { return &header + 1; }
inline const ObjectType& type_of(const void* body) { return *header_of(body).type; }

// While a type's destroy runs the count is this, so that a reference which destroy's callees take and drop again does
// not destroy the object twice. One that they keep makes the object's memory stay for ever: nobody can use it safely.
inline constexpr std::int64_t dying_count = std::int64_t{-1} << 40;
// REQUIRES: called by a type's destroy.
inline bool referenced_again(const void* body) {
    return header_of(body).pointer_count.load(std::memory_order_acquire) != dying_count;
}

// Raw counting, for the C surface; our own code uses ObjectRef.
inline void reference(const void* body) { header_of(body).pointer_count.fetch_add(1, std::memory_order_relaxed); }
// False when the object is already being destroyed (its count was 0).
bool try_reference(const void* body);
void destroy_object(ObjectHeader& header);  // whose last pointer is gone
inline void dereference(const void* body) {
    ObjectHeader& header = header_of(body);
    const std::int64_t before = header.pointer_count.fetch_sub(1, std::memory_order_acq_rel);
    RG_ASSERT(before > 0 || (before < 0 && before > dying_count));
    if (before == 1) [[unlikely]]
        destroy_object(header);
}

// One pointer count.
template <typename T>
class ObjectRef {
public:
    ObjectRef() = default;
    ObjectRef(std::nullptr_t) {}
    static ObjectRef adopt(T* body) {
        ObjectRef ref;
        ref.body_ = body;
        return ref;
    }
    static ObjectRef retain(T* body) {
        if (body != nullptr) reference(body);
        return adopt(body);
    }
    ObjectRef(const ObjectRef& other) : body_(other.body_) {
        if (body_ != nullptr) reference(body_);
    }
    ObjectRef(ObjectRef&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
    template <typename U>
        requires std::is_convertible_v<U*, T*>
    ObjectRef(ObjectRef<U> other) : body_(other.release()) {}
    ObjectRef& operator=(ObjectRef other) noexcept {
        std::swap(body_, other.body_);
        return *this;
    }
    ~ObjectRef() {
        if (body_ != nullptr) dereference(body_);
    }

    T* get() const { return body_; }
    T* operator->() const { return body_; }
    std::add_lvalue_reference_t<T> operator*() const
        requires(!std::is_void_v<T>)
    {
        return *body_;
    }
    explicit operator bool() const { return body_ != nullptr; }
    [[nodiscard]] T* release() { return std::exchange(body_, nullptr); }
    // The same object under the type its ObjectType promises. REQUIRES: the caller checked the type.
    template <typename U>
    ObjectRef<U> as() && {
        return ObjectRef<U>::adopt(static_cast<U*>(release()));
    }
    friend bool operator==(const ObjectRef& a, const ObjectRef& b) { return a.body_ == b.body_; }

private:
    T* body_ = nullptr;
};

// A new, unnamed object with one pointer; its body is `size` zero bytes. ERRORS: INSUFFICIENT_RESOURCES.
Result<ObjectRef<void>> create_object(ObjectType& type, std::size_t size);

// The same with a C++ body; the type's destroy procedure is to be destroy_body<T> (or to call it last).
template <typename T, typename... Args>
Result<ObjectRef<T>> create_body(ObjectType& type, Args&&... args) {
    static_assert(alignof(T) <= alignof(ObjectHeader), "a body follows its header");
    auto object = create_object(type, sizeof(T));
    if (!object) return std::unexpected(object.error());
    return ObjectRef<T>::adopt(new (object->release()) T(std::forward<Args>(args)...));
}
template <typename T>
void destroy_body(void* body) {
    static_cast<T*>(body)->~T();
}

}  // namespace regent::ob
