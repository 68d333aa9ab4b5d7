// Names, creation, links, hives: what a path leads to.
#include "cm/parse.h"

#include "cm/key_lock.h"
#include "cm/registry_fixture.h"
#include "se/sddl.h"

namespace regent::cm {
namespace {

TEST(TakeComponent, separators_are_swallowed) {
    Utf16View rest = u"\\a\\\\b\\";
    EXPECT_EQ(take_component(rest), u"a");
    EXPECT_EQ(take_component(rest), u"b");
    EXPECT_EQ(take_component(rest), u"");
    EXPECT_EQ(take_component(rest), u"");
}

TEST(TooManyComponents, thirty_two_of_any_length) {
    const auto path = [](std::size_t count, Utf16View each, Utf16View separator) {
        Utf16 made;
        for (std::size_t i = 0; i < count; ++i) (made += separator) += each;
        return made;
    };
    for (const Utf16View each : {u"a", u"ab", u"a longer name"}) {
        for (const Utf16View separator : {u"\\", u"\\\\", u"\\\\\\\\\\"}) {
            for (std::size_t count = 0; count <= 70; ++count) {
                const bool many = count > 32;
                const Utf16 whole = path(count, each, separator);
                EXPECT_EQ(too_many_components(whole), many) << count;
                EXPECT_EQ(too_many_components(whole + u"\\\\\\"), many) << count;
                if (count == 0) continue;
                EXPECT_EQ(too_many_components(Utf16View(whole).substr(separator.size())), many);
            }
        }
    }
    EXPECT_FALSE(too_many_components(Utf16(32767, u'\\')));
    EXPECT_TRUE(too_many_components(path(16383, u"a", u"\\")));
}

class ParseTest : public RegistryTest {};

TEST_F(ParseTest, names_of_the_root) {
    for (const Utf16View name : {u"\\Registry", u"\\Registry\\", u"\\REGISTRY\\\\"}) {
        KeyRef key;
        EXPECT_EQ(open({name}, &key), STATUS_SUCCESS) << rtl::to_utf8(name);
        EXPECT_EQ(create({name}), STATUS_SUCCESS);
    }
    EXPECT_EQ(open({u"\\Registry\\PerfData"}), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(open({u"\\Registry\\A"}), STATUS_ACCESS_DENIED);
    EXPECT_EQ(open({u"\\Registry\\a\\x"}), STATUS_ACCESS_DENIED);
    EXPECT_EQ(open({u""}), STATUS_OBJECT_PATH_SYNTAX_BAD);
    EXPECT_EQ(open({u"Machine"}), STATUS_OBJECT_PATH_SYNTAX_BAD);
    EXPECT_EQ(open({u"\\"}), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(open({u"\\Foobar"}), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(open({u"\\Foobar\\Machine"}), STATUS_OBJECT_PATH_NOT_FOUND);
}

TEST_F(ParseTest, create_makes_the_last_component_only) {
    EXPECT_EQ(create({u"\\Registry\\Machine\\Test\\a\\b"}), STATUS_OBJECT_NAME_NOT_FOUND);
    const KeyRef a = made(u"\\Registry\\Machine\\Test\\a\\");
    const KeyRef b = made(u"\\registry\\machine\\TEST\\A\\\\b\\");
    EXPECT_EQ(path_of(b), "\\REGISTRY\\MACHINE\\Test\\a\\b");
    KeyRef again;
    EXPECT_EQ(open({u"\\Registry\\Machine\\Test\\a\\B"}, &again), STATUS_SUCCESS);
    EXPECT_EQ(&again->block(), &b->block());
    EXPECT_NE(again.get(), b.get());
}

// Its thread has just made keys, and is expected to go on: what stands in the way is found all the same, and said as
// it is to others.
TEST_F(ParseTest, who_has_created_keys_is_told_what_is_there) {
    const KeyRef in_memory = made(u"\\Registry\\Machine\\Test\\Memory", REG_OPTION_VOLATILE);
    const auto disposition = [](Utf16View name) { return call({name}, true)->disposition; };
    EXPECT_EQ(disposition(u"\\Registry\\Machine\\Test\\One"), REG_CREATED_NEW_KEY);
    EXPECT_EQ(disposition(u"\\Registry\\Machine\\Test\\Two"), REG_CREATED_NEW_KEY);
    EXPECT_EQ(disposition(u"\\Registry\\Machine\\Test\\ONE"), REG_OPENED_EXISTING_KEY);
    EXPECT_EQ(disposition(u"\\Registry\\Machine\\Test\\Three"), REG_CREATED_NEW_KEY);
    EXPECT_EQ(create({u"\\Registry\\Machine\\Test\\Memory\\Stable"}), STATUS_CHILD_MUST_BE_VOLATILE);
    made(u"\\Registry\\Machine\\Test\\Four");
    const Utf16 long_name = u"\\Registry\\Machine\\Test\\" + Utf16(hive::max_key_name + 1, u'n');
    EXPECT_EQ(create({long_name}), STATUS_INVALID_PARAMETER);
    made(u"\\Registry\\Machine\\Test\\Five");
    EXPECT_EQ(create({u"\\Registry\\Machine\\New"}), STATUS_INVALID_PARAMETER);
    made(u"\\Registry\\Machine\\Test\\Six");
    EXPECT_EQ(create({u"\\Registry\\A"}), STATUS_ACCESS_DENIED);
}

TEST_F(ParseTest, folding_is_by_unit_and_spares_surrogates) {
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\\u00F6\u014D\xD801\xDC00");
    EXPECT_EQ(open({u"\\Registry\\Machine\\Test\\\u00D6\u014C\xD801\xDC00"}), STATUS_SUCCESS);
    EXPECT_EQ(open({u"\\Registry\\Machine\\Test\\\u00D6\u014C\xD801\xDC28"}), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(ParseTest, nothing_is_created_at_mount_points) {
    EXPECT_EQ(create({u"\\Registry\\Machine\\New"}), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(create({u"\\Registry\\New"}), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(create({u"\\Registry\\Machine\\Test"}), STATUS_SUCCESS);
}

TEST_F(ParseTest, long_names) {
    const Utf16 prefix = u"\\Registry\\Machine\\Test\\";
    EXPECT_EQ(create({prefix + Utf16(255, u'x')}), STATUS_SUCCESS);
    EXPECT_EQ(create({prefix + Utf16(256, u'x')}), STATUS_INVALID_PARAMETER);
}

TEST_F(ParseTest, volatile_children) {
    const KeyRef parent = made(u"\\Registry\\Machine\\Test\\v", REG_OPTION_VOLATILE);
    EXPECT_TRUE(parent->block().is_volatile());
    EXPECT_EQ(create({u"\\Registry\\Machine\\Test\\v\\stable"}), STATUS_CHILD_MUST_BE_VOLATILE);
    const KeyRef child = made(u"\\Registry\\Machine\\Test\\v\\c", REG_OPTION_VOLATILE);
    EXPECT_EQ(create({u"\\Registry\\Machine\\Test\\v\\c"}), STATUS_SUCCESS);  // opens it
}

TEST_F(ParseTest, relative_to_a_deleted_key) {
    const KeyRef key = made(u"\\Registry\\Machine\\Test\\k");
    const auto handle = ob::insert_handle(key, KEY_ALL_ACCESS, 0);
    ASSERT_TRUE(handle);
    ASSERT_TRUE(delete_key(*key));
    Ask ask{u"x"};
    ask.root = *handle;
    EXPECT_EQ(open(ask), STATUS_KEY_DELETED);
    EXPECT_EQ(create(ask), STATUS_KEY_DELETED);
    ask.name = u"";
    EXPECT_EQ(open(ask), STATUS_KEY_DELETED);
    EXPECT_TRUE(ob::close_handle(*handle, ob::kernel_mode));
}

TEST_F(ParseTest, links) {
    const KeyRef link = made(u"\\Registry\\Machine\\Test\\link", REG_OPTION_CREATE_LINK);
    EXPECT_EQ(set(link, u"other", 1).error().code(), STATUS_ACCESS_DENIED);
    ASSERT_EQ(set_link(link, u"\\Registry\\Machine\\Test\\target"), STATUS_SUCCESS);
    EXPECT_EQ(open({u"\\Registry\\Machine\\Test\\link"}), STATUS_OBJECT_NAME_NOT_FOUND);

    KeyRef target;
    EXPECT_EQ(create({u"\\Registry\\Machine\\Test\\link"}, &target), STATUS_SUCCESS);  // makes the target
    EXPECT_EQ(path_of(target), "\\REGISTRY\\MACHINE\\Test\\target");
    const KeyRef below = made(u"\\Registry\\Machine\\Test\\link\\below");
    EXPECT_EQ(path_of(below), "\\REGISTRY\\MACHINE\\Test\\target\\below");

    Ask itself{u"\\Registry\\Machine\\Test\\link"};
    itself.attributes = OBJ_OPENLINK;
    KeyRef opened;
    EXPECT_EQ(open(itself, &opened), STATUS_SUCCESS);
    EXPECT_EQ(&opened->block(), &link->block());
    EXPECT_EQ(create(itself, &opened), STATUS_SUCCESS);
    EXPECT_EQ(&opened->block(), &link->block());

    Ask again{u"\\Registry\\Machine\\Test\\link"};
    again.options = REG_OPTION_CREATE_LINK;
    EXPECT_EQ(create(again), STATUS_OBJECT_NAME_COLLISION);
    again.name = u"\\Registry\\Machine\\Test\\target";
    EXPECT_EQ(create(again), STATUS_OBJECT_NAME_COLLISION);

    EXPECT_TRUE(delete_key(*link));
    EXPECT_EQ(open({u"\\Registry\\Machine\\Test\\target"}), STATUS_SUCCESS);
}

// SL-10 as corrected: a trusted hive's links lead anywhere, another one's into its own class.
TEST_F(ParseTest, links_of_an_untrusted_hive_stay_in_its_class) {
    MountOptions boot;
    boot.boot = true;
    MountOptions kin;
    kin.trust_class = registry().trust_class(u"\\registry\\machine\\TEST");
    ASSERT_NE(kin.trust_class, 0u);
    ASSERT_TRUE(mount(u"\\Registry\\Machine\\Trusted", boot));
    ASSERT_TRUE(mount(u"\\Registry\\Machine\\Other"));
    ASSERT_TRUE(mount(u"\\Registry\\Machine\\Kin", kin));
    const KeyRef trusted = made(u"\\Registry\\Machine\\Trusted\\k");
    const KeyRef other = made(u"\\Registry\\Machine\\Other\\k");
    const KeyRef related = made(u"\\Registry\\Machine\\Kin\\k");

    const KeyRef link = made(u"\\Registry\\Machine\\Test\\link", REG_OPTION_CREATE_LINK);
    const Ask ask{u"\\Registry\\Machine\\Test\\link"};
    for (const Utf16View target :
         {u"\\Registry\\Machine\\Trusted\\k", u"\\Registry\\Machine\\Other\\k", u"\\Registry\\Machine\\Other\\missing",
          u"\\Registry\\Machine\\Other", u"\\Registry\\Machine", u"\\Registry"}) {
        ASSERT_EQ(set_link(link, target), STATUS_SUCCESS);
        EXPECT_EQ(open(ask), STATUS_ACCESS_DENIED) << rtl::to_utf8(target);
        EXPECT_EQ(create(ask), STATUS_ACCESS_DENIED) << rtl::to_utf8(target);
        EXPECT_EQ(open({u"\\Registry\\Machine\\Test\\link\\below"}),
                  target.size() > 20 ? STATUS_ACCESS_DENIED : STATUS_OBJECT_NAME_NOT_FOUND);
    }
    ASSERT_EQ(set_link(link, u"\\Registry\\Machine\\Kin\\k"), STATUS_SUCCESS);
    EXPECT_EQ(open(ask), STATUS_SUCCESS);
    EXPECT_EQ(create({u"\\Registry\\Machine\\Test\\link\\below"}), STATUS_SUCCESS);

    // Through a trusted hive's link anywhere, and on from there as from the hive that it leads to.
    const KeyRef first = made(u"\\Registry\\Machine\\Trusted\\link", REG_OPTION_CREATE_LINK);
    ASSERT_EQ(set_link(first, u"\\Registry\\Machine\\Test\\link"), STATUS_SUCCESS);
    EXPECT_EQ(open({u"\\Registry\\Machine\\Trusted\\link"}), STATUS_SUCCESS);
    ASSERT_EQ(set_link(link, u"\\Registry\\Machine\\Trusted\\k"), STATUS_SUCCESS);
    EXPECT_EQ(open({u"\\Registry\\Machine\\Trusted\\link"}), STATUS_ACCESS_DENIED);
}

// HB-7; the status is that of a loop of links, which is found out in the same way.
TEST_F(ParseTest, a_path_has_at_most_32_components) {
    Utf16 path = u"\\Registry\\Machine\\Test";
    for (int depth = 3; depth <= 32; ++depth) {
        path += u"\\k";
        EXPECT_EQ(create({path}), STATUS_SUCCESS) << depth;
    }
    KeyRef lowest;
    ASSERT_EQ(open({path + u"\\\\"}, &lowest), STATUS_SUCCESS);  // separators that mean nothing are not counted
    EXPECT_EQ(lowest->block().depth(), 32u);
    EXPECT_EQ(open({path + u"\\k"}), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(create({path + u"\\k"}), STATUS_INVALID_PARAMETER);

    // Below a key the count begins anew; what is there by then is still too far for one path.
    const auto handle = ob::insert_handle(lowest, KEY_ALL_ACCESS, 0);
    ASSERT_TRUE(handle);
    Ask below{u"k"};
    below.root = *handle;
    EXPECT_EQ(create(below), STATUS_SUCCESS);
    EXPECT_EQ(open(below), STATUS_SUCCESS);
    EXPECT_EQ(open({path + u"\\k"}), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(open({path + u"\\K\\"}), STATUS_INVALID_PARAMETER);
    EXPECT_TRUE(ob::close_handle(*handle, ob::kernel_mode));
}

TEST_F(ParseTest, broken_links) {
    const KeyRef link = made(u"\\Registry\\Machine\\Test\\link", REG_OPTION_CREATE_LINK);
    const Ask ask{u"\\Registry\\Machine\\Test\\link"};
    EXPECT_EQ(open(ask), STATUS_OBJECT_NAME_NOT_FOUND);  // no value yet
    ASSERT_EQ(set_link(link, u"relative"), STATUS_SUCCESS);
    EXPECT_EQ(open(ask), STATUS_OBJECT_NAME_INVALID);
    ASSERT_EQ(set_link(link, Utf16View(u"\\Registry\\Machine\\Test\0", 23)), STATUS_SUCCESS);
    EXPECT_EQ(open(ask), STATUS_OBJECT_NAME_NOT_FOUND);  // the NUL is part of the name
    ASSERT_EQ(set_link(link, u"\\Registry\\Machine\\Test\\link\\link"), STATUS_SUCCESS);
    EXPECT_EQ(open(ask), STATUS_INVALID_PARAMETER);  // a loop
}

TEST_F(ParseTest, reopening_a_link_relative_to_itself) {
    const KeyRef link = made(u"\\Registry\\Machine\\Test\\link", REG_OPTION_CREATE_LINK);
    const auto handle = ob::insert_handle(link, KEY_ALL_ACCESS, 0);
    ASSERT_TRUE(handle);
    Ask ask{u""};
    ask.root = *handle;
    KeyRef again;
    EXPECT_EQ(open(ask, &again), STATUS_SUCCESS);
    EXPECT_EQ(&again->block(), &link->block());
    EXPECT_TRUE(ob::close_handle(*handle, ob::kernel_mode));
}

TEST_F(ParseTest, hives_are_crossed_and_enumerated_with_their_content) {
    ASSERT_TRUE(mount(u"\\Registry\\User\\S-1-5-18"));
    ASSERT_TRUE(mount(u"\\Registry\\Machine\\Alpha"));
    EXPECT_EQ(mount(u"\\Registry\\Machine\\TEST").error().code(), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(mount(u"\\Registry\\Machine\\Test\\x").error().code(), STATUS_INVALID_PARAMETER);
    KeyRef machine;
    ASSERT_EQ(open({u"\\Registry\\Machine"}, &machine), STATUS_SUCCESS);
    EXPECT_EQ(subkeys(machine), "Alpha,Test");
    EXPECT_EQ(path_of(machine), "\\REGISTRY\\MACHINE");
    EXPECT_EQ(registry().hives().size(), 3u);
}

// What is remembered of an earlier creation serves no longer than it is what the rules give.
TEST_F(ParseTest, inherited_descriptors_follow_the_parent_and_the_token) {
    const KeyRef parent = made(u"\\Registry\\Machine\\Test\\p");
    const Ref<se::Token> token = ob::current().token_ref();
    int number = 0;
    const auto expect_inherited = [&](ULONG options) {
        const se::SecurityDescriptor above = query_key_security(*parent).value();
        const se::DescriptorView view = above.view();
        const auto expected = se::assign_descriptor(&view, nullptr, *token, key_mapping, true, true).value();
        for (int i = 0; i < 3; ++i) {
            const Utf16 name = u"\\Registry\\Machine\\Test\\p\\" + rtl::from_utf8(std::to_string(number++));
            EXPECT_EQ(query_key_security(*made(name, options)).value(), expected) << number;
        }
    };
    for (const char* list : {"D:P(A;CI;KA;;;WD)", "D:P(A;CI;KR;;;WD)(A;CIIO;GA;;;CO)", "D:P(A;;KR;;;WD)"}) {
        ASSERT_TRUE(set_key_security(*parent, DACL_SECURITY_INFORMATION, se::parse_sddl(list).value(), *token));
        expect_inherited(0);
        expect_inherited(REG_OPTION_VOLATILE);
    }
    // Nothing is inherited now: the token's default list counts.
    const std::vector<std::byte> before = token->default_dacl();
    se::AclBuilder other;
    other.add(ACCESS_ALLOWED_ACE_TYPE, 0, KEY_READ, se::well_known::world());
    token->set_default_dacl(other.finish().value());
    expect_inherited(0);
    token->set_default_dacl(before);
    expect_inherited(0);
    // The last key with the remembered cell goes, and the cell with it.
    EXPECT_TRUE(delete_key(*made(u"\\Registry\\Machine\\Test\\p\\0")));
    expect_inherited(0);
}

TEST_F(ParseTest, unmounting) {
    ob::ObjectAttributes target;
    target.name = u"\\Registry\\Machine\\Test";
    KeyRef key = made(u"\\Registry\\Machine\\Test\\k");
    EXPECT_EQ(registry().unmount_at(target, false).error().code(), STATUS_CANNOT_DELETE);
    EXPECT_TRUE(registry().unmount_at(target, true));
    EXPECT_EQ(set(key, u"v", 1).error().code(), STATUS_HIVE_UNLOADED);
    EXPECT_TRUE(delete_key(*key));
    EXPECT_EQ(open({u"\\Registry\\Machine\\Test"}), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(registry().unmount_at(target, true).error().code(), STATUS_INVALID_PARAMETER);
    ASSERT_TRUE(mount(u"\\Registry\\Machine\\Test"));
    key = nullptr;
    EXPECT_TRUE(registry().unmount_at(target, false));
}

}  // namespace
}  // namespace regent::cm
