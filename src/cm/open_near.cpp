// Opening a key from its whole path: one probe of the table, and what is missing walked from the nearest key above that
// the table has. What it cannot decide goes the long way, from the root of the namespace.
#include "cm/key_lock.h"
#include "cm/parse.h"
#include "ob/handle.h"

namespace regent::cm {

namespace {

constexpr std::string_view folded_root = "\\REGISTRY\\";

// Who asks for these will soon set a value. (Who may read mostly has opened a key on the way to others.)
constexpr ACCESS_MASK sets_values = KEY_SET_VALUE | GENERIC_WRITE | GENERIC_ALL;

// Application hives are reached by the handle that loading gives, never by a path (NS-15): the long way says so.
bool names_application_hives(std::string_view path) {
    path.remove_prefix(folded_root.size());
    return path == "A" || path.starts_with("A\\");
}

class NearOpening {
public:
    explicit NearOpening(const OpenRequest& request)
        : request_(request),
          access_(ob::AccessState::for_current(request.desired, request.attributes)),
          name_(request.name) {}

    // Nothing: go the long way.
    std::optional<Result<OpenedKey>> run() {
        if ((request_.options & (REG_OPTION_CREATE_LINK | REG_OPTION_BACKUP_RESTORE)) != 0) return std::nullopt;
        if (request_.root == nullptr) {
            if (!start_absolute()) return std::nullopt;
        } else {
            if (!reference_root()) return std::nullopt;
            if (auto opened = open_expected()) return opened;
            if (!start_at_root()) return std::nullopt;
        }
        for (unsigned hop = 0; hop < ob::max_reparses; ++hop) {
            const std::uint64_t moves = key_table().moves();
            auto block = find(hop);
            if (moves % 2 != 0 || key_table().moves() != moves) return std::nullopt;
            if (block && !block->is_link() && context_.may_end_in(block->hive())) {
                if (auto opened = open_unlocked(block, moves)) return opened;
            }
            if (!block) block = nearest(moves);
            if (!block) return std::nullopt;
            auto outcome = walk(*block);
            if (!outcome) {
                const NTSTATUS status = outcome.error().code();
                // It went away since it was found. Whether the path leads somewhere is to be asked anew.
                if (status == STATUS_KEY_DELETED || status == STATUS_HIVE_UNLOADED) return std::nullopt;
                return std::unexpected(outcome.error());
            }
            if (outcome->object) return opened(std::move(outcome->object).as<KeyBody>());
            if (!start_again(std::move(outcome->reparse))) return std::nullopt;
        }
        return std::nullopt;
    }

private:
    bool start_absolute() {
        path_ = FoldedPath();
        rest_ = name_.size();
        if (!path_.append_folding(name_) || !path_.view().starts_with(folded_root)) return false;
        return !names_application_hives(path_.view()) && !too_many_components(name_.substr(folded_root.size()));
    }

    bool reference_root() {
        if (name_.empty() || name_.front() == u'\\' || too_many_components(name_)) return false;
        auto root = ob::reference_as<KeyBody>(request_.root, 0, key_type(), access_.mode);
        if (!root) return false;
        root_ = std::move(*root);
        const KeyControlBlock& block = root_->block();
        return root_->bound() == nullptr && block.depth() != 0 && block.check_alive();
    }

    // The subkeys of a key are mostly opened in the order of the last time by who enumerates them: what follows the
    // last one needs no path and no probe, and was asked for when that was opened. Nothing: do without.
    std::optional<Result<OpenedKey>> open_expected() {
        if (!root_->reading.enumerates.load(std::memory_order_relaxed)) [[likely]]
            return std::nullopt;
        walks_ = name_.find(u'\\') == Utf16View::npos;
        KeyControlBlock* next = root_->reading.next.get();
        if (!walks_ || next == nullptr) return std::nullopt;
        const std::uint64_t moves = key_table().moves();
        auto block = key_table().find_hinted(*next, root_->block(), name_);
        if (!block || moves % 2 != 0 || block->is_link()) return std::nullopt;
        return open_unlocked(block, moves);
    }

    bool start_at_root() {
        const std::string_view above = root_->block().folded_path();
        rest_ = name_.size();
        return !above.empty() && path_.append(above) && path_.append_separator() && path_.append_folding(name_);
    }

    bool start_again(Utf16 target) {
        root_ = nullptr;
        walks_ = false;
        target_ = std::move(target);
        name_ = target_;
        return start_absolute();
    }

    // The key, if the table has it; of one that is expected to be new, only its place in the table is asked for.
    Ref<KeyControlBlock> find(unsigned hop) const {
        if (!request_.create || hop != 0 || !expects_new_key) return key_table().find_path(path_.view());
        key_table().prefetch_slot(path_.view());
        return nullptr;
    }

    // A known key whose access check was made before: no lock. Nothing: the key has to be looked at.
    std::optional<Result<OpenedKey>> open_unlocked(Ref<KeyControlBlock>& block, std::uint64_t moves) {
        if ((access_.desired & sets_values) != 0) block->prefetch();
        const auto granted = known_access(*block, *access_.token, access_.desired, access_.mode);
        if (!granted || !block->hive().open_key_unlocked()) return std::nullopt;
        // The key was open from here on, at a time when the path led to it.
        if (block->deleted() || key_table().moves() != moves) {
            end_opening(block->hive());
            return std::nullopt;
        }
        MountedHive& hive = block->hive();
        auto body = ob::create_body<KeyBody>(key_type(), std::move(block), KeyBody::Counted());
        if (!body) {
            end_opening(hive);
            return std::unexpected(body.error());
        }
        access_.granted = granted;
        return opened(std::move(*body));
    }

    // The lowest key above that the table has; rest_ is where the path below it begins in name_.
    Ref<KeyControlBlock> nearest(std::uint64_t moves) {
        std::string_view prefix = path_.view();
        for (;;) {
            const std::size_t at = name_.substr(0, rest_).rfind(u'\\');
            prefix = prefix.substr(0, prefix.rfind('\\'));
            if (at == Utf16View::npos || prefix.size() < folded_root.size()) break;
            rest_ = at;
            auto block = key_table().find_path(prefix);
            if (key_table().moves() != moves) return nullptr;
            if (block) return block;
        }
        rest_ = 0;
        return root_ ? Ref<KeyControlBlock>::retain(&root_->block()) : nullptr;
    }

    Result<ob::ParseOutcome> walk(KeyControlBlock& start) {
        ob::ParseRequest parse{nullptr, name_, name_.substr(rest_), request_.attributes, access_, &context_, nullptr};
        return walk_below(parse, context_, start);
    }

    // `child` follows what was opened before it, and something else will follow it.
    void note_step(KeyControlBlock& child) const {
        KeyBody::Reading& reading = root_->reading;
        KeyControlBlock* last = reading.last.get();
        if (child.parent() != &root_->block() || last == &child) return;
        if (reading.next.get() != &child) {
            if (last != nullptr) {
                key_table().expect_after(*last, child);
            } else {
                root_->block().expect_first(child);
            }
        }
        KeyControlBlock* next = child.next_opened();
        reading.last.set(&child);
        reading.next.set(next);
        if (next != nullptr) KeyTable::prefetch(*next);
        if (const KeyControlBlock* first = child.first_opened()) KeyTable::prefetch(*first);
    }

    std::optional<Result<OpenedKey>> opened(KeyRef body) {
        if (walks_) note_step(body->block());
        return OpenedKey{std::move(body), *access_.granted, context_.disposition, access_.audit};
    }

    const OpenRequest& request_;
    ob::AccessState access_;
    KeyParse context_{request_};
    KeyRef root_;
    Utf16 target_;    // of the link that was followed last
    Utf16View name_;  // below root_, or absolute
    std::size_t rest_ = 0;
    bool walks_ = false;  // a subkey of root_, which is enumerated
    FoldedPath path_;     // the whole path
};

}  // namespace

std::optional<Result<OpenedKey>> open_near(const OpenRequest& request) { return NearOpening(request).run(); }

}  // namespace regent::cm
