#include "se/descriptor.h"

#include <gtest/gtest.h>

#include <random>

#include "se/access.h"
#include "se/sddl.h"

namespace regent::se {
namespace {

TEST(Sid, TextAndBytes) {
    for (const char* text : {"S-1-5-18", "S-1-1-0", "S-1-5-21-1-2-4294967295-500", "S-1-0x123456789a-7", "S-1-5"}) {
        auto sid = Sid::parse(text);
        ASSERT_TRUE(sid) << text;
        EXPECT_EQ(sid->to_string(), text);
        EXPECT_EQ(Sid::from_bytes(sid->bytes()), *sid);
        EXPECT_FALSE(Sid::from_bytes(sid->bytes().first(sid->size() - 1)));
    }
    for (const char* text : {"", "S-1-", "S-2-5-18", "S-1-5-", "S-1-5-18x", "S-1-5-4294967296", "S-1-5--1",
                             "S-1-0x1000000000000-1", "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16"}) {
        EXPECT_FALSE(Sid::parse(text)) << text;
    }
    EXPECT_EQ(from_uid(1000).to_string(), "S-1-22-1-1000");
    EXPECT_EQ(from_gid(7).to_string(), "S-1-22-2-7");
}

TEST(Descriptor, EveryCutIsRefusedOrHarmless) {
    auto descriptor = parse_sddl("O:BAG:SYD:P(A;CI;KA;;;SY)(A;CI;KR;;;BU)S:(AU;SAFA;KA;;;WD)").value();
    for (std::size_t size = 0; size < descriptor.size(); ++size) {
        EXPECT_FALSE(DescriptorView::validate(descriptor.bytes().first(size))) << size;
    }
    EXPECT_TRUE(DescriptorView::validate(descriptor.bytes()));
}

TEST(Descriptor, RandomDamageNeverEscapes) {
    auto descriptor = parse_sddl("O:BAG:SYD:P(A;CI;KA;;;SY)(A;CI;KR;;;BU)S:(AU;SAFA;KA;;;WD)(ML;;NW;;;HI)").value();
    auto token = Token::for_unix_user(1000, 1000, {});
    std::mt19937 random(7);
    for (int round = 0; round < 20000; ++round) {
        std::vector<std::byte> bytes(descriptor.bytes().begin(), descriptor.bytes().end());
        for (unsigned n = 1 + random() % 4; n != 0; --n)
            bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        bytes.resize(bytes.size() - random() % 3);
        auto view = DescriptorView::validate(bytes);
        if (!view) continue;
        // Whatever passes can be walked, checked and copied.
        (void)access_check(*view, *token, MAXIMUM_ALLOWED, GENERIC_MAPPING{1, 2, 4, 7}, user_mode);
        (void)to_sddl(*view);
        EXPECT_TRUE(SecurityDescriptor::build(parts_of(*view)));
    }
}

TEST(Descriptor, FormsAreRefusedInOrder) {
    auto good = parse_sddl("O:BAD:(A;;KA;;;SY)").value();
    std::vector<std::byte> bytes(good.bytes().begin(), good.bytes().end());
    bytes[0] = std::byte{2};
    EXPECT_EQ(DescriptorView::validate(bytes).error().code(), STATUS_UNKNOWN_REVISION);
    bytes[0] = std::byte{1};
    bytes[3] = std::byte{0};  // not self-relative
    EXPECT_EQ(DescriptorView::validate(bytes).error().code(), STATUS_INVALID_SECURITY_DESCR);
}

TEST(Descriptor, CapturesBothForms) {
    auto relative = parse_sddl("O:BAG:SYD:P(A;CI;KA;;;SY)").value();
    EXPECT_EQ(to_sddl(*capture_descriptor(relative.bytes().data())).value(), "O:BAG:SYD:P(A;CI;KA;;;SY)");
    SecurityDescriptor::Parts parts = relative.parts();
    SECURITY_DESCRIPTOR absolute{};
    absolute.Revision = SECURITY_DESCRIPTOR_REVISION;
    absolute.Control = SE_DACL_PRESENT | SE_DACL_PROTECTED;
    absolute.Owner = &*parts.owner;
    absolute.Dacl = reinterpret_cast<PACL>(parts.dacl->data());
    EXPECT_EQ(to_sddl(*capture_descriptor(&absolute)).value(), "O:BAD:P(A;CI;KA;;;SY)");
    absolute.Dacl = nullptr;
    EXPECT_EQ(to_sddl(*capture_descriptor(&absolute)).value(), "O:BAD:PNO_ACCESS_CONTROL");
    Sid bad = *parts.owner;
    reinterpret_cast<UCHAR*>(&bad)[1] = 16;
    absolute.Owner = &bad;
    EXPECT_EQ(capture_descriptor(&absolute).error().code(), STATUS_INVALID_SID);
    absolute.Revision = 3;
    EXPECT_EQ(capture_descriptor(&absolute).error().code(), STATUS_UNKNOWN_REVISION);
}

TEST(Descriptor, NullAndEmptyListsDiffer) {
    EXPECT_FALSE(parse_sddl("D:NO_ACCESS_CONTROL")->view().dacl());
    EXPECT_EQ(parse_sddl("D:")->view().dacl()->count(), 0u);
    EXPECT_FALSE(SecurityDescriptor().view().dacl());
    AclBuilder huge;
    for (int i = 0; i < 4000; ++i) huge.add(ACCESS_ALLOWED_ACE_TYPE, 0, 1, well_known::world());
    EXPECT_EQ(huge.finish().error().code(), STATUS_INVALID_ACL);
}

}  // namespace
}  // namespace regent::se
