// The keys that a registry has before anybody wrote to it, made by Zw services after the hives are mounted. Existing
// keys and values are left as they are.
#pragma once

#include "rtl/status.h"
#include "rtl/utf16.h"

namespace regent::nt {

// SYSTEM (Select, ControlSet001), SOFTWARE, SAM, SECURITY; then the volatile CurrentControlSet link.
Result<void> make_machine_skeleton();
// A user's hive mounted at \Registry\User\<name>; its Software\Classes leads to `classes`, unless that is empty.
Result<void> make_user_skeleton(Utf16View name, Utf16View classes);
// HKLM\SYSTEM\CurrentControlSet\Control\hivelist: every mounted hive with its file, and nothing else.
Result<void> sync_hive_list();

}  // namespace regent::nt
