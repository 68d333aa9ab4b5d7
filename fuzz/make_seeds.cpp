// Writes the seeds of a fuzz target into a folder: make_seeds TARGET DIR. They are made anew from the library itself,
// so that the tree holds no binary files and the seeds follow the format.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "hive/hive.h"
#include "hive/hive_impl.h"
#include "rtl/sim_env.h"
#include "se/condition.h"
#include "se/sddl.h"

namespace {

using namespace regent;
using hive::CellIndex;
using hive::Hive;

std::string directory;
int written = 0;

void seed(const std::string& content) {
    const std::string path = directory + "/seed-" + std::to_string(written++);
    std::ofstream file(path, std::ios::binary);
    file << content;
    if (!file.flush()) {
        std::fprintf(stderr, "make_seeds: cannot write %s\n", path.c_str());
        std::exit(1);
    }
}

template <typename T>
T must(Result<T> result) {
    if (!result) std::abort();
    return std::move(*result);
}

void must(const Result<void>& result) {
    if (!result) std::abort();
}

Utf16 name(const char* prefix, int number) { return rtl::from_utf8(prefix + std::to_string(number)); }

CellIndex add_key(Hive& hive, CellIndex parent, Utf16View key, Utf16View class_name = {}, std::uint16_t flags = 0) {
    return must(
        hive.create_subkey(parent, key, class_name, hive::default_descriptor(), hive::StorageType::stable, 2, flags));
}

void add_value(Hive& hive, CellIndex key, Utf16View value, std::uint32_t type, const std::string& data) {
    must(hive.set_value(key, value, type, rtl::as_bytes(data.data(), data.size()), 2));
}

// --- Shapes of hives: each changes an empty one.
using Shape = std::function<void(Hive&)>;

void few_keys(Hive& hive) {
    for (int i = 0; i < 5; ++i) {
        const CellIndex key = add_key(hive, hive.root(), name("Key", i), i == 3 ? u"class" : u"");
        add_value(hive, key, u"", 1, std::string("a\0b\0\0\0", 6));
        add_value(hive, key, u"dword", 4, std::string(4, '\1'));
        add_value(hive, add_key(hive, key, u"Sub"), u"binary", 3, std::string(40, 'x'));
    }
}

void wide_names(Hive& hive) {
    const CellIndex key = add_key(hive, hive.root(), u"\u0416\u4E2D\u00E9", u"\u0416");
    add_value(hive, key, u"\u00FC\u4E2D", 1, "text");
    add_key(hive, key, u"link", {}, hive::key_sym_link);
}

void many_subkeys(Hive& hive) {
    for (int i = 0; i < 1100; ++i) add_key(hive, hive.root(), name("", i));
}

void big_data(Hive& hive) {
    add_value(hive, hive.root(), u"big", 3, std::string(16345, 'b'));
    add_value(hive, hive.root(), u"bigger", 3, std::string(40000, 'c'));
}

void holes(Hive& hive) {
    few_keys(hive);
    for (int i = 0; i < 40; ++i) add_value(hive, hive.root(), name("v", i), 3, std::string(std::size_t(i) * 9, 'd'));
    for (int i = 0; i < 40; i += 2) must(hive.delete_value(hive.root(), name("v", i), 3));
    for (int i = 0; i < 20; ++i) must(hive.delete_key(add_key(hive, hive.root(), name("gone", i)), 3));
}

void deep(Hive& hive) {
    CellIndex key = hive.root();
    for (int i = 0; i < 30; ++i) key = add_key(hive, key, name("d", i));
}

void two_descriptors(Hive& hive) {
    std::vector<std::byte> other(hive::default_descriptor().begin(), hive::default_descriptor().end());
    other[36] = std::byte{0x19};
    few_keys(hive);
    must(hive.set_security(*hive.subkey_at(hive.root(), 1), other, 3));
}

const Shape shapes[] = {[](Hive&) {}, few_keys, wide_names, many_subkeys, big_data, holes, deep, two_descriptors};

std::string image_of(const Shape& shape, hive::Format format) {
    rtl::SimEnv env;
    hive::HiveOptions options;
    options.path = "h";
    options.time = 1;
    options.format = format;
    const auto hive = must(Hive::create(env, options));
    shape(*hive);
    must(hive->reconcile());
    return env.contents()["h"];
}

void hive_seeds() {
    for (const Shape& shape : shapes) {
        for (const hive::Format format : {hive::Format::v1_3, hive::Format::v1_5}) seed(image_of(shape, format));
    }
}

// What fuzz_hive_mutate takes: how many operation bytes, the bytes, the image.
void mutate_seeds() {
    std::string operations;
    for (int i = 0; i < 240; ++i) operations.push_back(static_cast<char>((i * 37 + i / 7) & 0xFF));
    for (const Shape& shape : shapes) {
        const std::string image = image_of(shape, hive::Format::v1_5);
        seed(static_cast<char>(operations.size()) + operations + image);
        seed(std::string("\x08\1\2\3\4\5\6\7\x08", 9) + image_of(shape, hive::Format::v1_3));
    }
}

// Logs of the hive that fuzz_hive_log begins with: an empty one.
void log_seeds() {
    for (const Shape& shape : shapes) {
        rtl::SimEnv env;
        hive::HiveOptions options;
        options.path = "h";
        options.time = 1;
        const auto hive = must(Hive::create(env, options));
        must(hive->flush());
        shape(*hive);
        must(hive->commit_flush(must(hive->prepare_flush())));
        add_value(*hive, hive->root(), u"second entry", 4, std::string(4, '\2'));
        must(hive->commit_flush(must(hive->prepare_flush())));
        const std::string log = env.contents()["h.LOG1"];
        if (log.size() > 256 * 1024) continue;
        seed(log);
        if (log.size() > 512) seed('x' + log.substr(1));  // the target mends what is bad, from the first byte on
    }
}

std::string utf16_of(const std::string& text) {
    std::string out = "\xFF\xFE";
    for (const char c : text) out += {c, '\0'};
    return out;
}

void reg_file_seeds() {
    const std::string five = "Windows Registry Editor Version 5.00\r\n\r\n";
    const std::string bodies[] = {
        "[HKEY_LOCAL_MACHINE\\Software\\A]\r\n@=\"default\"\r\n\"n\"=\"text \\\\ \\\"quoted\\\"\"\r\n",
        "[HKEY_CURRENT_USER\\B]\r\n\"d\"=dword:0000002a\r\n\"q\"=hex(b):01,02,03,04,05,06,07,08\r\n\"b\"=hex:00,ff,"
        "\\\r\n  aa\r\n",
        "[-HKEY_LOCAL_MACHINE\\Software\\Gone]\r\n\r\n[HKEY_USERS\\C]\r\n\"old\"=-\r\n; a comment\r\n@=-\r\n",
        "[HKEY_CLASSES_ROOT\\.x]\r\n\"e\"=hex(2):25,00,41,00,25,00,00,00\r\n\"m\"=hex(7):61,00,00,00,00,00\r\n\"z\"="
        "hex(0):\r\n",
        "[hkey_local_machine\\x]\n\"lf only\"=\"a\"\n\n\n[HKEY_LOCAL_MACHINE]\n\"u\"=hex(ffff1234):01\n",
        "[HKEY_LOCAL_MACHINE\\bad\r\n\"no end\r\ndword:\r\n\"x\"=dword:123456789\r\n\"y\"=hex:1,2,g\r\n@\r\n",
    };
    for (const std::string& body : bodies) {
        seed(five + body);
        seed("REGEDIT4\r\n\r\n" + body);
        seed(utf16_of(five + body));
    }
    seed("");
    seed("\xEF\xBB\xBF" + five);
}

void sddl_seeds() {
    for (const char* text :
         {"O:BAG:SYD:P(A;CI;KA;;;BA)(A;CIIO;KA;;;CO)(D;;0x2;;;S-1-22-1-1000)S:AI(AU;SAFA;KA;;;WD)(ML;;NWNR;;;HI)",
          "D:(XA;;KR;;;WD;(Member_of {SID(BA)} && (@User.a == 1 || !(@Resource.Dept Any_of {\"x\", \"y\"}))))"
          "S:(RA;;;;;WD;(\"Dept\",TS,0x2,\"x\"))",
          "D:(OA;CI;CR;bf967aba-0de6-11d0-a285-00aa003049e2;;SY)(XD;;KA;;;BU;(Exists a || b >= -5))",
          "D:NO_ACCESS_CONTROLS:(RA;;;;;WD;(\"s\",TD,0x0,BA))(RA;;;;;WD;(\"n\",TI,0x0,-7,5))(SP;;;;;S-1-17-22)"}) {
        seed(std::string("T") + text);
        const auto made = se::parse_sddl(text);
        if (made) seed("B" + std::string(reinterpret_cast<const char*>(made->bytes().data()), made->size()));
    }
    for (const char* text : {"a == 1 && !(Member_of {BA}) || @User.b Contains {#00ff, \"t\"}", "Exists @Resource.x"}) {
        const auto code = se::parse_condition(text).value();
        seed("C" + std::string(reinterpret_cast<const char*>(code.data()), code.size()));
    }
}

// A 64-bit image with one resource, a block of strings in American English.
void module_strings_seeds() {
    constexpr std::uint32_t fields[][2] = {
        {0x000, 0x5A4D},     {0x03C, 0x40},       {0x040, 0x4550},     {0x044, 0x00018664}, {0x054, 0x202200F0},
        {0x058, 0x20B},      {0x0C4, 16},         {0x0D8, 0x1000},     {0x0DC, 0x100},      {0x150, 0x100},
        {0x154, 0x1000},     {0x158, 0x100},      {0x15C, 0x200},      {0x20C, 0x00010000}, {0x210, 6},
        {0x214, 0x80000018}, {0x224, 0x00010000}, {0x228, 1},          {0x22C, 0x80000030}, {0x23C, 0x00010000},
        {0x240, 0x409},      {0x244, 0x48},       {0x248, 0x1058},     {0x24C, 0xA8},       {0x258, 0x00050000},
        {0x25C, 0x00650068}, {0x260, 0x006C006C}, {0x264, 0x0000006F},
    };
    std::string image(0x300, '\0');
    for (const auto& [at, value] : fields) std::memcpy(&image[at], &value, sizeof(value));
    seed(image);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: make_seeds TARGET DIR\n");
        return 2;
    }
    directory = argv[2];
    const std::string target = argv[1];
    if (target == "fuzz_hive_load") hive_seeds();
    if (target == "fuzz_hive_mutate") mutate_seeds();
    if (target == "fuzz_hive_log") log_seeds();
    if (target == "fuzz_reg_file") reg_file_seeds();
    if (target == "fuzz_sddl") sddl_seeds();
    if (target == "fuzz_module_strings") module_strings_seeds();
    std::fprintf(stderr, "make_seeds: %d seeds for %s\n", written, target.c_str());
    return 0;
}
