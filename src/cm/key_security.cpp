// Descriptors of keys: they live in the hive, one copy for all keys that share it.
#include "cm/transacted_key.h"
#include "se/access.h"
#include "se/audit.h"

namespace regent::cm {

std::optional<se::DescriptorView> security_of_cell(const hive::Hive& storage, hive::CellIndex cell) {
    for (; cell != hive::nil_cell; cell = storage.parent(cell)) {
        const auto view = se::DescriptorView::validate(storage.security(cell));
        if (view) return *view;
    }
    return std::nullopt;
}

std::optional<se::DescriptorView> security_locked(const KeyControlBlock& block) {
    using Security = KeyControlBlock::Security;
    const hive::Hive& storage = block.hive().storage();
    auto& state = const_cast<KeyControlBlock&>(block).security_state;  // a remembered answer, not part of the key
    const Security known = state.load(std::memory_order_acquire);
    if (known == Security::sound) return se::DescriptorView::trusted(storage.security(block.cell()));
    if (known == Security::unknown) {
        const auto view = se::DescriptorView::validate(storage.security(block.cell()));
        state.store(view ? Security::sound : Security::damaged, std::memory_order_release);
        if (view) return *view;
    }
    return security_of_cell(storage, storage.parent(block.cell()));
}

namespace {

// What the executive is checked against: nothing.
Result<ACCESS_MASK> grant_to_kernel(const se::Token& token, ACCESS_MASK desired) {
    static const se::SecurityDescriptor nobody;
    return se::access_check(nobody.view(), token, desired, key_mapping, se::kernel_mode);
}

AccessQuestion question_of(const KeyControlBlock& block, std::uint64_t place, const se::Token& token,
                           ACCESS_MASK desired) {
    return {place, block.hive().serial(), token.answer_id(), token.enabled(), desired};
}

bool is_audited(se::DescriptorView descriptor, KPROCESSOR_MODE mode) {
    return ob::audits_anything() && mode != se::kernel_mode && se::has_audit_entries(descriptor);
}

void audit_answer(const KeyControlBlock& block, se::DescriptorView descriptor, const se::Token& token,
                  ACCESS_MASK desired, const Result<ACCESS_MASK>& answer, ob::AuditMarks* marks) {
    const ACCESS_MASK access = answer ? *answer : se::map_generic(desired, key_mapping);
    const ACCESS_MASK rights = se::audited_rights(descriptor, token, access, answer.has_value(), key_mapping);
    if (answer && marks != nullptr) {
        marks->rights = rights;
    } else if (rights != 0) {
        ob::record_check(key_type().name, block.path(), answer ? rights : access, answer.has_value());
    }
}

bool is_current(const KeyControlBlock& block, std::uint64_t place) {
    return static_cast<std::uint32_t>(place >> 32) == block.hive().descriptor_generation();
}

}  // namespace

std::uint64_t descriptor_place_locked(const KeyControlBlock& block) {
    auto& place = const_cast<KeyControlBlock&>(block).descriptor_place;  // a remembered answer, not part of the key
    std::uint64_t known = place.load(std::memory_order_acquire);
    if (is_current(block, known)) return known;
    const hive::CellIndex cell = block.hive().storage().security_cell(block.cell());
    known = std::uint64_t{block.hive().descriptor_generation()} << 32 | cell;
    place.store(known, std::memory_order_release);
    return known;
}

std::optional<ACCESS_MASK> known_access(const KeyControlBlock& block, const se::Token& token, ACCESS_MASK desired,
                                        KPROCESSOR_MODE mode) {
    if (mode == se::kernel_mode) return *grant_to_kernel(token, desired);
    const std::uint64_t place = block.descriptor_place.load(std::memory_order_acquire);
    if (!is_current(block, place)) return std::nullopt;
    return access_cache().find(question_of(block, place, token, desired));
}

Result<ACCESS_MASK> check_descriptor(const KeyControlBlock& block, se::DescriptorView descriptor,
                                     const se::Token& token, ACCESS_MASK desired, KPROCESSOR_MODE mode,
                                     ob::AuditMarks* marks) {
    se::PrivilegeSet used = 0;
    const auto granted = se::access_check(descriptor, token, desired, key_mapping, mode, 0, &used);
    if (is_audited(descriptor, mode)) [[unlikely]]
        audit_answer(block, descriptor, token, desired, granted, marks);
    if (marks != nullptr) marks->privileges = used;
    return granted;
}

ob::AuditMarks audit_of_grant(const std::optional<se::DescriptorView>& descriptor, const se::Token& token,
                              ACCESS_MASK granted, KPROCESSOR_MODE mode) {
    ob::AuditMarks marks;
    if (!descriptor || !is_audited(*descriptor, mode)) [[likely]]
        return marks;
    marks.rights = se::audited_rights(*descriptor, token, granted, true, key_mapping);
    if ((granted & ACCESS_SYSTEM_SECURITY) != 0) marks.privileges = se::privilege_bit(SE_SECURITY_PRIVILEGE);
    return marks;
}

Result<ACCESS_MASK> check_access_locked(const KeyControlBlock& block, const se::Token& token, ACCESS_MASK desired,
                                        KPROCESSOR_MODE mode, ob::AuditMarks* marks) {
    // Only answers of sound descriptors are remembered, so that one says that this is sound.
    const std::uint64_t place = descriptor_place_locked(block);
    if (const auto known = known_access(block, token, desired, mode)) return *known;
    // Nothing sound in the whole hive: only the executive itself gets in, to repair it.
    const auto descriptor = security_locked(block);
    if (!descriptor) return fail(STATUS_ACCESS_DENIED);
    // Before the check: what is enabled now is what it says at most.
    const bool own = block.security_state.load(std::memory_order_acquire) == KeyControlBlock::Security::sound;
    const AccessQuestion question = question_of(block, place, token, desired);
    const ACCESS_MASK granted = RG_TRY(check_descriptor(block, *descriptor, token, desired, mode, marks));
    if (own && !is_audited(*descriptor, mode) && token.enabled() == question.privileges &&
        token.answer_id() == question.token)
        access_cache().remember(question, granted);
    return granted;
}

Result<ACCESS_MASK> check_key_access(const KeyBody& key, const se::Token& token, ACCESS_MASK desired,
                                     KPROCESSOR_MODE mode, ob::AuditMarks* marks) {
    if (key.bound() != nullptr) {
        TransactedKey transacted(key.block(), *key.bound()->transaction);
        RG_TRY(transacted.alive());
        return transacted.check_access(token, desired, mode, marks);
    }
    const ReadKey read(key.block());
    RG_TRY(read.alive());
    return check_access_locked(key.block(), token, desired, mode, marks);
}

Result<se::SecurityDescriptor> query_key_security(const KeyBody& key) {
    if (key.bound() != nullptr) {
        TransactedKey transacted(key.block(), *key.bound()->transaction);
        RG_TRY(transacted.alive());
        const auto descriptor = transacted.security();
        return descriptor ? se::SecurityDescriptor::copy_of(*descriptor) : se::SecurityDescriptor();
    }
    const ReadKey read(key.block());
    RG_TRY(read.alive());
    const auto descriptor = security_locked(key.block());
    if (!descriptor) return se::SecurityDescriptor();
    return se::SecurityDescriptor::copy_of(*descriptor);
}

namespace {

Result<void> set_transacted(const KeyBody& body, SECURITY_INFORMATION what, se::DescriptorView modification,
                            const se::Token& token) {
    TransactedKey key(body.block(), *body.bound()->transaction);
    RG_TRY(key.writable());
    if (body.block().hive().options().application) return fail(STATUS_ACCESS_DENIED);
    const auto current = key.security();
    const se::SecurityDescriptor none;
    const se::SecurityDescriptor merged =
        RG_TRY(se::merge_descriptor(current ? *current : none.view(), modification, what, token, key_mapping));
    const std::int64_t time = key.next_time();
    const auto content = RG_TRY(key.change_content(REG_NOTIFY_CHANGE_SECURITY));
    return content.storage.set_security(content.cell, merged.bytes(), time);
}

}  // namespace

Result<void> set_key_security(KeyBody& key, SECURITY_INFORMATION what, se::DescriptorView modification,
                              const se::Token& token) {
    if (key.bound() != nullptr) return set_transacted(key, what, modification, token);
    WriteKey write(key.block());
    RG_TRY(write.writable());
    // All keys of an application hive share what its loading set (HV-3).
    if (key.block().hive().options().application) return fail(STATUS_ACCESS_DENIED);
    const auto current = security_locked(key.block());
    const se::SecurityDescriptor none;
    const se::SecurityDescriptor merged =
        RG_TRY(se::merge_descriptor(current ? *current : none.view(), modification, what, token, key_mapping));
    RG_TRY(write.storage().set_security(write.cell(), merged.bytes(), write.next_time(write.cell())));
    key.block().security_state.store(KeyControlBlock::Security::unknown, std::memory_order_release);
    const Result<void> done = write.done();
    notifier().report(key.block(), REG_NOTIFY_CHANGE_SECURITY);
    return done;
}

}  // namespace regent::cm
