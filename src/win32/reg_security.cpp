// Change notification and security of keys.
#include <memory>
#include <unordered_map>
#include <vector>

#include "nt/ntservices.h"
#include "rtl/lock.h"
#include "win32/predefined.h"
#include "win32/value.h"

using namespace regent;
using namespace regent::win32;

namespace {

// The status blocks that pending notifications write into when they complete. They are never freed, only used again
// once complete: a completion may be on its way while the key is being closed. So there are as many as were ever
// pending at once on one handle value. Internally synchronised by lock_; no Nt call is made under it.
class PendingBlocks {
public:
    // A block for a new request on `key`: one of a completed request, else a new one.
    IO_STATUS_BLOCK* acquire(HANDLE key) {
        ExclusiveGuard guard(lock_);
        auto& blocks = blocks_[key];
        for (auto& block : blocks) {
            if (__atomic_load_n(&block->Status, __ATOMIC_ACQUIRE) != STATUS_PENDING) {
                block->Status = STATUS_PENDING;
                return block.get();
            }
        }
        blocks.push_back(std::make_unique<IO_STATUS_BLOCK>());
        blocks.back()->Status = STATUS_PENDING;
        return blocks.back().get();
    }

private:
    Mutex<LockRank::leaf> lock_;
    std::unordered_map<HANDLE, std::vector<std::unique_ptr<IO_STATUS_BLOCK>>> blocks_ RG_GUARDED_BY(lock_);
};

PendingBlocks& pending_blocks() {
    // Never destroyed: a request that is pending at exit may still complete.
    static PendingBlocks& blocks = *new PendingBlocks;
    return blocks;
}

// The request belongs to the caller's own handle, which ends it when it is closed; the other side of
// HKEY_CLASSES_ROOT is watched by its name.
NTSTATUS notify(const KeyReference& key, HANDLE event, IO_STATUS_BLOCK* block, ULONG filter, BOOLEAN subtree,
                BOOL asynchronous) {
    const BOOLEAN pends = asynchronous ? TRUE : FALSE;
    if (key.twin() == nullptr) {
        return NtNotifyChangeKey(key.own(), event, nullptr, nullptr, block, filter, subtree, nullptr, 0, pends);
    }
    Utf16 path;
    if (const NTSTATUS status = query_path(key.twin(), &path); !NT_SUCCESS(status)) return status;
    UNICODE_STRING name = rtl::unicode_string(path);
    OBJECT_ATTRIBUTES twin;
    InitializeObjectAttributes(&twin, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    return NtNotifyChangeMultipleKeys(key.own(), 1, &twin, event, nullptr, nullptr, block, filter, subtree, nullptr, 0,
                                      pends);
}

}  // namespace

extern "C" {

LSTATUS WINAPI RegNotifyChangeKeyValue(HKEY hKey, BOOL bWatchSubtree, DWORD dwNotifyFilter, HANDLE hEvent,
                                       BOOL fAsynchronous) {
    if (fAsynchronous && hEvent == nullptr) return ERROR_INVALID_PARAMETER;
    KeyReference key(hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    IO_STATUS_BLOCK local;
    local.Status = STATUS_PENDING;
    IO_STATUS_BLOCK* block = fAsynchronous ? pending_blocks().acquire(key.own()) : &local;
    NTSTATUS status = notify(key, hEvent, block, dwNotifyFilter, bWatchSubtree ? TRUE : FALSE, fAsynchronous);
    if (!NT_SUCCESS(status)) {
        if (fAsynchronous) __atomic_store_n(&block->Status, status, __ATOMIC_RELEASE);
        return to_error(status);
    }
    return ERROR_SUCCESS;
}

LSTATUS WINAPI RegGetKeySecurity(HKEY hKey, SECURITY_INFORMATION SecurityInformation,
                                 PSECURITY_DESCRIPTOR pSecurityDescriptor, LPDWORD lpcbSecurityDescriptor) {
    if (lpcbSecurityDescriptor == nullptr) return ERROR_INVALID_PARAMETER;
    KeyReference key(hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    ULONG needed = 0;
    NTSTATUS status =
        NtQuerySecurityObject(key.handle(), SecurityInformation, pSecurityDescriptor, *lpcbSecurityDescriptor, &needed);
    if (NT_SUCCESS(status) || status == STATUS_BUFFER_TOO_SMALL) *lpcbSecurityDescriptor = needed;
    return to_error(status);
}

LSTATUS WINAPI RegSetKeySecurity(HKEY hKey, SECURITY_INFORMATION SecurityInformation,
                                 PSECURITY_DESCRIPTOR pSecurityDescriptor) {
    KeyReference key(hKey);
    if (!NT_SUCCESS(key.status())) return to_error(key.status());
    return to_error(NtSetSecurityObject(key.handle(), SecurityInformation, pSecurityDescriptor));
}
}
