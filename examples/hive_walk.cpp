// A program that uses libregent-hive alone: prints every key of a hive with its values, or with a second argument sets
// \Example's value Note to that text first.
//   g++ hive_walk.cpp $(pkg-config --cflags --libs regent-hive) && ./a.out NTUSER.DAT
#include <cstdio>
#include <string>

#include "hive/hive.h"

using namespace regent;

static int fail_with(const char* what, Status status) {
    std::fprintf(stderr, "hive_walk: %s: %s\n", what, rtl::status_name(status.code()));
    return 1;
}

static void walk(const hive::Hive& hive, hive::CellIndex key, const std::string& path) {
    std::printf("%s\n", path.empty() ? "\\" : path.c_str());
    const hive::KeyInfo info = hive.key_info(key);
    for (std::uint32_t i = 0; i < info.value_count; ++i) {
        if (const auto value = hive.value_at(key, i)) {
            const hive::ValueInfo of = hive.value_info(*value);
            const std::string name = of.name.empty() ? "(default)" : rtl::to_utf8(of.name.to_utf16());
            std::printf("  %s: type %u, %u bytes\n", name.c_str(), of.type, of.data_size);
        }
    }
    for (std::uint32_t i = 0; i < info.subkey_count; ++i) {
        if (const auto child = hive.subkey_at(key, i)) {
            walk(hive, *child, path + "\\" + rtl::to_utf8(hive.key_name(*child).to_utf16()));
        }
    }
}

static Result<void> set_note(hive::Hive& hive, const std::string& text) {
    constexpr std::int64_t now = 133000000000000000;  // a FILETIME: the hive has no clock
    auto key = hive.find_subkey(hive.root(), u"Example");
    if (!key) {
        key = RG_TRY(hive.create_subkey(hive.root(), u"Example", u"", hive.security(hive.root()),
                                        hive::StorageType::stable, now));
    }
    const Utf16 note = rtl::from_utf8(text) + u'\0';
    RG_TRY(hive.set_value(*key, u"Note", 1, rtl::as_bytes(note.data(), note.size() * 2), now));
    return hive.flush();  // durable from here on
}

int main(int argc, char** argv) {
    if (argc < 2) return std::fprintf(stderr, "usage: hive_walk FILE [NOTE]\n"), 2;
    hive::OpenOptions options;
    if (argc == 2) options.durability = hive::Durability::read_only;
    const auto opened = hive::Hive::open(rtl::real_env(), argv[1], options);
    if (!opened) return fail_with(argv[1], opened.error());
    if (argc > 2) {
        if (const auto set = set_note(**opened, argv[2]); !set) return fail_with("set", set.error());
    }
    walk(**opened, (*opened)->root(), "");
    return 0;
}
