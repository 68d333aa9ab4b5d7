#include "io/audit_text.h"

#include <cstdio>
#include <ctime>
#include <span>

#include "nt/ntregapi.h"
#include "rtl/value_type.h"
#include "se/privilege.h"

namespace regent::io {
namespace {

struct Named {
    std::uint32_t bit;
    const char* name;
};

// What Windows' events call the rights (4663).
constexpr Named key_rights[] = {
    {KEY_QUERY_VALUE, "Query key value"},         {KEY_SET_VALUE, "Set key value"},
    {KEY_CREATE_SUB_KEY, "Create sub-key"},       {KEY_ENUMERATE_SUB_KEYS, "Enumerate sub-keys"},
    {KEY_NOTIFY, "Notify about changes to keys"}, {KEY_CREATE_LINK, "Create Link"},
};
constexpr Named directory_rights[] = {
    {DIRECTORY_QUERY, "Query directory"},
    {DIRECTORY_TRAVERSE, "Traverse"},
    {DIRECTORY_CREATE_OBJECT, "Create object in directory"},
    {DIRECTORY_CREATE_SUBDIRECTORY, "Create sub-directory"},
};
constexpr Named event_rights[] = {{1, "Query event state"}, {2, "Modify event state"}};
constexpr Named link_rights[] = {{1, "Use symbolic link"}};
constexpr Named mutant_rights[] = {{1, "Query mutant state"}};
constexpr Named semaphore_rights[] = {{1, "Query semaphore state"}, {2, "Modify semaphore state"}};
constexpr Named timer_rights[] = {{1, "Query timer state"}, {2, "Modify timer state"}};
constexpr struct {
    Utf16View type;
    std::span<const Named> rights;
} specific_rights[] = {{u"Key", key_rights},       {u"Directory", directory_rights},
                       {u"Event", event_rights},   {u"SymbolicLink", link_rights},
                       {u"Mutant", mutant_rights}, {u"Semaphore", semaphore_rights},
                       {u"Timer", timer_rights}};
constexpr Named standard_rights[] = {
    {DELETE, "DELETE"},           {READ_CONTROL, "READ_CONTROL"}, {WRITE_DAC, "WRITE_DAC"},
    {WRITE_OWNER, "WRITE_OWNER"}, {SYNCHRONIZE, "SYNCHRONIZE"},   {ACCESS_SYSTEM_SECURITY, "ACCESS_SYS_SEC"},
};

const char* title_of(ob::AuditEvent event) {
    switch (event) {
        case ob::AuditEvent::handle_requested:
            return "A handle to an object was requested";
        case ob::AuditEvent::value_modified:
            return "A registry value was modified";
        case ob::AuditEvent::handle_closed:
            return "The handle to an object was closed";
        case ob::AuditEvent::object_deleted:
            return "An object was deleted";
        case ob::AuditEvent::object_accessed:
            return "An attempt was made to access an object";
        case ob::AuditEvent::privileged_service:
            return "A privileged service was called";
        case ob::AuditEvent::privileged_object:
            return "An operation was attempted on a privileged object";
        case ob::AuditEvent::handle_duplicated:
            return "An attempt was made to duplicate a handle to an object";
    }
    return "";
}

// One object; every member but the first begins with a comma.
class Line {
public:
    void text(const char* name, std::string_view ascii) {
        begin(name);
        text_ += '"';
        text_ += ascii;
        text_ += '"';
    }
    // Half a character becomes U+FFFD: readers refuse a line that is no Unicode.
    void text(const char* name, Utf16View units) {
        begin(name);
        put(units);
    }
    void number(const char* name, std::uint64_t value) {
        begin(name);
        text_ += std::to_string(value);
    }
    void hex(const char* name, std::uint64_t value) {
        char digits[24];
        std::snprintf(digits, sizeof digits, "0x%llx", static_cast<unsigned long long>(value));
        text(name, std::string_view(digits));
    }
    template <typename Names>
    void list(const char* name, const Names& names) {
        begin(name);
        text_ += '[';
        bool first = true;
        names([&](std::string_view each) {
            if (!std::exchange(first, false)) text_ += ',';
            text_ += '"';
            text_ += each;
            text_ += '"';
        });
        text_ += ']';
    }
    std::string finish() { return std::move(text_) + "}\n"; }

private:
    void begin(const char* name) {
        text_ += text_.empty() ? "{\"" : ",\"";
        text_ += name;
        text_ += "\":";
    }
    void put(Utf16View units) {
        text_ += '"';
        for (std::size_t i = 0; i < units.size(); ++i) {
            const char16_t unit = units[i];
            if (unit == u'"' || unit == u'\\') text_ += '\\';
            if (unit < 0x20) {
                char escape[8];
                std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(unit));
                text_ += escape;
            } else if ((unit & 0xFC00) == 0xD800 && i + 1 < units.size() && (units[i + 1] & 0xFC00) == 0xDC00) {
                text_ += rtl::to_utf8(units.substr(i++, 2));
            } else {
                const char16_t whole = (unit & 0xF800) == 0xD800 ? u'\xFFFD' : unit;
                text_ += rtl::to_utf8({&whole, 1});
            }
        }
        text_ += '"';
    }

    std::string text_;
};

std::string iso_time(std::int64_t nt_time) {
    const std::int64_t ticks = nt_time - 116444736000000000;  // since 1970
    const std::time_t seconds = ticks / 10'000'000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%07dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                  parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(ticks % 10'000'000));
    return text;
}

void put_access(Line& line, const ob::AuditRecord& record) {
    line.hex("access_mask", record.access);
    line.list("accesses", [&](const auto& each) {
        for (const auto& known : specific_rights) {
            if (record.type != known.type) continue;
            for (const Named& right : known.rights) {
                if ((record.access & right.bit) != 0) each(right.name);
            }
        }
        for (const Named& right : standard_rights) {
            if ((record.access & right.bit) != 0) each(right.name);
        }
        if ((record.access & MAXIMUM_ALLOWED) != 0) each("MAXIMUM_ALLOWED");
    });
}

void put_privileges(Line& line, se::PrivilegeSet privileges) {
    if (privileges == 0) return;
    line.list("privileges", [&](const auto& each) {
        for (unsigned privilege = 0; privilege < 64; ++privilege) {
            const std::string_view name = se::privilege_name(privilege);
            if ((privileges & se::privilege_bit(privilege)) != 0 && !name.empty()) each(name);
        }
    });
}

std::string hex_digits(Bytes bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        constexpr const char* digits = "0123456789abcdef";
        text += digits[std::to_integer<unsigned>(byte) >> 4];
        text += digits[std::to_integer<unsigned>(byte) & 15];
    }
    return text;
}

void put_value(Line& line, const std::string& which, const std::optional<ob::AuditedValue>& value) {
    if (!value) return;
    const char* known = rtl::value_type_name(value->type);
    line.text((which + "_type").c_str(), std::string_view(known != nullptr ? known : std::to_string(value->type)));
    line.number((which + "_size").c_str(), value->size);
    line.text((which + "_data").c_str(), std::string_view(hex_digits(value->data)));
}

}  // namespace

std::string audit_line(const ob::AuditRecord& record) {
    Line line;
    line.number("sequence", record.sequence);
    line.text("time", std::string_view(iso_time(record.time)));
    line.number("event", static_cast<unsigned>(record.event));
    line.text("title", std::string_view(title_of(record.event)));
    line.text("outcome", std::string_view(record.success ? "success" : "failure"));
    line.text("subject", std::string_view(record.subject.to_string()));
    line.hex("logon_id", record.logon_id);
    line.number("process_id", record.pid);
    line.text("process", Utf16View(record.image));
    line.text("object_server", Utf16View(record.server));
    if (record.event == ob::AuditEvent::privileged_service) {
        if (!record.name.empty()) line.text("service", Utf16View(record.name));
        put_privileges(line, record.privileges);
        return line.finish();
    }
    line.text("object_type", Utf16View(record.type));
    line.text("object_name", Utf16View(record.name));
    line.hex("handle", record.handle);
    if (record.event == ob::AuditEvent::handle_duplicated) {
        line.hex("target_handle", record.target_handle);
        line.number("target_process_id", record.target_pid);
    } else if (record.event == ob::AuditEvent::value_modified) {
        line.text("value", Utf16View(record.value));
        const char* operation = !record.after ? "deleted" : record.before ? "modified" : "created";
        line.text("operation", std::string_view(operation));
        put_value(line, "old", record.before);
        put_value(line, "new", record.after);
    } else if (record.event != ob::AuditEvent::handle_closed) {
        put_access(line, record);
        put_privileges(line, record.privileges);
    }
    return line.finish();
}

}  // namespace regent::io
