// NtQueryMultipleValueKey: several values under one hold of the hive's lock.
#include "cm/transacted_key.h"

namespace regent::cm {

namespace {

template <typename Key>
Result<ValuesOutcome> answer(const Key& key, std::span<ValueEntry> entries, MutableBytes out) {
    std::uint64_t used = 0;
    std::uint64_t needed = 0;
    bool overflow = false;
    for (ValueEntry& entry : entries) {
        const auto value = key.storage().find_value(key.cell(), entry.name);
        if (!value) return fail(STATUS_OBJECT_NAME_NOT_FOUND);
        const hive::ValueInfo info = key.storage().value_info(*value);
        const std::uint64_t at = (needed + 3) & ~std::uint64_t{3};
        needed = at + info.data_size;
        if (needed > UINT32_MAX) return fail(STATUS_INSUFFICIENT_RESOURCES);
        // What does not fit ends the answers: a smaller value behind it would lie in a gap (QM-1).
        overflow = overflow || needed > out.size();
        if (overflow) continue;
        if (info.data_size != 0) key.storage().read_value(*value, 0, out.subspan(at, info.data_size));
        used = needed;
        entry.answered = true;
        entry.type = info.type;
        entry.offset = static_cast<std::uint32_t>(at);
        entry.length = info.data_size;
    }
    return ValuesOutcome{overflow ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS, static_cast<std::uint32_t>(used),
                         static_cast<std::uint32_t>(needed)};
}

}  // namespace

Result<ValuesOutcome> query_values(const KeyBody& body, std::span<ValueEntry> entries, MutableBytes out) {
    if (body.bound() != nullptr) [[unlikely]] {
        TransactedKey key(body.block(), *body.bound()->transaction);
        RG_TRY(key.alive());
        return answer(key, entries, out);
    }
    const ReadKey key(body.block());
    RG_TRY(key.alive());
    return answer(key, entries, out);
}

}  // namespace regent::cm
