#include "nt/open_keys.h"

#include "ob/process.h"

namespace regent::nt {
namespace {

bool at_or_below(const cm::KeyControlBlock& block, const cm::KeyControlBlock& top) {
    for (const cm::KeyControlBlock* at = &block; at != nullptr; at = at->parent()) {
        if (at == &top) return &block.hive() == &top.hive();
    }
    return false;
}

// visit(process, handle value, key object)
template <typename Visitor>
void visit_open_keys(const cm::KeyControlBlock& top, Visitor visit) {
    for (const auto& process : ob::all_processes()) {
        process->handles().for_each([&](std::uint32_t value, ob::HandleEntry& entry) {
            cm::KeyBody* key = cm::key_body_of(entry.object.get());
            if (key != nullptr && at_or_below(key->block(), top)) visit(*process, value, *key);
        });
    }
}

// What a handle's value is in its table: the two low bits are the caller's own, the top one marks a kernel handle.
std::uint32_t table_value(HANDLE handle) {
    return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(handle)) & 0x7FFFFFFC;
}
bool is_kernel_handle(HANDLE handle) { return (reinterpret_cast<std::uintptr_t>(handle) & 0x80000000) != 0; }

}  // namespace

std::vector<OpenKey> open_keys(const cm::KeyControlBlock& top) {
    std::vector<OpenKey> found;
    visit_open_keys(top, [&](const ob::Process& process, std::uint32_t, cm::KeyBody& key) {
        found.push_back({process.pid(), cm::KeyRef::retain(&key)});
    });
    return found;
}

std::size_t count_open_keys(const cm::KeyControlBlock& top, HANDLE own) {
    const ob::Process& owner = is_kernel_handle(own) ? ob::system_process() : *ob::current().process;
    std::size_t count = 0;
    visit_open_keys(top, [&](const ob::Process& process, std::uint32_t value, cm::KeyBody&) {
        if (&process != &owner || value != table_value(own)) ++count;
    });
    return count;
}

}  // namespace regent::nt
