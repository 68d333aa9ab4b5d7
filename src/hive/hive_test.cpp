#include "hive/hive_test_support.h"

namespace regent::hive {
namespace {

TEST(Hive, CreatesFindsAndDeletesKeysInFoldedOrder) {
    auto hive = std::move(memory_hive()).value();
    const CellIndex root = hive->root();
    for (const char16_t* name : {u"beta", u"Alpha", u"\u00E9t\u00E9", u"gamma", u"\u4E2D"}) {
        ASSERT_TRUE(make_key(*hive, root, name));
    }
    EXPECT_EQ(make_key(*hive, root, u"ALPHA").error().code(), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(make_key(*hive, root, u"a\\b").error().code(), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(make_key(*hive, root, Utf16(256, u'x')).error().code(), STATUS_OBJECT_NAME_INVALID);
    EXPECT_TRUE(make_key(*hive, root, Utf16(255, u'x')));
    EXPECT_EQ(hive->key_name(*hive->subkey_at(root, 0)).to_utf16(), u"Alpha");
    EXPECT_TRUE(hive->find_subkey(root, u"\u00C9T\u00C9"));
    EXPECT_FALSE(hive->find_subkey(root, u"delta"));
    const CellIndex beta = *hive->find_subkey(root, u"BETA");
    ASSERT_TRUE(make_key(*hive, beta, u"child"));
    EXPECT_EQ(hive->delete_key(beta).error().code(), STATUS_KEY_HAS_CHILDREN);
    ASSERT_TRUE(hive->delete_key(*hive->find_subkey(beta, u"child"), 300));
    EXPECT_EQ(hive->key_info(beta).last_write_time, 300);
    ASSERT_TRUE(hive->delete_key(beta));
    EXPECT_EQ(hive->key_info(root).subkey_count, 5U);
    EXPECT_EQ(hive->delete_key(root).error().code(), STATUS_ACCESS_DENIED);
    expect_sound(*hive);
}

TEST(Hive, SplitsLeavesAndCollapsesTheIndexAgain) {
    for (const Format format : {Format::v1_3, Format::v1_5}) {
        auto hive = std::move(memory_hive(format)).value();
        constexpr int count = 5000;
        for (int i = 0; i < count; ++i) {
            ASSERT_TRUE(make_key(*hive, hive->root(), wide("k" + std::to_string(i * 7919 % count))));
        }
        expect_sound(*hive);
        EXPECT_EQ(hive->count().keys, count + 1U);
        for (int i = 0; i < count; ++i) {
            const auto key = hive->find_subkey(hive->root(), wide("K" + std::to_string(i)));
            ASSERT_TRUE(key);
            ASSERT_TRUE(hive->delete_key(*key));
        }
        EXPECT_EQ(hive->key_info(hive->root()).subkey_count, 0U);
        expect_sound(*hive);
    }
}

// Names of one length that differ at one place, at the end or before it,
TEST(Hive, FindsValuesByNamesOfEveryLength) {
    for (const Utf16 letters :
         {u"aZ9_kelvin0123456789ABCxyzDE", u"\xE9\xFF_kelvin0123456789\xC9_xyz", u"\x416kelvin_\x436_"}) {
        for (std::size_t size = 0; size <= letters.size(); ++size) {
            auto hive = std::move(memory_hive()).value();
            const CellIndex root = hive->root();
            const Utf16 name = letters.substr(0, size);
            ASSERT_TRUE(hive->set_value(root, name + u"!", 4, bytes_of("1234"), 7));
            for (std::size_t at = 0; at < size; ++at) {
                Utf16 other = name;
                other[at] = u'~';
                EXPECT_FALSE(hive->find_value(root, other)) << size << ' ' << at;
                ASSERT_TRUE(hive->set_value(root, other, 4, bytes_of("1234"), 7));
                EXPECT_EQ(hive->find_value(root, other)->index, at + 1) << size << ' ' << at;
                EXPECT_EQ(hive->value_info(*hive->find_value(root, other)).name.to_utf16(), other);
            }
            EXPECT_FALSE(hive->find_value(root, name)) << size;
            ASSERT_TRUE(hive->set_value(root, name, 4, bytes_of("1234"), 7));
            EXPECT_EQ(hive->find_value(root, name)->index, size + 1) << size;
            EXPECT_EQ(hive->find_value(root, rtl::upcased(name))->index, size + 1) << size;
        }
    }
}

TEST(Hive, KeepsValuesOfEverySize) {
    auto hive = std::move(memory_hive()).value();
    const CellIndex root = hive->root();
    for (const std::size_t size : {0U, 1U, 4U, 5U, 100U, 16344U, 16345U, 81725U, 300000U}) {
        const std::string data(size, static_cast<char>('a' + size % 7));
        ASSERT_TRUE(hive->set_value(root, u"v", 3, bytes_of(data), 7));
        const ValueRef value = *hive->find_value(root, u"V");
        ASSERT_EQ(hive->value_info(value).data_size, size);
        std::string back(size, '\0');
        EXPECT_EQ(hive->read_value(value, 0, {reinterpret_cast<std::byte*>(back.data()), back.size()}), size);
        EXPECT_EQ(back, data);
        EXPECT_EQ(hive->value_bytes(value).has_value(), size <= 16344);
        expect_sound(*hive);
    }
    ASSERT_TRUE(hive->set_value(root, u"", 1, bytes_of("default"), 8));
    EXPECT_EQ(hive->key_info(root).value_count, 2U);
    EXPECT_EQ(hive->key_info(root).max_value_data_bytes, 300000U);
    ASSERT_TRUE(hive->delete_value(root, u"v", 9));
    EXPECT_EQ(hive->delete_value(root, u"v", 9).error().code(), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(hive->set_value(root, Utf16(16384, u'n'), 1, {}, 9).error().code(), STATUS_OBJECT_NAME_INVALID);
    EXPECT_TRUE(hive->set_value(root, Utf16(16383, u'n'), 1, {}, 9));
    expect_sound(*hive);
}

TEST(Hive, UnknownVersionsAreRefusedWithAFinding) {
    rtl::SimEnv env;
    auto hive = std::move(memory_hive()).value();
    ASSERT_TRUE(hive->save_subtree(hive->root(), *env.open("f", rtl::OpenMode::create).value(), Format::v1_5));
    const std::string image = env.contents()["f"];
    for (int minor = 0; minor <= 7; ++minor) {
        std::string changed = image;
        changed[24] = static_cast<char>(minor);
        changed[508] = static_cast<char>(image[508] ^ 5 ^ minor);
        FindingList findings;
        OpenOptions options;
        options.findings = &findings;
        const auto opened = Hive::open_image(bytes_of(changed), options);
        const bool known = minor >= 2 && minor <= 6;
        EXPECT_EQ(opened.has_value(), known) << minor;
        if (known) continue;
        EXPECT_EQ(opened.error().code(), STATUS_REGISTRY_CORRUPT);
        ASSERT_EQ(findings.count(), 1U);
        if (minor < 2) continue;  // read as what it is not: there is no root where that format would have it
        EXPECT_EQ(findings.findings()[0].file_offset, 24U);
        EXPECT_EQ(findings.findings()[0].expected, "minor version 0 to 6");
    }
}

// Of a block's three fields that nothing depends on, a wrong one is corrected, and with the first flush on the disk
// too.
TEST(Hive, ACorrectedBaseBlockIsFoundCorrectAfterACrash) {
    for (const std::size_t offset : {28, 32, 44}) {
        rtl::SimEnv first;
        HiveOptions create;
        create.path = "h";
        ASSERT_TRUE(Hive::create(first, create));
        rtl::DiskImage disk = first.contents();
        disk["h"][offset] ^= 64;
        disk["h"][508] ^= 64;  // the checksum fits
        rtl::SimEnv env(disk);
        FindingList findings;
        OpenOptions options;
        options.findings = &findings;
        const auto hive = Hive::open(env, "h", options);
        ASSERT_TRUE(hive);
        EXPECT_EQ(findings.count(), 1U);
        ASSERT_TRUE((*hive)->set_value((*hive)->root(), u"v", 4, bytes_of("1234"), 1));
        const auto batch = (*hive)->prepare_flush();
        ASSERT_TRUE(batch && (*hive)->commit_flush(*batch));
        rtl::SimEnv after(env.after_crash(env.event_count(), rtl::LossModel::all, 0));
        const auto recovered = Hive::open(after, "h", options);
        ASSERT_TRUE(recovered);
        EXPECT_EQ(findings.count(), 1U) << "at " << offset;
        EXPECT_TRUE((*recovered)->find_value((*recovered)->root(), u"v"));
    }
}

TEST(Hive, MergesVolatileKeysIntoTheOrderAndForgetsThemOnSave) {
    auto hive = std::move(memory_hive()).value();
    const CellIndex root = hive->root();
    for (const char16_t* name : {u"b", u"d", u"f", u"h"}) ASSERT_TRUE(make_key(*hive, root, name));
    for (const char16_t* name : {u"a", u"c", u"e", u"g", u"i"}) {
        ASSERT_TRUE(make_key(*hive, root, name, StorageType::volatile_));
    }
    std::string order;
    for (std::uint32_t i = 0; i < 9; ++i) order += rtl::to_utf8(hive->key_name(*hive->subkey_at(root, i)).to_utf16());
    EXPECT_EQ(order, "abcdefghi");
    EXPECT_FALSE(hive->subkey_at(root, 9));
    const CellIndex a = *hive->find_subkey(root, u"a");
    EXPECT_EQ(storage_of(a), StorageType::volatile_);
    EXPECT_EQ(make_key(*hive, a, u"x").error().code(), STATUS_CHILD_MUST_BE_VOLATILE);
    ASSERT_TRUE(hive->set_value(a, u"v", 1, bytes_of(std::string(20000, 'v')), 1));
    rtl::SimEnv env;
    const auto file = env.open("out", rtl::OpenMode::create).value();
    ASSERT_TRUE(hive->save_subtree(root, *file, Format::v1_3));
    const std::string saved = env.contents()["out"];
    auto copy = Hive::open_image(bytes_of(saved), {}).value();
    EXPECT_EQ(copy->minor_version(), 3U);
    EXPECT_EQ(copy->key_info(copy->root()).subkey_count, 4U);
    expect_sound(*copy);
    ASSERT_TRUE(hive->delete_key(a));
    expect_sound(*hive);
}

TEST(Hive, SharesSecurityAndCountsIt) {
    auto hive = std::move(memory_hive()).value();
    const CellIndex a = make_key(*hive, hive->root(), u"a").value();
    const CellIndex b = make_key(*hive, hive->root(), u"b").value();
    EXPECT_EQ(hive->key_info(a).security, hive->key_info(b).security);
    std::string other(reinterpret_cast<const char*>(default_descriptor().data()), default_descriptor().size());
    other[36] = 0x19;
    ASSERT_TRUE(hive->set_security(a, bytes_of(other), 5));
    EXPECT_NE(hive->key_info(a).security, hive->key_info(b).security);
    EXPECT_EQ(hive->count().security, 2U);
    expect_sound(*hive);
    ASSERT_TRUE(hive->delete_key(a));
    EXPECT_EQ(hive->count().security, 1U);
    EXPECT_EQ(hive->set_security(b, bytes_of("nonsense"), 5).error().code(), STATUS_INVALID_SECURITY_DESCR);
    expect_sound(*hive);
}

TEST(Hive, ANewKeySharesAGivenSecurityCell) {
    auto hive = std::move(memory_hive()).value();
    const CellIndex a = make_key(*hive, hive->root(), u"a").value();
    const CellIndex security = hive->security_cell(a);
    const auto shared = [&](Utf16View name, CellIndex cell, StorageType type) {
        return hive->create_subkey_sharing(hive->root(), name, {}, cell, type, 5);
    };
    const CellIndex b = shared(u"b", security, StorageType::stable).value();
    EXPECT_EQ(hive->security_cell(b), security);
    const auto changes = hive->changes();
    EXPECT_EQ(shared(u"B", security, StorageType::stable).error().code(), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(shared(u"c", security, StorageType::volatile_).error().code(), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(shared(u"c", b, StorageType::stable).error().code(), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(shared(u"c", nil_cell, StorageType::stable).error().code(), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(hive->changes(), changes);
    EXPECT_FALSE(hive->find_subkey(hive->root(), u"c"));
    ASSERT_TRUE(make_key(*hive, hive->root(), u"v", StorageType::volatile_));
    EXPECT_EQ(make_key(*hive, hive->root(), u"V").error().code(), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(make_key(*hive, hive->root(), u"A", StorageType::volatile_).error().code(), STATUS_OBJECT_NAME_COLLISION);
    expect_sound(*hive);  // counts references
    ASSERT_TRUE(hive->delete_key(a));
    expect_sound(*hive);
}

TEST(Hive, RenamesInPlaceAndByMoving) {
    auto hive = std::move(memory_hive()).value();
    const CellIndex a = make_key(*hive, hive->root(), u"name").value();
    ASSERT_TRUE(make_key(*hive, hive->root(), u"other"));
    ASSERT_TRUE(make_key(*hive, a, u"child"));
    EXPECT_EQ(hive->rename_key(a, u"OTHER", 1).error().code(), STATUS_OBJECT_NAME_COLLISION);
    const CellIndex same = hive->rename_key(a, u"NAME", 1).value();
    EXPECT_EQ(same, a);
    const CellIndex moved = hive->rename_key(a, u"a much longer name than the cell has room for", 1).value();
    EXPECT_EQ(hive->parent(*hive->find_subkey(moved, u"child")), moved);
    EXPECT_FALSE(hive->find_subkey(hive->root(), u"name"));
    expect_sound(*hive);
}

TEST(Hive, DepthEndsAt512) {
    auto hive = std::move(memory_hive()).value();
    CellIndex key = hive->root();
    for (std::uint32_t depth = 1; depth < max_key_depth; ++depth) key = make_key(*hive, key, u"d").value();
    EXPECT_FALSE(make_key(*hive, key, u"d"));
    expect_sound(*hive);
}

TEST(Hive, AnUndoneEditLeavesNoTrace) {
    auto hive = std::move(memory_hive(Format::v1_3)).value();
    const CellIndex key = make_key(*hive, hive->root(), u"k").value();
    ASSERT_TRUE(hive->set_value(key, u"v", 3, bytes_of(std::string(50, 'x')), 1));
    const std::string before = describe(*hive);
    // 1.3 has no big data: one cell holds at most 1 MiB, so this fails after the value cell was changed.
    const std::string big(2 << 20, 'b');
    EXPECT_FALSE(hive->set_value(key, u"v", 1, bytes_of(big), 99));
    EXPECT_FALSE(hive->set_value(key, u"new", 1, bytes_of(big), 99));
    EXPECT_EQ(describe(*hive), before);
    expect_sound(*hive);
}

TEST(Hive, RandomWorkAgreesWithItselfAfterReload) {
    auto hive = std::move(memory_hive()).value();
    std::uint64_t state = 42;
    auto random = [&](std::uint64_t limit) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return (state >> 33) % limit;
    };
    std::vector<CellIndex> keys = {hive->root()};
    for (int i = 0; i < 20000; ++i) {
        const CellIndex key = keys[random(keys.size())];
        const Utf16 name = wide("n" + std::to_string(random(60)));
        const std::uint64_t what = random(10);
        if (what < 3) {
            if (const auto made = make_key(*hive, key, name)) keys.push_back(*made);
        } else if (what < 7) {
            const std::string data(random(what == 6 ? 40000 : 300), 'd');
            ASSERT_TRUE(hive->set_value(key, name, 3, bytes_of(data), i));
        } else if (what < 9) {
            (void)hive->delete_value(key, name, i);
        } else if (key != hive->root() && hive->delete_key(key, i)) {
            std::erase(keys, key);
        }
    }
    expect_sound(*hive);
    rtl::SimEnv env;
    const auto file = env.open("out", rtl::OpenMode::create).value();
    ASSERT_TRUE(hive->save_subtree(hive->root(), *file, Format::v1_5));
    FindingList findings;
    OpenOptions options;
    options.findings = &findings;
    const std::string saved = env.contents()["out"];
    auto copy = Hive::open_image(bytes_of(saved), options).value();
    EXPECT_EQ(findings.count(), 0U);
    EXPECT_EQ(describe(*copy), describe(*hive));
    expect_sound(*copy);
}

}  // namespace
}  // namespace regent::hive
