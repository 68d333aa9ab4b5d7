#include "ob/namespace.h"

#include <gtest/gtest.h>

#include "ob/handle.h"
#include "ob/lookup.h"
#include "ob/process.h"
#include "ob/security.h"
#include "se/sddl.h"
#include "wdk/wdm.h"

namespace regent::ob {
namespace {

// A type below which paths go on, like Key: "again" starts anew, everything else is the object itself.
Result<ParseOutcome> parse_probe(ParseRequest& request) {
    if (request.remaining == u"again") return ParseOutcome::again(u"\\Device");
    if (request.remaining == u"loop") return ParseOutcome::again(Utf16(request.complete_name));
    if (request.remaining == u"gone") return fail(STATUS_KEY_DELETED);
    if (request.context != nullptr && request.context->type != request.desired)
        return fail(STATUS_OBJECT_TYPE_MISMATCH);
    return ParseOutcome::found(ObjectRef<void>::retain(request.object));
}

ObjectType& probe_type() {
    static ObjectType& type = [&]() -> ObjectType& {
        ObjectType& made = register_type(u"Probe", {1, 2, 4, 7}, 7, {.parse = parse_probe});
        made.case_insensitive = true;
        return made;
    }();
    return type;
}

class Namespace : public ::testing::Test {
protected:
    void SetUp() override { initialize(); }
    void TearDown() override { shutdown(); }

    static NTSTATUS find(Utf16View path, const ObjectType* type = nullptr, ULONG attributes = 0) {
        ObjectAttributes given{nullptr, path, attributes, nullptr};
        AccessState access = AccessState::for_current(MAXIMUM_ALLOWED);
        return rtl::to_ntstatus(lookup(given, type, access));
    }
    static Utf16 name_of(void* object) { return query_name(object).value_or(u"?"); }
};

TEST_F(Namespace, HasItsDirectoriesAndLinks) {
    for (Utf16View path : {u"\\", u"\\Device", u"\\Driver", u"\\Callback", u"\\??", u"\\ObjectTypes\\Process"}) {
        EXPECT_EQ(find(path), STATUS_SUCCESS) << rtl::to_utf8(path);
    }
    auto device = create_directory(u"\\Device\\Inner").value();
    EXPECT_EQ(name_of(device.get()), u"\\Device\\Inner");
    EXPECT_EQ(name_of(&namespace_root()), u"\\");
    auto link = create_symbolic_link(u"\\??\\Name", u"\\Device\\Inner").value();
    EXPECT_EQ(find(u"\\DosDevices\\Name", &types::directory()), STATUS_SUCCESS);
    EXPECT_EQ(find(u"\\DosDevices\\Name", &types::symbolic_link(), OBJ_OPENLINK), STATUS_SUCCESS);
    EXPECT_EQ(find(u"\\DosDevices\\Name", &types::symbolic_link()), STATUS_OBJECT_TYPE_MISMATCH);
}

TEST_F(Namespace, AnswersWrongPathsInOrder) {
    struct Row {
        Utf16View path;
        NTSTATUS status;
    } rows[] = {
        {u"", STATUS_OBJECT_PATH_SYNTAX_BAD},        {u"Device", STATUS_OBJECT_PATH_SYNTAX_BAD},
        {u"\\Foobar", STATUS_OBJECT_NAME_NOT_FOUND}, {u"\\Foobar\\Machine", STATUS_OBJECT_PATH_NOT_FOUND},
        {u"\\\\Device", STATUS_OBJECT_NAME_INVALID}, {u"\\Device\\", STATUS_OBJECT_NAME_INVALID},
        {u"\\device", STATUS_OBJECT_NAME_NOT_FOUND}, {u"\\ObjectTypes\\Event\\x", STATUS_OBJECT_TYPE_MISMATCH},
    };
    for (const Row& row : rows) EXPECT_EQ(find(row.path), row.status) << rtl::to_utf8(row.path);
    EXPECT_EQ(find(u"\\device", nullptr, OBJ_CASE_INSENSITIVE), STATUS_SUCCESS);
    EXPECT_EQ(find(u"\\", &types::event()), STATUS_OBJECT_TYPE_MISMATCH);
}

TEST_F(Namespace, ParseProceduresGoOnAndRestart) {
    auto probe = create_object(probe_type(), 8).value();
    ASSERT_TRUE(insert_named(u"\\Registry", probe.get(), true));
    EXPECT_EQ(find(u"\\Registry", &probe_type()), STATUS_SUCCESS);
    EXPECT_EQ(find(u"\\REGISTRY\\\\", &probe_type()), STATUS_SUCCESS);  // the type folds; separators are its business
    EXPECT_EQ(find(u"\\Registry\\again", &types::directory()), STATUS_SUCCESS);
    EXPECT_EQ(find(u"\\Registry\\gone"), STATUS_KEY_DELETED);
    EXPECT_EQ(find(u"\\Registry\\loop"), STATUS_INVALID_PARAMETER);
    auto link = create_symbolic_link(u"\\A", u"\\B").value();
    auto back = create_symbolic_link(u"\\B", u"\\A").value();
    EXPECT_EQ(find(u"\\A"), STATUS_INVALID_PARAMETER);
    // Relative to a handle.
    HANDLE root = insert_handle(probe, 7, 0).value();
    ObjectAttributes relative{root, u"again", 0, nullptr};
    AccessState access = AccessState::for_current(MAXIMUM_ALLOWED);
    EXPECT_EQ(lookup(relative, nullptr, access)->get(), lookup_path(u"\\Device")->get());
    relative.name = u"\\again";
    EXPECT_EQ(lookup(relative, nullptr, access).error().code(), STATUS_OBJECT_PATH_SYNTAX_BAD);
    relative.root = reinterpret_cast<HANDLE>(0x1230);
    EXPECT_EQ(lookup(relative, nullptr, access).error().code(), STATUS_INVALID_HANDLE);
    ASSERT_TRUE(close_handle(root, user_mode));
}

TEST_F(Namespace, TemporaryNamesGoWithTheLastHandle) {
    ObjectAttributes named{nullptr, u"\\BaseNamedObjects\\e", 0, nullptr};
    AccessState access = AccessState::for_current(EVENT_ALL_ACCESS);
    auto event = create_object(types::event(), sizeof(KEVENT)).value();
    HANDLE first = insert_object(event, named, access)->handle;
    EXPECT_EQ(name_of(event.get()), u"\\BaseNamedObjects\\e");
    EXPECT_EQ(insert_object(create_object(types::event(), 24).value(), named, access).error().code(),
              STATUS_OBJECT_NAME_COLLISION);
    named.attributes = OBJ_OPENIF;
    auto second = insert_object(create_object(types::event(), 24).value(), named, access).value();
    EXPECT_TRUE(second.existed);
    ASSERT_TRUE(close_handle(first, user_mode));
    EXPECT_EQ(find(named.name), STATUS_SUCCESS);
    ASSERT_TRUE(close_handle(second.handle, user_mode));
    EXPECT_EQ(find(named.name), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(name_of(event.get()), u"");

    named.attributes = OBJ_PERMANENT;
    HANDLE permanent = insert_object(event, named, access)->handle;
    ASSERT_TRUE(close_handle(permanent, user_mode));
    EXPECT_EQ(find(named.name), STATUS_SUCCESS);
    make_temporary(event.get());
    EXPECT_EQ(find(named.name), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Namespace, DescriptorsDecide) {
    auto process = Process::create({4711, u"/bin/x", se::Token::for_unix_user(1000, 1000, {})}).value();
    CallerScope scope(*process, nullptr, user_mode);
    AccessState access = AccessState::for_current(EVENT_ALL_ACCESS);
    ObjectAttributes in_device{nullptr, u"\\Device\\mine", 0, nullptr};
    auto event = create_object(types::event(), sizeof(KEVENT)).value();
    EXPECT_EQ(insert_object(event, in_device, access).error().code(), STATUS_ACCESS_DENIED);
    auto descriptor = se::parse_sddl("D:(A;;0x1;;;WD)").value();
    ObjectAttributes allowed{nullptr, u"\\BaseNamedObjects\\mine", 0, &descriptor};
    HANDLE handle = insert_object(event, allowed, access)->handle;
    AccessState modify = AccessState::for_current(EVENT_MODIFY_STATE);
    EXPECT_EQ(open_by_name(allowed, types::event(), modify).error().code(), STATUS_ACCESS_DENIED);
    AccessState query = AccessState::for_current(EVENT_QUERY_STATE);
    EXPECT_TRUE(open_by_name(allowed, types::event(), query));
    // What was granted stays, whatever the descriptor becomes.
    auto none = se::parse_sddl("D:").value();
    ASSERT_TRUE(set_security(event.get(), DACL_SECURITY_INFORMATION, none, process->token()));
    EXPECT_EQ(open_by_name(allowed, types::event(), query).error().code(), STATUS_ACCESS_DENIED);
    EXPECT_TRUE(reference_by_handle(handle, EVENT_ALL_ACCESS, &types::event(), user_mode));
    EXPECT_EQ(se::to_sddl(*query_security(event.get(), DACL_SECURITY_INFORMATION)).value(), "D:");
    process->terminate();
    EXPECT_EQ(process->handles().count(), 0u);
}

}  // namespace
}  // namespace regent::ob
