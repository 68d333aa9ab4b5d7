// The type procedures of Device and File, and opening a device. Inside this floor only.
#pragma once

#include "io/file.h"
#include "io/io_state.h"
#include "ob/lookup.h"

namespace regent::io {

// Travels through ob::lookup: what to open, and what the driver answered.
struct FileParseContext : ob::ParseContext {
    explicit FileParseContext(const CreateFileCall& wanted) : ParseContext(types::file()), call(wanted) {}
    const CreateFileCall& call;
    ULONG_PTR information = 0;
};

Result<ob::ParseOutcome> parse_device(ob::ParseRequest& request);
Result<ob::ParseOutcome> parse_file(ob::ParseRequest& request);
void close_file(ob::Process& process, void* body, ACCESS_MASK granted, std::int64_t process_handle_count,
                std::int64_t system_handle_count);
void destroy_file(void* body);
Result<Utf16> name_file(void* body);

}  // namespace regent::io
