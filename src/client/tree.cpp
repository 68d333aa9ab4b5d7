#include "regent/client/tree.h"

#include "client/place.h"

namespace regent::client {
namespace {

// Some hundred keys; one that is larger gets what it needs.
constexpr std::size_t usual_size = 128 * 1024;

}  // namespace

TreeWalk::TreeWalk(HANDLE key) : key_(key), answer_(usual_size / sizeof(std::uint64_t)) {}

void TreeWalk::next() {
    const bool over = entry_ && !*entry_;  // an error was the last element
    if (begun_ && at_ < told_) at_ += reinterpret_cast<const RG_TREE_KEY*>(answer_.data() + at_ / 8)->Size;
    if (over || (at_ >= told_ && !fill())) {
        if (over) entry_.reset();
        return;
    }
    const auto& key = *reinterpret_cast<const RG_TREE_KEY*>(answer_.data() + at_ / 8);
    const std::u16string_view name(reinterpret_cast<const char16_t*>(key.Name), key.NameLength / sizeof(char16_t));
    units_.resize(std::size_t{key.Depth} + 1);
    path_.resize(key.Depth > 1 ? units_[key.Depth - 1U] : 0);
    if (key.Depth > 1) path_ += u'\\';
    if (key.Depth > 0) path_ += name;
    units_[key.Depth] = path_.size();
    begun_ = true;
    entry_ = TreeKey(key, path_);
}

// The next answer. False: there is none, and entry_ says why.
bool TreeWalk::fill() {
    entry_.reset();
    if (!more_) return false;
    UNICODE_STRING after = rtl::unicode_string(path_);
    NTSTATUS status = STATUS_SUCCESS;
    for (;;) {
        ULONG told = 0;
        status = RgReadTree(key_, begun_ ? &after : nullptr, 0, answer_.data(),
                            static_cast<ULONG>(answer_.size() * sizeof(std::uint64_t)), &told);
        if (status == STATUS_BUFFER_TOO_SMALL) {
            answer_.resize((std::size_t{told} + 7) / 8);
            continue;
        }
        told_ = NT_SUCCESS(status) ? told : 0;
        break;
    }
    at_ = 0;
    more_ = status == STATUS_MORE_ENTRIES;
    if (NT_SUCCESS(status)) return true;
    if (status != STATUS_NO_MORE_ENTRIES) entry_ = failed(status, "read", u"a tree");
    return false;
}

}  // namespace regent::client
