// Writes a hive with something of everything, through create, flush and reconcile: make_hive FILE [SUBKEYS].
#include <cstdio>
#include <cstdlib>
#include <string>

#include "hive/hive.h"
#include "hive/hive_impl.h"

namespace {

using namespace regent;

bool fill(hive::Hive& hive, int subkeys) {
    const hive::CellIndex root = hive.root();
    auto text = [](const std::string& value) { return rtl::as_bytes(value.data(), value.size()); };
    auto add = [&](hive::CellIndex parent, Utf16View name) {
        return hive.create_subkey(parent, name, u"", hive::default_descriptor(), hive::StorageType::stable,
                                  132000000000000000);
    };
    const auto many = add(root, u"Many");
    const auto values = add(root, u"Values");
    if (!many || !values || !add(root, u"K\u00E9y") || !add(root, u"\u4E2D\u6587")) return false;
    for (int i = 0; i < subkeys; ++i) {
        if (!add(*many, rtl::from_utf8("sub" + std::to_string(i)))) return false;
    }
    const std::u16string string = u"text";
    const Bytes utf16 = rtl::as_bytes(string.c_str(), (string.size() + 1) * 2);
    bool good = hive.set_value(*values, u"", 1, utf16, 132000000000000000).has_value();
    good = good && hive.set_value(*values, u"String", 1, utf16, 132000000000000000);
    good = good && hive.set_value(*values, u"Dword", 4, text("\x01\x02\x03\x04"), 132000000000000000);
    good = good && hive.set_value(*values, u"Qword", 11, text("12345678"), 132000000000000000);
    good = good && hive.set_value(*values, u"Empty", 3, {}, 132000000000000000);
    good = good && hive.set_value(*values, u"Big", 3, text(std::string(50000, 'B')), 132000000000000000);
    return good && hive.set_value(*values, u"B\u00EFnary", 3, text("\x10\x20\x30\x40\x50"), 132000000000000000);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2 && argc != 3) {
        std::fprintf(stderr, "usage: make_hive FILE [SUBKEYS]\n");
        return 2;
    }
    hive::HiveOptions options;
    options.path = argv[1];
    options.replace_existing = true;
    auto hive = hive::Hive::create(rtl::real_env(), options);
    if (!hive || !fill(**hive, argc == 3 ? std::atoi(argv[2]) : 2500) || !(*hive)->flush() || !(*hive)->reconcile()) {
        std::fprintf(stderr, "make_hive: failed\n");
        return 1;
    }
    return 0;
}
