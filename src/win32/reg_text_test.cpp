// .reg files: what Windows was observed to take, skip and write.
#include "win32/reg_text.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "nt/ntregapi.h"

namespace regent::win32::reg_text {
namespace {

// Writes what it is given as one line each: "+KEY", "-KEY", "name=type:hex", "name=-", "!line".
class Transcript : public Sink {
public:
    std::string text;
    std::string reasons;

    void open_key(std::size_t, Utf16View path) override { text += "+" + rtl::to_utf8(path) + "\n"; }
    void delete_key(std::size_t, Utf16View path) override { text += "-" + rtl::to_utf8(path) + "\n"; }
    void set_value(std::size_t, Utf16View name, std::uint32_t type, rtl::Bytes data) override {
        char number[16];
        std::snprintf(number, sizeof number, "=%x:", type);
        text += rtl::to_utf8(name) + number;
        for (std::byte byte : data) {
            std::snprintf(number, sizeof number, "%02x", static_cast<unsigned>(byte));
            text += number;
        }
        text += "\n";
    }
    void delete_value(std::size_t, Utf16View name) override { text += rtl::to_utf8(name) + "=-\n"; }
    void bad_line(std::size_t line, const char* reason) override {
        text += "!" + std::to_string(line) + "\n";
        reasons += std::string(reason) + "\n";
    }
};

std::string transcript(std::string_view file) {
    Transcript sink;
    read(file, sink);
    return sink.text;
}

// The transcript of lines below a good header and key: they begin at line 3.
std::string body(const std::string& lines, const char* header = "Windows Registry Editor Version 5.00") {
    const std::string all = transcript(std::string(header) + "\n[HKEY_USERS\\K]\n" + lines);
    const std::string head = "+HKEY_USERS\\K\n";
    EXPECT_TRUE(all.starts_with(head)) << all;
    return all.substr(head.size());
}

TEST(RegTextHeader, is_the_first_line_and_case_sensitive) {
    const std::string good = "+HKEY_USERS\\K\n";
    EXPECT_EQ(transcript("REGEDIT4\r\n\r\n[HKEY_USERS\\K]\r\n"), good);
    EXPECT_EQ(transcript("  Windows Registry Editor Version 5.00\n[hkey_users\\K]"), "+hkey_users\\K\n");
    EXPECT_EQ(transcript("REGEDIT4"), "");
    for (const char* header :
         {"\nREGEDIT4", "Windows Registry Editor Version 4.00", "Windows Registry Editor Version 5",
          "windows registry editor version 5.00", "regedit4", "", "x"}) {
        EXPECT_EQ(transcript(std::string(header) + "\n[HKEY_USERS\\K]\n"), "!1\n") << header;
    }
    for (const char* header : {"REGEDIT3", "REGEDIT5", "REGEDIT 4", "REGEDIT4 FOO", "REGEDIT4FOO"}) {
        Transcript sink;
        EXPECT_TRUE(read(std::string(header) + "\n[HKEY_USERS\\K]\n\"a\"=\"b\"\n", sink)) << header;
        EXPECT_EQ(sink.text, "!2\n!3\n");
    }
}

TEST(RegTextHeader, windows_31_lines_set_default_values) {
    EXPECT_EQ(transcript("REGEDIT\nHKEY_CLASSES_ROOT\\a = hi\nHKEY_CLASSES_ROOT\\b\n hkey_classes_root\\c = x\n"),
              "+HKEY_CLASSES_ROOT\\a\n=1:680069000000\n+HKEY_CLASSES_ROOT\\b\n=1:0000\n!4\n");
}

TEST(RegTextEncoding, marks_utf8_and_windows_1252) {
    const std::string ascii = "Windows Registry Editor Version 5.00\r\n[HKEY_USERS\\\xC3\xA9]\r\n";
    EXPECT_EQ(transcript("\xEF\xBB\xBF" + ascii), "+HKEY_USERS\\\xC3\xA9\n");
    EXPECT_EQ(transcript(ascii), "+HKEY_USERS\\\xC3\xA9\n");
    EXPECT_EQ(transcript("REGEDIT4\n[HKEY_USERS\\\xE9\x80]\n"), "+HKEY_USERS\\\xC3\xA9\xE2\x82\xAC\n");
    std::string wide = "\xFF\xFE";
    std::string swapped = "\xFE\xFF";
    for (char c : std::string_view("REGEDIT4\n[HKEY_USERS\\K]\n")) {
        wide += c;
        wide += '\0';
        swapped += '\0';
        swapped += c;
    }
    EXPECT_EQ(transcript(wide), "+HKEY_USERS\\K\n");
    EXPECT_EQ(transcript(swapped), "+HKEY_USERS\\K\n");
    EXPECT_EQ(transcript(wide + "x"), "+HKEY_USERS\\K\n");  // an odd byte at the end
}

TEST(RegTextKeys, names_roots_and_deletes) {
    EXPECT_EQ(body("[HKEY_USERS\\a \"b\"/;c ]"), "+HKEY_USERS\\a \"b\"/;c \n");
    EXPECT_EQ(body("[HKEY_USERS\\K\\\\]"), "+HKEY_USERS\\K\n");
    EXPECT_EQ(body("[HKCU\\K]\n\"a\"=\"\"\n[HKEY_USERS]"), "!3\n+HKEY_USERS\n");
    EXPECT_EQ(body("[ HKEY_USERS\\x]\n\"a\"=\"\""), "!3\n");
    EXPECT_EQ(body("[HKEY_USERS\\x\n\"a\"=\"\""), "!3\n");
    EXPECT_EQ(body("[-HKEY_USERS\\x]\n\"a\"=\"\""), "-HKEY_USERS\\x\n");
    EXPECT_EQ(body("[ -HKEY_USERS\\x]\n[- HKEY_USERS\\x]"), "!3\n!4\n");
    EXPECT_EQ(body("[-HKEY_USERS]\n[-HKCU\\x]"), "!3\n!4\n");
}

TEST(RegTextValues, strings) {
    EXPECT_EQ(body("\"a\"=\"b\""), "a=1:62000000\n");
    EXPECT_EQ(body("@=\"\"\n\"\"=\"\""), "=1:0000\n=1:0000\n");
    EXPECT_EQ(body("\"a\\\\\\\"\" = \"\\\\\" ; comment"), "a\\\"=1:5c000000\n");
    EXPECT_EQ(body("\"a\"=\"b\";c"), "a=1:62000000\n");
    for (const char* bad : {"\"a\"=\"b\" # c", "\"a=\"b\"", "\"a\"=\"b", "\"a\"=\"b\"c", "\"a\"=\"\\0\"",
                            "\"a\"=\"b\"c\"", "a=\"b\"", "\"a\"", "\"a\"=", "\"a\"=;x", "\"a\"=b", "\"a\\\"=\"b\""}) {
        EXPECT_EQ(body(bad), "!3\n") << bad;
    }
}

TEST(RegTextValues, deletes) {
    EXPECT_EQ(body("\"a\"=-\n@ = - ; x"), "a=-\n=-\n");
    EXPECT_EQ(body("\"a\"=-\"x\"\n\"a\"=- #x"), "!3\n!4\n");
}

TEST(RegTextValues, dwords) {
    EXPECT_EQ(body("\"a\"=dword:1"), "a=4:01000000\n");
    EXPECT_EQ(body("\"a\"=dword:DEADbeef ;x"), "a=4:efbeadde\n");
    for (const char* bad : {"dword:", "dword:000000001", "dword:0x1", "dword:1 2", "dword:g", "dword:1#"}) {
        EXPECT_EQ(body(std::string("\"a\"=") + bad), "!3\n") << bad;
    }
}

TEST(RegTextValues, hex_types) {
    EXPECT_EQ(body("\"a\"=hex:"), "a=3:\n");
    EXPECT_EQ(body("\"a\"=hex:1,02,FF,"), "a=3:0102ff\n");
    EXPECT_EQ(body("\"a\"=hex(0):\n\"b\"=hex(ffffffff):01"), "a=0:\nb=ffffffff:01\n");
    EXPECT_EQ(body("\"a\"=hex(4):01"), "a=4:01\n");
    EXPECT_EQ(body("\"a\"=hex(b):01,00,00,00,00,00,00,00"), "a=b:0100000000000000\n");
    for (const char* bad : {"hex:100", "hex:,01", "hex:01,,02", "hex:0x1", "hex:01 02", "hex(100000000):01",
                            "hex(0x2):01", "hex():01", "hex(2:01", "hex:01#"}) {
        EXPECT_EQ(body(std::string("\"a\"=") + bad), "!3\n") << bad;
    }
}

TEST(RegTextValues, string_types_are_terminated_once) {
    EXPECT_EQ(body("\"a\"=hex(2):41,00\n\"b\"=hex(7):41,00,00,00\n\"c\"=hex(1):41"),
              "a=2:41000000\nb=7:41000000\nc=1:41000000\n");
}

TEST(RegTextValues, version_4_strings_are_8_bit) {
    EXPECT_EQ(body("\"a\"=hex(2):41,42,00\n\"b\"=hex(7):41,00,00\n\"c\"=hex(3):41", "REGEDIT4"),
              "a=2:410042000000\nb=7:410000000000\nc=3:41\n");
}

TEST(RegTextContinuation, joins_lines) {
    EXPECT_EQ(body("\"a\"=hex:01,\\\n  02,\\\r\n\n ; c\n03\n\"b\"=dword:1"), "a=3:010203\nb=4:01000000\n");
    EXPECT_EQ(body("\"a\"=hex:\\\n01"), "a=3:01\n");
    EXPECT_EQ(body("\"a\"=hex:01, \\ ;c\n02"), "a=3:0102\n");
    EXPECT_EQ(body("\"a\"=hex:01,\\"), "a=3:01\n");
    EXPECT_EQ(body("; c \\\n\"a\"=\"\""), "a=1:0000\n");
}

TEST(RegTextContinuation, bad_ones_lose_what_windows_loses) {
    EXPECT_EQ(body("\"a\"=hex:01,\\\n# x\n\"b\"=\"\""), "!3\nb=1:0000\n");
    EXPECT_EQ(body("\"a\"=hex:01\\\n\"b\"=\"\""), "!3\nb=1:0000\n");
    EXPECT_EQ(body("\"a\"=hex:01,\\\n\"b\"=\"\"\n\"c\"=\"\""), "!3\nc=1:0000\n");
    EXPECT_EQ(body("\"a\"=hex:01,\n02\n\"b\"=\"\""), "a=3:01\n!4\nb=1:0000\n");
    EXPECT_EQ(body("\"a\"=hex:01,\\\n\\\n\"b\"=\"\""), "!3\nb=1:0000\n");
}

TEST(RegTextLines, are_reported_by_number) {
    EXPECT_EQ(body("x\n\n\"v\"=\"\"\n=\n"), "!3\nv=1:0000\n!6\n");
    EXPECT_EQ(transcript("REGEDIT4\n\"a\"=\"\"\n"), "!2\n");
}

std::string narrow(const std::string& utf16) {
    EXPECT_TRUE(utf16.starts_with("\xFF\xFE"));
    std::string text;
    for (std::size_t at = 2; at < utf16.size(); at += 2) text += utf16[at];
    return text;
}

rtl::Bytes bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(RegTextWriter, writes_what_windows_exports) {
    Writer writer;
    writer.key(u"HKEY_USERS\\K");
    writer.value(u"", REG_SZ, bytes(std::string_view("h\0i\0\0\0x\0", 8)));
    writer.value(u"q\\\"", REG_SZ, {});
    writer.value(u"d", REG_DWORD, bytes(std::string_view("\x23\x01\0\0", 4)));
    writer.value(u"d2", REG_DWORD, bytes("\x01"));
    writer.value(u"none", REG_NONE, {});
    writer.value(u"x", 0x100, bytes("\xAB"));
    writer.key(u"HKEY_USERS\\K\\L");
    writer.finish();
    EXPECT_EQ(narrow(writer.take()),
              "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_USERS\\K]\r\n@=\"hi\"\r\n\"q\\\\\\\"\"=\"\"\r\n"
              "\"d\"=dword:00000123\r\n\"d2\"=hex(4):01\r\n\"none\"=hex(0):\r\n\"x\"=hex(100):ab\r\n\r\n"
              "[HKEY_USERS\\K\\L]\r\n\r\n");
}

TEST(RegTextWriter, breaks_hex_lines_where_windows_does) {
    Writer writer;
    const std::string data(60, '\0');
    writer.value(u"Multiple strings", REG_MULTI_SZ, bytes(data));
    std::string text = narrow(writer.take());
    text = text.substr(text.find('"'));
    const std::size_t first = text.find("\r\n");
    EXPECT_EQ(first, 78u);  // 26 columns, 17 bytes with commas, the backslash
    EXPECT_EQ(text.substr(0, first), "\"Multiple strings\"=hex(7):" +
                                         std::string("00,00,00,00,00,00,00,00,00,00,00,00,00,00,"
                                                     "00,00,00,") +
                                         "\\");
    const std::string second = text.substr(first + 2, text.find("\r\n", first + 2) - first - 2);
    EXPECT_EQ(second.size(), 2 + 25 * 3 + 1u);
}

TEST(RegTextWriter, is_read_back_equal) {
    Writer writer;
    std::string data;
    for (int byte = 0; byte < 256; ++byte) data += static_cast<char>(byte);
    writer.key(u"HKEY_LOCAL_MACHINE\\Software\\x]y");
    writer.value(u"a\"\\", REG_BINARY, bytes(data));
    writer.value(u"", 0xFF00FF00, bytes("abc"));
    writer.finish();
    std::string expected = "+HKEY_LOCAL_MACHINE\\Software\\x]y\na\"\\=3:";
    for (int byte = 0; byte < 256; ++byte) {
        char digits[4];
        std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(byte));
        expected += digits;
    }
    EXPECT_EQ(transcript(writer.take()), expected + "\n=ff00ff00:616263\n");
}

}  // namespace
}  // namespace regent::win32::reg_text
