#include "output.h"

#include <cstdio>

#include "nt/ntstatus.h"
#include "rtl/status.h"

namespace regent::regmon {
namespace {

std::string csv_field(const std::string& text) {
    std::string field = "\"";
    for (char c : text) {
        if (c == '"') field += '"';
        field += c;
    }
    return field + "\"";
}

// JSON text is UTF-8; what the registry lets stand in a name and UTF-8 does not (a lone surrogate) becomes U+FFFD.
std::string json_string(const std::string& text) {
    std::string result = "\"";
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto c = static_cast<unsigned char>(text[at]);
        const bool surrogate = c == 0xED && at + 2 < text.size() && static_cast<unsigned char>(text[at + 1]) >= 0xA0;
        if (surrogate) {
            result += "\\ufffd";
            at += 2;
        } else if (c == '"' || c == '\\') {
            result += '\\';
            result += text[at];
        } else if (c < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", c);
            result += escape;
        } else {
            result += text[at];
        }
    }
    return result + "\"";
}

std::string text_line(const Event& event) {
    char head[160];
    const std::string who = event.process + ":" + std::to_string(event.process_id);
    std::snprintf(head, sizeof head, "%s  %-16s  %-14s  %-16s %9.1f us  ",
                  time_of_day(event.time).substr(0, 15).c_str(), who.substr(0, 48).c_str(),
                  operation_name(event.operation), result_name(event.status).c_str(),
                  static_cast<double>(event.duration_ns) / 1000.0);
    std::string text = head + display_path(event);
    const std::string detail = detail_text(event);
    if (!detail.empty()) text += "  [" + detail + "]";
    return text + "\n";
}

std::string csv_line(const Event& event) {
    std::string text;
    for (const std::string& field :
         {time_of_day_12h(event.time), event.process, std::to_string(event.process_id),
          std::string(operation_name(event.operation)), display_path(event), result_name(event.status),
          detail_text(event), std::to_string(event.thread_id), duration_seconds(event.duration_ns)}) {
        if (!text.empty()) text += ',';
        text += csv_field(field);
    }
    return text + "\r\n";
}

std::string json_line(const Event& event) {
    char status[16];
    std::snprintf(status, sizeof status, "0x%08x", static_cast<unsigned>(event.status));
    std::string text = "{\"time\":\"" + iso_time(event.time) + "\",\"process\":" + json_string(event.process) +
                       ",\"pid\":" + std::to_string(event.process_id) + ",\"tid\":" + std::to_string(event.thread_id) +
                       ",\"operation\":\"" + operation_name(event.operation) + "\",\"category\":\"" + category(event) +
                       "\",\"path\":" + json_string(display_path(event)) + ",\"result\":\"" +
                       result_name(event.status) + "\",\"status\":\"" + status +
                       "\",\"detail\":" + json_string(detail_text(event)) +
                       ",\"duration_ns\":" + std::to_string(event.duration_ns) + ",\"mode\":\"" +
                       ((event.flags & REGMON_EVENT_KERNEL) != 0 ? "kernel" : "user") +
                       "\",\"ring\":" + std::to_string(event.ring) + ",\"sequence\":" + std::to_string(event.sequence);
    return text + "}\n";
}

}  // namespace

std::optional<Format> format_named(const std::string& name) {
    if (name == "text") return Format::text;
    if (name == "csv") return Format::csv;
    if (name == "json" || name == "jsonl") return Format::json;
    return std::nullopt;
}

Format format_of_file(const std::string& path) {
    if (path.ends_with(".csv")) return Format::csv;
    if (path.ends_with(".txt") || path.ends_with(".log")) return Format::text;
    return Format::json;
}

std::string heading(Format format) {
    if (format != Format::csv) return {};
    return "\"Time of Day\",\"Process "
           "Name\",\"PID\",\"Operation\",\"Path\",\"Result\",\"Detail\",\"TID\",\"Duration\"\r\n";
}

std::string line(Format format, const Event& event) {
    switch (format) {
        case Format::csv:
            return csv_line(event);
        case Format::json:
            return json_line(event);
        case Format::text:
            break;
    }
    return text_line(event);
}

const char* drop_reason(unsigned reason) {
    switch (reason) {
        case REGMON_DROP_RING_FULL:
            return "ring full";
        case REGMON_DROP_RING_BUSY:
            return "no ring free";
        case REGMON_DROP_NAMES_FULL:
            return "no room for names";
        case REGMON_DROP_CLOSED:
            return "closed unread";
        default:
            return "unknown reason";
    }
}

std::string gap_line(Format format, const Gap& gap) {
    if (format == Format::csv) return {};
    if (format == Format::json) {
        return "{\"gap\":" + std::to_string(gap.count) + ",\"reason\":\"" + drop_reason(gap.reason) +
               "\",\"ring\":" + std::to_string(gap.ring) + "}\n";
    }
    return "... " + std::to_string(gap.count) + " events missing here (" + drop_reason(gap.reason) + ")\n";
}

}  // namespace regent::regmon
