#include "cm/parse.h"

#include <cstring>

#include "cm/transacted_key.h"
#include "ob/process.h"
#include "se/access.h"

namespace regent::cm {

constinit thread_local bool expects_new_key __attribute__((tls_model("initial-exec"))) = false;

namespace {

constexpr Utf16View link_value_name = u"SymbolicLinkValue";

// One walk below one starting object. `rest` is what is left of the path.
class Walk {
public:
    Walk(ob::ParseRequest& request, KeyParse* parse)
        : request_(request),
          parse_(parse),
          transaction_(parse != nullptr && parse->bound ? parse->bound->transaction.get() : nullptr),
          rest_(request.remaining) {}

    // `first`: the caller has `start` open and names it by what is left of the path, maybe by nothing.
    Result<ob::ParseOutcome> run(KeyControlBlock& start, bool first) {
        for (;;) {
            auto outcome = walk(start, first);
            // A key that went away since the path led to it says nothing about where the path leads now.
            if (outcome || outcome.error().code() != STATUS_KEY_DELETED || start.deleted()) return outcome;
            rest_ = request_.remaining;
        }
    }

private:
    Result<ob::ParseOutcome> walk(KeyControlBlock& start, bool first) {
        auto at = Ref<KeyControlBlock>::retain(&start);
        for (;; first = false) {
            if (parse_ != nullptr && !parse_->may_enter(at->hive())) return fail(STATUS_ACCESS_DENIED);
            const Utf16View before = rest_;
            const Utf16View component = take_component(rest_);
            if (at->is_link() && follows(component, first)) {
                rest_ = before;
                return reparse(*at);
            }
            if (component.empty()) return finish(*at);
            if (creates() && rest_.empty()) {
                auto made = create_unseen(*at, component);
                if (!made) return std::unexpected(made.error());
                if (*made) return ob::ParseOutcome::found(std::move(*made));
            }
            auto next = step(*at, component);
            if (!next) return std::unexpected(next.error());
            if (*next) {
                at = std::move(*next);
                continue;
            }
            if (!creates() || !rest_.empty()) return fail(STATUS_OBJECT_NAME_NOT_FOUND);
            auto made = create(*at, component);
            if (!made) return std::unexpected(made.error());
            if (*made) return ob::ParseOutcome::found(std::move(*made));
            rest_ = before;  // somebody else created it meanwhile: go again from the same parent
        }
    }

    bool creates() const { return parse_ != nullptr && parse_->request.create; }
    ULONG options() const { return parse_ != nullptr ? parse_->request.options : 0; }

    // A link on the way is followed; the last component is not with OBJ_OPENLINK, nor when a new link is to be made in
    // its place (SL-5, SL-6); nor is the key that the caller starts from and names by nothing more (SL-9).
    bool follows(Utf16View component, bool first) const {
        if (!component.empty()) return true;
        if (first || (request_.attributes & OBJ_OPENLINK) != 0) return false;
        return !(creates() && (options() & REG_OPTION_CREATE_LINK) != 0);
    }

    template <typename Key>
    static Result<Utf16> read_target(const Key& key) {
        const auto value = key.storage().find_value(key.cell(), link_value_name);
        if (!value) return fail(STATUS_OBJECT_NAME_NOT_FOUND);
        const hive::ValueInfo info = key.storage().value_info(*value);
        if (info.type != REG_LINK || info.data_size > 0xFFFE) return fail(STATUS_OBJECT_NAME_NOT_FOUND);
        Utf16 path(info.data_size / sizeof(char16_t), u'\0');
        key.storage().read_value(*value, 0, std::as_writable_bytes(std::span(path)));
        return path;
    }

    Result<Utf16> target_of(KeyControlBlock& link) const {
        if (transaction_ != nullptr) {
            TransactedKey key(link, *transaction_);
            RG_TRY(key.alive());
            return read_target(key);
        }
        const ReadKey key(link);
        RG_TRY(key.alive());
        return read_target(key);
    }

    // ERRORS: OBJECT_NAME_NOT_FOUND, OBJECT_NAME_INVALID, ACCESS_DENIED (a link that is not trusted, in a walk that
    // cannot remember it).
    Result<ob::ParseOutcome> reparse(KeyControlBlock& link) {
        Utf16 path = RG_TRY(target_of(link));
        if (!link.hive().trusted()) {
            if (parse_ == nullptr) return fail(STATUS_ACCESS_DENIED);
            parse_->link_class = link.hive().trust_class();
        }
        if (path.empty()) return fail(STATUS_OBJECT_NAME_NOT_FOUND);
        if (path.front() != u'\\') return fail(STATUS_OBJECT_NAME_INVALID);
        if (!rest_.empty()) {
            path += u'\\';
            path += rest_;
        }
        return ob::ParseOutcome::again(std::move(path));
    }

    // The subkey's block; null when there is no such key.
    Result<Ref<KeyControlBlock>> step(KeyControlBlock& at, Utf16View component) {
        // Application hives are reached by the handle that loading gives, never by a path (NS-15).
        if (at.parent() == nullptr && rtl::equal_folded(component, u"A")) return fail(STATUS_ACCESS_DENIED);
        if (transaction_ != nullptr) {
            TransactedKey key(at, *transaction_);
            RG_TRY(key.alive());
            if (component.size() > hive::max_key_name) return fail(STATUS_INVALID_PARAMETER);
            auto child = key.find_child(component);
            if (!child && at.hive().storage().suspect()) return fail(STATUS_REGISTRY_CORRUPT);
            return child;
        }
        const ReadKey key(at);
        RG_TRY(key.alive());
        if (component.size() > hive::max_key_name) return fail(STATUS_INVALID_PARAMETER);
        auto child = find_subkey_locked(at, key.storage(), key.cell(), component);
        changes_seen_ = key.storage().changes();
        if (!child && key.storage().suspect()) return fail(STATUS_REGISTRY_CORRUPT);
        return child;
    }

    // A new link must not be there already (SL-6).
    Result<void> may_exist() const {
        if (creates() && (options() & REG_OPTION_CREATE_LINK) != 0) return fail(STATUS_OBJECT_NAME_COLLISION);
        return {};
    }

    Result<ob::ParseOutcome> finish(KeyControlBlock& at) {
        if (creates()) expects_new_key = false;
        if (parse_ != nullptr && !parse_->may_end_in(at.hive())) return fail(STATUS_ACCESS_DENIED);
        if (transaction_ != nullptr) return finish_transacted(at);
        const ReadKey key(at);
        RG_TRY(key.alive());
        RG_TRY(may_exist());
        const ACCESS_MASK granted = RG_TRY(grant_existing([&](ACCESS_MASK desired) {
            return check_access_locked(at, *request_.access.token, desired, request_.access.mode,
                                       &request_.access.audit);
        }));
        if (by_privilege()) audit_grant(security_locked(at), granted);
        request_.access.granted = granted;
        auto body = ob::create_body<KeyBody>(key_type(), Ref<KeyControlBlock>::retain(&at));
        if (!body) return std::unexpected(body.error());
        return ob::ParseOutcome::found(std::move(*body));
    }

    Result<ob::ParseOutcome> finish_transacted(KeyControlBlock& at) {
        TransactedKey key(at, *transaction_);
        RG_TRY(key.alive());
        RG_TRY(may_exist());
        const ACCESS_MASK granted = RG_TRY(grant_existing([&](ACCESS_MASK desired) {
            return key.check_access(*request_.access.token, desired, request_.access.mode, &request_.access.audit);
        }));
        if (by_privilege()) audit_grant(key.security(), granted);
        request_.access.granted = granted;
        auto body = ob::create_body<KeyBody>(key_type(), Ref<KeyControlBlock>::retain(&at), parse_->bound);
        if (!body) return std::unexpected(body.error());
        return ob::ParseOutcome::found(std::move(*body));
    }

    // Rights by privilege instead of by descriptor; nothing when the call does not ask for them. (AC-6)
    Result<ACCESS_MASK> backup_rights() const {
        const se::Token& token = *request_.access.token;
        ACCESS_MASK rights = 0;
        if (token.enabled(SE_BACKUP_PRIVILEGE)) rights |= KEY_READ | ACCESS_SYSTEM_SECURITY;
        if (token.enabled(SE_RESTORE_PRIVILEGE)) rights |= KEY_WRITE | DELETE | ACCESS_SYSTEM_SECURITY;
        if (rights == 0) return fail(STATUS_ACCESS_DENIED);
        return rights;
    }
    bool by_privilege() const {
        return request_.access.mode != ob::kernel_mode && (options() & REG_OPTION_BACKUP_RESTORE) != 0;
    }

    // Asking for nothing is refused, not granted (row 3).
    bool asks_nothing() const { return request_.access.mode != ob::kernel_mode && request_.access.desired == 0; }

    template <typename Check>
    Result<ACCESS_MASK> grant_existing(const Check& check) const {
        if (by_privilege()) return backup_rights();
        if (asks_nothing()) return fail(STATUS_ACCESS_DENIED);
        return check(request_.access.desired);
    }

    // The creator gets what it asks for: the new descriptor is not held against it.
    Result<ACCESS_MASK> grant_created() const {
        if (by_privilege()) return backup_rights();
        if (asks_nothing()) return fail(STATUS_ACCESS_DENIED);
        const ob::AccessState& access = request_.access;
        ACCESS_MASK desired = se::map_generic(access.desired, key_mapping);
        if ((desired & MAXIMUM_ALLOWED) != 0) desired = (desired & ~ACCESS_MASK{MAXIMUM_ALLOWED}) | KEY_ALL_ACCESS;
        if ((desired & ACCESS_SYSTEM_SECURITY) != 0 && access.mode != ob::kernel_mode &&
            !access.token->enabled(SE_SECURITY_PRIVILEGE)) {
            return fail(STATUS_PRIVILEGE_NOT_HELD);
        }
        return desired & (KEY_ALL_ACCESS | ACCESS_SYSTEM_SECURITY);
    }

    // For rights that no list was asked for.
    void audit_grant(const std::optional<se::DescriptorView>& descriptor, ACCESS_MASK granted) {
        request_.access.audit = audit_of_grant(descriptor, *request_.access.token, granted, request_.access.mode);
    }

    // ERRORS, in this order: INVALID_PARAMETER (mount points only below here; too deep; a name that begins with a NUL,
    // HB-10), ACCESS_DENIED (AC-3: the parent's descriptor, not the handle's mask), CHILD_MUST_BE_VOLATILE.
    template <typename Check>
    Result<void> may_create(const KeyControlBlock& parent, Utf16View name, const Check& check) const {
        if (parent.hive().options().master) return fail(STATUS_INVALID_PARAMETER);
        if (parent.depth() >= hive::max_key_depth || name.starts_with(u'\0')) return fail(STATUS_INVALID_PARAMETER);
        // In an application hive every key has the descriptor that it inherits (HV-3).
        if (parent.hive().options().application && parse_->request.security != nullptr)
            return fail(STATUS_ACCESS_DENIED);
        if (!by_privilege()) {
            const bool link = (options() & REG_OPTION_CREATE_LINK) != 0;
            const ACCESS_MASK needed = KEY_CREATE_SUB_KEY | (link ? KEY_CREATE_LINK : 0);
            RG_TRY(check(needed));
        }
        if (parent.is_volatile() && (options() & REG_OPTION_VOLATILE) == 0) return fail(STATUS_CHILD_MUST_BE_VOLATILE);
        return {};
    }

    Result<se::SecurityDescriptor> new_descriptor(const std::optional<se::DescriptorView>& above) const {
        std::optional<se::DescriptorView> given;
        if (parse_->request.security != nullptr) given = parse_->request.security->view();
        return se::assign_descriptor(above ? &*above : nullptr, given ? &*given : nullptr, *request_.access.token,
                                     key_mapping, true, request_.access.mode == ob::kernel_mode);
    }
    bool in_memory(const KeyControlBlock& parent) const {
        return (options() & REG_OPTION_VOLATILE) != 0 && !parent.hive().options().volatile_hive;
    }
    std::uint16_t new_flags() const {
        return (options() & REG_OPTION_CREATE_LINK) != 0 ? hive::key_sym_link : std::uint16_t{0};
    }

    Result<hive::CellIndex> create_cell(const WriteKey& key, KeyControlBlock& parent, Utf16View name) const {
        const auto type = in_memory(parent) ? hive::StorageType::volatile_ : hive::StorageType::stable;
        const std::int64_t time = key.next_time(key.cell());
        const Utf16View class_name = parse_->request.class_name;
        InheritedSecurity::Question question{descriptor_place_locked(parent), request_.access.token->answer_id(), type};
        InheritedSecurity& inherited = parent.hive().inherited_security;
        if (parse_->request.security == nullptr) {
            const hive::CellIndex known = inherited.find(question);
            if (known != hive::nil_cell) {
                return key.storage().create_subkey_sharing(key.cell(), name, class_name, known, type, time,
                                                           new_flags());
            }
        }
        const auto above = security_locked(parent);
        const se::SecurityDescriptor descriptor = RG_TRY(new_descriptor(above));
        const hive::CellIndex cell = RG_TRY(
            key.storage().create_subkey(key.cell(), name, class_name, descriptor.bytes(), type, time, new_flags()));
        const bool own = parent.security_state.load(std::memory_order_acquire) == KeyControlBlock::Security::sound;
        if (parse_->request.security == nullptr && own && request_.access.token->answer_id() == question.token)
            inherited.remember(question, key.storage().security_cell(cell));
        return cell;
    }

    // The same as data, for a key that only the transaction has.
    Result<KeyImage> new_image(const TransactedKey& key) const {
        const se::SecurityDescriptor descriptor = RG_TRY(new_descriptor(key.security()));
        KeyImage image;
        image.class_name = parse_->request.class_name;
        image.security.assign(descriptor.bytes().begin(), descriptor.bytes().end());
        image.in_memory = in_memory(key.block());
        image.flags = new_flags();
        image.time = key.next_time();
        return image;
    }

    Result<KeyRef> create(KeyControlBlock& parent, Utf16View name) {
        return transaction_ != nullptr ? create_transacted(parent, name) : create_now(parent, name);
    }

    // The new key, opened; null when it exists by now.
    Result<KeyRef> create_transacted(KeyControlBlock& parent, Utf16View name) {
        TransactedKey key(parent, *transaction_);
        RG_TRY(key.alive());
        if (key.find_child(name)) return KeyRef();
        RG_TRY(key.writable());
        RG_TRY(may_create(parent, name, [&](ACCESS_MASK needed) {
            return key.check_access(*request_.access.token, needed, request_.access.mode);
        }));
        const ACCESS_MASK granted = RG_TRY(grant_created());
        const KeyImage image = RG_TRY(new_image(key));
        Ref<KeyControlBlock> block = RG_TRY(key.create_child(name, image));
        auto made = ob::create_body<KeyBody>(key_type(), std::move(block), parse_->bound);
        if (!made) return std::unexpected(made.error());
        if (ob::audits_anything()) audit_grant(se::DescriptorView::trusted(image.security), granted);
        request_.access.granted = granted;
        parse_->disposition = REG_CREATED_NEW_KEY;
        return std::move(*made);
    }

    // The new key's cell; nothing has changed when there is none. ERRORS: OBJECT_NAME_COLLISION and the creation's.
    Result<hive::CellIndex> add_key(const WriteKey& key, KeyControlBlock& parent, Utf16View name,
                                    ACCESS_MASK& granted) {
        RG_TRY(key.writable());
        RG_TRY(may_create(parent, name, [&](ACCESS_MASK needed) {
            return check_access_locked(parent, *request_.access.token, needed, request_.access.mode);
        }));
        granted = RG_TRY(grant_created());
        return create_cell(key, parent, name);
    }

    Result<KeyRef> open_new(WriteKey& key, KeyControlBlock& parent, Utf16View name, hive::CellIndex cell,
                            ACCESS_MASK granted) {
        auto block = key_table().ensure(parent, name, parent.hive(), cell, key.storage().flags(cell));
        descriptor_place_locked(*block);  // so that the next opening needs no lock
        auto made = ob::create_body<KeyBody>(key_type(), std::move(block));
        if (!made) return std::unexpected(made.error());
        if (ob::audits_anything()) audit_grant(security_locked((*made)->block()), granted);
        request_.access.granted = granted;
        parse_->disposition = REG_CREATED_NEW_KEY;
        const Result<void> done = key.done();
        notifier().report(parent, REG_NOTIFY_CHANGE_NAME);
        RG_TRY(done);
        return std::move(*made);
    }

    // The new key, opened; null when it exists by now.
    Result<KeyRef> create_now(KeyControlBlock& parent, Utf16View name) {
        WriteKey key(parent, WriteKey::Descriptors::stay, {Touch::What::child, name});
        RG_TRY(key.alive());
        if (key.storage().changes() != changes_seen_ && find_subkey_locked(parent, key.storage(), key.cell(), name)) {
            return KeyRef();
        }
        ACCESS_MASK granted = 0;
        const hive::CellIndex cell = RG_TRY(add_key(key, parent, name, granted));
        expects_new_key = true;
        return open_new(key, parent, name, cell, granted);
    }

    // A thread that creates one key after another need not look first whether the next one exists: the hive refuses a
    // second key of a name. Null: nothing was done and nothing said, it is to be looked for.
    Result<KeyRef> create_unseen(KeyControlBlock& parent, Utf16View name) {
        if (!expects_new_key || transaction_ != nullptr || parent.hive().options().master || ob::audits_anything())
            return KeyRef();
        WriteKey key(parent, WriteKey::BesideNone());
        if (key.claimed() || !key.alive()) return KeyRef();
        ACCESS_MASK granted = 0;
        const auto cell = add_key(key, parent, name, granted);
        if (!cell) {
            expects_new_key = false;
            return KeyRef();
        }
        return open_new(key, parent, name, *cell, granted);
    }

    ob::ParseRequest& request_;
    KeyParse* parse_;
    Transaction* const transaction_;  // null: none
    Utf16View rest_;
    std::uint64_t changes_seen_ = 0;  // of the hive in which the last step found nothing
};

// Eight units at once: compared lane by lane, where an equal one counts -1.
std::size_t separators_in(Utf16View path) {
    using Lanes = std::int16_t __attribute__((vector_size(16)));
    constexpr std::size_t lanes = sizeof(Lanes) / sizeof(char16_t);
    Lanes found{};  // a name of 32,767 units cannot overflow a lane
    std::size_t at = 0;
    for (; at + lanes <= path.size(); at += lanes) {
        Lanes units;
        std::memcpy(&units, path.data() + at, sizeof(units));
        found -= units == u'\\';
    }
    std::size_t count = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane) count += static_cast<std::size_t>(found[lane]);
    for (; at < path.size(); ++at) count += path[at] == u'\\' ? 1 : 0;
    return count;
}

}  // namespace

Utf16View take_component(Utf16View& rest) {
    while (!rest.empty() && rest.front() == u'\\') rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find(u'\\'), rest.size());
    const Utf16View component = rest.substr(0, end);
    rest.remove_prefix(end);
    while (!rest.empty() && rest.front() == u'\\') rest.remove_prefix(1);
    return component;
}

bool too_many_components(Utf16View path) {
    constexpr unsigned max_components = 32;
    // Most paths are too short, or have too few separators: every opening asks.
    if (path.size() <= 2 * max_components || separators_in(path) < max_components) return false;
    unsigned count = 0;
    while (!path.empty() && count <= max_components) count += take_component(path).empty() ? 0 : 1;
    return count > max_components;
}

Ref<KeyControlBlock> find_subkey_locked(KeyControlBlock& key, const hive::Hive& storage, hive::CellIndex cell,
                                        Utf16View name) {
    if (auto known = key_table().find(key, name)) return known;
    const auto child = storage.find_subkey(cell, name);
    if (!child) return nullptr;
    char16_t stored[hive::max_key_name];
    const std::size_t size = storage.key_name(*child).copy_to(stored, std::size(stored));
    return key_table().ensure(key, {stored, size}, key.hive(), *child, storage.flags(*child));
}

// ERRORS: INVALID_PARAMETER (another transaction than the start's).
static Result<void> join_transaction(const KeyBody& start, KeyParse& parse) {
    if (start.bound() == nullptr) return {};
    if (!parse.bound) parse.bound = Ref<TransactionBinding>::retain(start.bound());
    if (parse.bound->transaction != start.bound()->transaction) return fail(STATUS_INVALID_PARAMETER);
    return {};
}

Result<ob::ParseOutcome> parse_key(ob::ParseRequest& request) {
    if (request.desired != nullptr && request.desired != &key_type()) return fail(STATUS_OBJECT_TYPE_MISMATCH);
    if (request.context != nullptr && request.context->type != &key_type()) return fail(STATUS_OBJECT_TYPE_MISMATCH);
    KeyBody* start = key_body_of(request.object);
    if (start == nullptr) return fail(STATUS_OBJECT_TYPE_MISMATCH);
    auto* parse = static_cast<KeyParse*>(request.context);
    if (parse != nullptr) RG_TRY(join_transaction(*start, *parse));
    if (too_many_components(request.remaining)) {
        RG_TRY(start->block().check_alive());
        return fail(STATUS_INVALID_PARAMETER);
    }
    return Walk(request, parse).run(start->block(), true);
}

Result<ob::ParseOutcome> walk_below(ob::ParseRequest& request, KeyParse& parse, KeyControlBlock& start) {
    return Walk(request, &parse).run(start, false);
}

Result<OpenedKey> open_key(const OpenRequest& request) {
    if (!request.transaction) [[likely]] {
        if (auto opened = open_near(request)) return std::move(*opened);
    }
    KeyParse parse(request);
    ob::ObjectAttributes attributes;
    attributes.root = request.root;
    attributes.name = request.name;
    attributes.attributes = request.attributes | OBJ_CASE_INSENSITIVE;
    attributes.security = request.security;
    ob::AccessState access = ob::AccessState::for_current(request.desired, request.attributes);
    auto found = ob::lookup(attributes, &key_type(), access, &parse);
    if (!found) return std::unexpected(found.error());
    OpenedKey opened;
    opened.body = std::move(*found).as<KeyBody>();
    opened.disposition = parse.disposition;
    // Parsing always grants; only \Registry itself, found without parsing, may come back unchecked.
    const Result<ACCESS_MASK> granted =
        access.granted ? Result<ACCESS_MASK>(*access.granted)
                       : check_key_access(*opened.body, *access.token, access.desired, access.mode, &access.audit);
    if (!granted) return std::unexpected(granted.error());
    opened.granted = *granted;
    opened.audit = access.audit;
    if (request.transaction && opened.body->bound() == nullptr) {
        auto bound = ob::create_body<KeyBody>(key_type(), Ref<KeyControlBlock>::retain(&opened.body->block()),
                                              request.transaction);
        if (!bound) return std::unexpected(bound.error());
        opened.body = std::move(*bound);
    }
    return opened;
}

}  // namespace regent::cm
