/* RgReadTree: a key and everything below it, many keys a call. NT has no such service; see docs/adr/0013-read-tree.md.

   NTSTATUS RgReadTree(KeyHandle, After, Flags, Buffer, Length, ResultLength)

   Writes an RG_TREE_KEY for the key of the handle and for each key below it, a key before what is below it, subkeys in
   the order in which NtEnumerateKey tells them, stable and volatile ones together. After says where to go on: null,
   from the start; otherwise the path, below the key of the handle, of the key told last (empty: that key itself). It
   need not exist any more: what follows is what would follow it. So a key that is there during a whole walk is told
   exactly once, whatever comes and goes; one that comes or goes meanwhile may be told or not.

   Each key is told whole, with its values, as it was at one moment. Subkeys of hives that are mounted below are told
   too. A symbolic link is told with its value and not followed. A key that the caller may not open for KEY_QUERY_VALUE
   and KEY_ENUMERATE_SUB_KEYS is told by name, with the status of its opening, and nothing of what is below it.

   KeyHandle   needs KEY_QUERY_VALUE and KEY_ENUMERATE_SUB_KEYS. A transacted one sees what its transaction does.
   Flags       0
   STATUS_SUCCESS             the tree is told to its end, ResultLength bytes
   STATUS_MORE_ENTRIES        (a success) there may be more; ResultLength bytes
   STATUS_NO_MORE_ENTRIES     nothing comes after After
   STATUS_BUFFER_TOO_SMALL    the next key alone needs ResultLength bytes
   others                     INVALID_PARAMETER (Flags), OBJECT_NAME_INVALID (After), those of NtEnumerateKey

   What the buffer has behind ResultLength means nothing. */
#pragma once

#include "nt/ntservices.h"

#define RG_TREE_VOLATILE 0x0001 /* as KEY_FLAGS_INFORMATION.KeyFlags */
#define RG_TREE_LINK 0x0002     /* a symbolic link */
#define RG_TREE_CUT 0x0004      /* so far down that After could not name its subkeys: open it and read on from there */
#define RG_TREE_UNSETTLED                                                                         \
    0x0008 /* it changed whenever it was read: its values may be of different moments. Only where \
              drivers watch the registry, in transactions and under audit */

typedef struct _RG_TREE_KEY {
    ULONG Size;      /* where the next one begins, from the start of this one; a multiple of 8 */
    NTSTATUS Status; /* when it is no success, only Depth and the name are told */
    LARGE_INTEGER LastWriteTime;
    ULONG Flags;
    ULONG Values;       /* how many RG_TREE_VALUE follow, the first at RG_TREE_FIRST_VALUE */
    USHORT Depth;       /* 0: the key of the handle */
    USHORT NameLength;  /* lengths in bytes */
    USHORT ClassLength; /* the class follows the name */
    USHORT Reserved;    /* 0 */
    WCHAR Name[1];
} RG_TREE_KEY, *PRG_TREE_KEY;

typedef struct _RG_TREE_VALUE {
    ULONG Size; /* where the next one begins; a multiple of 8 */
    ULONG Type;
    ULONG NameLength;
    ULONG DataLength; /* the data are at RG_TREE_DATA */
    WCHAR Name[1];
} RG_TREE_VALUE, *PRG_TREE_VALUE;

#define RG_TREE_KEY_HEADER 32
#define RG_TREE_VALUE_HEADER 16
#define RG_TREE_ALIGN(size) (((size) + 7) & ~7U)
#define RG_TREE_FIRST_VALUE(key) \
    ((PRG_TREE_VALUE)((PUCHAR)(key) + RG_TREE_ALIGN(RG_TREE_KEY_HEADER + (key)->NameLength + (key)->ClassLength)))
#define RG_TREE_NEXT_VALUE(value) ((PRG_TREE_VALUE)((PUCHAR)(value) + (value)->Size))
#define RG_TREE_NEXT_KEY(key) ((PRG_TREE_KEY)((PUCHAR)(key) + (key)->Size))
#define RG_TREE_DATA(value) ((PUCHAR)(value) + RG_TREE_ALIGN(RG_TREE_VALUE_HEADER + (value)->NameLength))
