// Any bytes as a hive: load with repair, verify, walk everything, change it through the interface, verify again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "hive/hive.h"
#include "hive/hive_impl.h"

namespace {

using namespace regent;

void require_sound(const hive::Hive& hive) {
    hive::FindingList findings;
    if (hive.check(findings) != 0) std::abort();
}

void walk(hive::Hive& hive) {
    std::vector<hive::CellIndex> stack = {hive.root()};
    std::vector<std::byte> data(1 << 16);
    while (!stack.empty()) {
        const hive::CellIndex key = stack.back();
        stack.pop_back();
        const hive::KeyInfo info = hive.key_info(key);
        (void)hive.security(key);
        for (std::uint32_t i = 0; i < info.value_count; ++i) {
            const auto value = hive.value_at(key, i);
            if (!value) break;
            (void)hive.find_value(key, hive.value_info(*value).name.to_utf16());
            (void)hive.read_value(*value, 0, data);
        }
        for (std::uint32_t i = 0; i < info.subkey_count; ++i) {
            const auto child = hive.subkey_at(key, i);
            if (!child) std::abort();
            if (hive.find_subkey(key, hive.key_name(*child).to_utf16()) != child) std::abort();
            stack.push_back(*child);
        }
    }
}

// A failure is an answer too; only an unsound hive is not.
void change(hive::Hive& hive) {
    const hive::CellIndex root = hive.root();
    // A link takes one value only; that rule is the Configuration Manager's, which calls these.
    if ((hive.flags(root) & hive::key_sym_link) != 0) return;
    const std::vector<std::byte> data(20000, std::byte{7});
    const auto made =
        hive.create_subkey(root, u"fuzz", u"class", hive::default_descriptor(), hive::StorageType::stable, 1);
    (void)hive.set_value(root, u"", 1, Bytes(data).first(100), 1);
    if (made) (void)hive.set_value(*made, u"big", 3, data, 1);
    if (made) (void)hive.rename_key(*made, u"another and longer name than before", 1);
    if (const auto first = hive.subkey_at(root, 0)) {
        (void)hive.set_security(*first, hive::default_descriptor(), 1);
        while (const auto value = hive.value_at(*first, 0)) {
            if (!hive.delete_value(*first, hive.value_info(*value).name.to_utf16(), 1)) break;
        }
        (void)hive.delete_key(*first, 1);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto opened = hive::Hive::open_image(rtl::as_bytes(bytes, size), {});
    if (!opened) return 0;
    hive::Hive& hive = **opened;
    require_sound(hive);
    walk(hive);
    change(hive);
    require_sound(hive);
    return 0;
}
