// .reg files as text: the reader gives keys and values to a sink, in file order and with line numbers; the writer makes
// what `reg export` makes. No registry here. Versions: "Windows Registry Editor Version 5.00", REGEDIT4, and the
// Windows 3.1 form REGEDIT. Rules and their sources: the rows of reg_text_test.cpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "rtl/bytes.h"
#include "rtl/utf16.h"

namespace regent::win32::reg_text {

enum class Format { version_5, version_4, windows_31 };

// What the reader found. Values come between the open_key they belong to and the next key. Lines count from 1.
class Sink {
public:
    virtual ~Sink() = default;
    // `path` begins with a long root name ("HKEY_LOCAL_MACHINE\..."), in the file's case, without trailing separators.
    virtual void open_key(std::size_t line, Utf16View path) = 0;
    virtual void delete_key(std::size_t line, Utf16View path) = 0;
    virtual void set_value(std::size_t line, Utf16View name, std::uint32_t type, rtl::Bytes data) = 0;
    virtual void delete_value(std::size_t line, Utf16View name) = 0;
    // A line (or the value that begins on it) that was skipped, and why.
    virtual void bad_line(std::size_t line, const char* reason) = 0;
};

// Reads the whole file. False: the first line is no header, and nothing was given to the sink but bad_line(1).
// Bad lines never stop the reading.
bool read(std::string_view bytes, Sink& sink);

// 8-bit text: UTF-8 where it is valid, else Windows-1252. (read() also takes UTF-16 with a byte order mark.)
Utf16 decode(std::string_view bytes);

class Writer {
public:
    Writer() : text_(u"Windows Registry Editor Version 5.00\r\n") {}
    void key(Utf16View path);
    void value(Utf16View name, std::uint32_t type, rtl::Bytes data);
    // After the last value: the blank line that ends the file.
    void finish() { text_ += u"\r\n"; }
    // The bytes since the last call, UTF-16LE; the first ones begin with a byte order mark.
    std::string take();

private:
    void quoted(Utf16View text);
    void hex(std::uint32_t type, rtl::Bytes data, std::size_t line_start);

    Utf16 text_;
    bool begun_ = false;
};

}  // namespace regent::win32::reg_text
