#include <algorithm>
#include <utility>

#include "command.h"

namespace regent::reg {

const char* usage(const std::string& verb) {
    static constexpr std::pair<const char*, const char*> texts[] = {
        {"",
         "REG Operation [Parameter List] [--store DIR | --socket PATH]\n\n"
         "  Operation  [ QUERY | ADD | DELETE | COPY | SAVE | LOAD | UNLOAD | COMPARE | EXPORT | IMPORT ]\n\n"
         "  --store    an embedded store in DIR; --socket: the daemon at PATH. Without either: REGENT_SOCKET,\n"
         "             REGENT_STORE, a running default daemon, the user's own store.\n\n"
         "Return code: 0 - Successful, 1 - Failed (REG COMPARE: 0 same, 1 failed, 2 different)\n\n"
         "For help on a specific operation type:  REG Operation /?\n"},
        {"query",
         "REG QUERY KeyName [/v [ValueName] | /ve] [/s] [/f Data [/k] [/d] [/c] [/e]] [/t Type] [/z]\n"
         "          [/se Separator] [/reg:32 | /reg:64]\n"},
        {"add", "REG ADD KeyName [/v ValueName | /ve] [/t Type] [/s Separator] [/d Data] [/f] [/reg:32 | /reg:64]\n"},
        {"delete", "REG DELETE KeyName [/v ValueName | /ve | /va] [/f] [/reg:32 | /reg:64]\n"},
        {"copy", "REG COPY KeyName1 KeyName2 [/s] [/f] [/reg:32 | /reg:64]\n"},
        {"save", "REG SAVE KeyName FileName [/y] [/reg:32 | /reg:64]\n"},
        {"restore", "REG RESTORE KeyName FileName [/reg:32 | /reg:64]\n"},
        {"load", "REG LOAD KeyName FileName [/reg:32 | /reg:64]\n"},
        {"unload", "REG UNLOAD KeyName\n"},
        {"compare",
         "REG COMPARE KeyName1 KeyName2 [/v ValueName | /ve] [/oa | /od | /os | /on] [/s]\n"
         "            [/reg:32 | /reg:64]\n"},
        {"export", "REG EXPORT KeyName FileName [/y] [/reg:32 | /reg:64]\n"},
        {"import", "REG IMPORT FileName [/reg:32 | /reg:64]\n"},
    };
    const auto* found = std::ranges::find_if(texts, [&](const auto& text) { return verb == text.first; });
    return found == std::end(texts) ? nullptr : found->second;
}

}  // namespace regent::reg
