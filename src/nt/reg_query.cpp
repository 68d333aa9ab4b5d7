// NtQueryKey and NtEnumerateKey.
#include "cm/callback.h"
#include "nt/reg_key.h"
#include "nt/service.h"

namespace regent::nt::service {

// ERRORS, in this order: ACCESS_VIOLATION, INVALID_PARAMETER (class), the handle's, the callbacks', cm::query_key's.
NTSTATUS NtQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass, PVOID KeyInformation, ULONG Length,
                    PULONG ResultLength) {
    if (ResultLength == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto out = output_buffer(KeyInformation, Length);
    if (!out) return out.error().code();
    if (KeyInformationClass < 0 || KeyInformationClass >= MaxKeyInfoClass) return STATUS_INVALID_PARAMETER;
    const bool free = KeyInformationClass == KeyNameInformation || KeyInformationClass == KeyHandleTagsInformation;
    const auto key = reference_key(KeyHandle, free ? 0 : KEY_QUERY_VALUE);
    if (!key) return key.error().code();
    const auto query = [&] { return finish_query(cm::query_key(**key, KeyInformationClass, *out), ResultLength); };
    if (!cm::filter::any_registered()) return query();
    REG_QUERY_KEY_INFORMATION info{};
    info.Object = key->get();
    info.KeyInformationClass = KeyInformationClass;
    info.KeyInformation = KeyInformation;
    info.Length = Length;
    info.ResultLength = ResultLength;
    cm::filter::Operation operation(RegNtPreQueryKey, key->get(), &info);
    return operation.run(query);
}

// ERRORS: as NtQueryKey, then NO_MORE_ENTRIES.
NTSTATUS NtEnumerateKey(HANDLE KeyHandle, ULONG Index, KEY_INFORMATION_CLASS KeyInformationClass, PVOID KeyInformation,
                        ULONG Length, PULONG ResultLength) {
    if (ResultLength == nullptr) return STATUS_ACCESS_VIOLATION;
    const auto out = output_buffer(KeyInformation, Length);
    if (!out) return out.error().code();
    if (KeyInformationClass != KeyBasicInformation && KeyInformationClass != KeyNodeInformation &&
        KeyInformationClass != KeyFullInformation) {
        return STATUS_INVALID_PARAMETER;
    }
    const auto key = reference_key(KeyHandle, KEY_ENUMERATE_SUB_KEYS);
    if (!key) return key.error().code();
    const auto enumerate = [&] {
        return finish_query(cm::enumerate_key(**key, Index, KeyInformationClass, *out), ResultLength);
    };
    if (!cm::filter::any_registered()) return enumerate();
    REG_ENUMERATE_KEY_INFORMATION info{};
    info.Object = key->get();
    info.Index = Index;
    info.KeyInformationClass = KeyInformationClass;
    info.KeyInformation = KeyInformation;
    info.Length = Length;
    info.ResultLength = ResultLength;
    cm::filter::Operation operation(RegNtPreEnumerateKey, key->get(), &info);
    return operation.run(enumerate);
}

}  // namespace regent::nt::service
