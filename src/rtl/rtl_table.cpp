// Generic tables. Both kinds are one tree here: a treap, whose shape comes from a hash of each node's address, so that
// it needs no field beyond the three links. What is promised outside (order, headers' sizes, copies) is NT's.
#include <cstdint>
#include <cstring>

#include "rtl/foreign_call.h"
#include "wdk/ntddk.h"

using regent::rtl::call_routine;

namespace {

struct Links {
    Links* parent;
    Links* left;
    Links* right;
};

// In front of the caller's element.
struct SplayHeader {
    Links links;
    LIST_ENTRY order;
};
struct AvlHeader {
    Links links;
    ULONG_PTR balance;
};
static_assert(sizeof(SplayHeader) == 0x28 && sizeof(AvlHeader) == 0x20);

std::uint64_t priority(const Links* node) {
    return (reinterpret_cast<std::uintptr_t>(node) >> 4) * 0x9E3779B97F4A7C15u;
}

void replace_child(Links*& root, Links* parent, Links* old, Links* fresh) {
    if (parent == nullptr) {
        root = fresh;
    } else if (parent->left == old) {
        parent->left = fresh;
    } else {
        parent->right = fresh;
    }
    if (fresh != nullptr) fresh->parent = parent;
}

// Lifts `node` above its parent; the order stays.
void rotate_up(Links*& root, Links* node) {
    Links* parent = node->parent;
    replace_child(root, parent->parent, parent, node);
    Links*& inner = parent->left == node ? node->right : node->left;
    Links*& hole = parent->left == node ? parent->left : parent->right;
    hole = inner;
    if (inner != nullptr) inner->parent = parent;
    inner = parent;
    parent->parent = node;
}

Links* first_of(Links* root) {
    while (root != nullptr && root->left != nullptr) root = root->left;
    return root;
}

Links* next_of(Links* node) {
    if (node->right != nullptr) return first_of(node->right);
    while (node->parent != nullptr && node->parent->right == node) node = node->parent;
    return node->parent;
}

Links* previous_of(Links* node) {
    if (node->left != nullptr) {
        node = node->left;
        while (node->right != nullptr) node = node->right;
        return node;
    }
    while (node->parent != nullptr && node->parent->left == node) node = node->parent;
    return node->parent;
}

void remove_node(Links*& root, Links* node) {
    while (node->left != nullptr && node->right != nullptr) {
        rotate_up(root, priority(node->left) > priority(node->right) ? node->left : node->right);
    }
    replace_child(root, node->parent, node, node->left != nullptr ? node->left : node->right);
}

template <typename Table>
struct Shape;

template <>
struct Shape<RTL_GENERIC_TABLE> {
    using Header = SplayHeader;
    static Links*& root(RTL_GENERIC_TABLE* table) { return reinterpret_cast<Links*&>(table->TableRoot); }
};

template <>
struct Shape<RTL_AVL_TABLE> {
    using Header = AvlHeader;
    static Links*& root(RTL_AVL_TABLE* table) { return reinterpret_cast<Links*&>(table->BalancedRoot.RightChild); }
};

template <typename Table>
PVOID element_of(Links* node) {
    using Header = typename Shape<Table>::Header;
    return node != nullptr ? reinterpret_cast<char*>(node) + sizeof(Header) : nullptr;
}

struct Place {
    Links* node = nullptr;  // the equal element, or the parent-to-be
    bool equal = false;
    bool left = false;
};

template <typename Table>
Place find(Table* table, PVOID key) {
    Place place;
    for (Links* node = Shape<Table>::root(table); node != nullptr;) {
        place.node = node;
        const auto order = call_routine(table->CompareRoutine, table, key, element_of<Table>(node));
        place.equal = order == GenericEqual;
        if (place.equal) return place;
        place.left = order == GenericLessThan;
        node = place.left ? node->left : node->right;
    }
    return place;
}

template <typename Table>
Links* insert(Table* table, PVOID data, CLONG size, bool* is_new) {
    using Header = typename Shape<Table>::Header;
    const Place place = find(table, data);
    *is_new = !place.equal;
    if (place.equal) return place.node;
    CLONG total = 0;
    if (__builtin_add_overflow(size, CLONG{sizeof(Header)}, &total)) return nullptr;
    auto* header = static_cast<Header*>(call_routine(table->AllocateRoutine, table, total));
    if (header == nullptr) return nullptr;
    std::memset(static_cast<void*>(header), 0, sizeof(Header));
    if (size != 0) std::memcpy(header + 1, data, size);
    Links* node = &header->links;
    Links*& root = Shape<Table>::root(table);
    node->parent = place.node;
    if (place.node == nullptr) {
        root = node;
    } else {
        (place.left ? place.node->left : place.node->right) = node;
    }
    while (node->parent != nullptr && priority(node) > priority(node->parent)) rotate_up(root, node);
    ++table->NumberGenericTableElements;
    return node;
}

SplayHeader* header_of(Links* node) { return reinterpret_cast<SplayHeader*>(node); }

// OrderedPointer is the element last got by number, or, with this mark, the one last enumerated.
constexpr ULONG enumerating = 0xFFFFFFFF;

void forget_position(PRTL_GENERIC_TABLE table) {
    table->OrderedPointer = &table->InsertOrderList;
    table->WhichOrderedElement = 0;
}

}  // namespace

extern "C" {

VOID RtlInitializeGenericTable(PRTL_GENERIC_TABLE Table, PRTL_GENERIC_COMPARE_ROUTINE CompareRoutine,
                               PRTL_GENERIC_ALLOCATE_ROUTINE AllocateRoutine, PRTL_GENERIC_FREE_ROUTINE FreeRoutine,
                               PVOID TableContext) {
    std::memset(Table, 0, sizeof *Table);
    InitializeListHead(&Table->InsertOrderList);
    forget_position(Table);
    Table->CompareRoutine = CompareRoutine;
    Table->AllocateRoutine = AllocateRoutine;
    Table->FreeRoutine = FreeRoutine;
    Table->TableContext = TableContext;
}

PVOID RtlInsertElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize, PBOOLEAN NewElement) {
    bool is_new = false;
    Links* node = insert(Table, Buffer, BufferSize, &is_new);
    if (NewElement != nullptr) *NewElement = is_new && node != nullptr;
    if (is_new && node != nullptr) InsertTailList(&Table->InsertOrderList, &header_of(node)->order);
    return element_of<RTL_GENERIC_TABLE>(node);
}

BOOLEAN RtlDeleteElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer) {
    const Place place = find(Table, Buffer);
    if (!place.equal) return FALSE;
    SplayHeader* header = header_of(place.node);
    if (Table->WhichOrderedElement != enumerating) {
        forget_position(Table);
    } else if (Table->OrderedPointer == &header->order) {
        Links* previous = previous_of(place.node);  // the next enumeration goes on from here
        Table->OrderedPointer = previous != nullptr ? &header_of(previous)->order : &Table->InsertOrderList;
    }
    remove_node(Shape<RTL_GENERIC_TABLE>::root(Table), place.node);
    RemoveEntryList(&header->order);
    --Table->NumberGenericTableElements;
    call_routine(Table->FreeRoutine, Table, header);
    return TRUE;
}

PVOID RtlLookupElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer) {
    const Place place = find(Table, Buffer);
    return place.equal ? element_of<RTL_GENERIC_TABLE>(place.node) : nullptr;
}

PVOID RtlEnumerateGenericTable(PRTL_GENERIC_TABLE Table, BOOLEAN Restart) {
    Links* next = nullptr;
    const bool fresh = Restart != FALSE || Table->WhichOrderedElement != enumerating ||
                       Table->OrderedPointer == &Table->InsertOrderList;
    if (fresh) {
        next = first_of(Shape<RTL_GENERIC_TABLE>::root(Table));
    } else {
        next = next_of(&CONTAINING_RECORD(Table->OrderedPointer, SplayHeader, order)->links);
    }
    if (next == nullptr) return nullptr;
    Table->WhichOrderedElement = enumerating;
    Table->OrderedPointer = &header_of(next)->order;
    return element_of<RTL_GENERIC_TABLE>(next);
}

// By order of insertion; asking for one after the other is quick.
PVOID RtlGetElementGenericTable(PRTL_GENERIC_TABLE Table, ULONG I) {
    if (I >= Table->NumberGenericTableElements) return nullptr;
    const ULONG wanted = I + 1;  // 0 is the list's head
    if (Table->WhichOrderedElement == enumerating || Table->WhichOrderedElement > wanted) forget_position(Table);
    for (; Table->WhichOrderedElement < wanted; ++Table->WhichOrderedElement) {
        Table->OrderedPointer = Table->OrderedPointer->Flink;
    }
    return element_of<RTL_GENERIC_TABLE>(&CONTAINING_RECORD(Table->OrderedPointer, SplayHeader, order)->links);
}

ULONG RtlNumberGenericTableElements(PRTL_GENERIC_TABLE Table) { return Table->NumberGenericTableElements; }
BOOLEAN RtlIsGenericTableEmpty(PRTL_GENERIC_TABLE Table) { return Table->NumberGenericTableElements == 0; }

VOID RtlInitializeGenericTableAvl(PRTL_AVL_TABLE Table, PRTL_AVL_COMPARE_ROUTINE CompareRoutine,
                                  PRTL_AVL_ALLOCATE_ROUTINE AllocateRoutine, PRTL_AVL_FREE_ROUTINE FreeRoutine,
                                  PVOID TableContext) {
    std::memset(Table, 0, sizeof *Table);
    Table->CompareRoutine = CompareRoutine;
    Table->AllocateRoutine = AllocateRoutine;
    Table->FreeRoutine = FreeRoutine;
    Table->TableContext = TableContext;
}

PVOID RtlInsertElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer, CLONG BufferSize, PBOOLEAN NewElement) {
    bool is_new = false;
    Links* node = insert(Table, Buffer, BufferSize, &is_new);
    if (NewElement != nullptr) *NewElement = is_new && node != nullptr;
    if (is_new) Table->OrderedPointer = nullptr;
    return element_of<RTL_AVL_TABLE>(node);
}

BOOLEAN RtlDeleteElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer) {
    const Place place = find(Table, Buffer);
    if (!place.equal) return FALSE;
    if (reinterpret_cast<Links*>(Table->RestartKey) == place.node) {
        Table->RestartKey = reinterpret_cast<PRTL_BALANCED_LINKS>(previous_of(place.node));
    }
    Table->OrderedPointer = nullptr;
    remove_node(Shape<RTL_AVL_TABLE>::root(Table), place.node);
    --Table->NumberGenericTableElements;
    ++Table->DeleteCount;
    call_routine(Table->FreeRoutine, Table, place.node);
    return TRUE;
}

PVOID RtlLookupElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer) {
    const Place place = find(Table, Buffer);
    return place.equal ? element_of<RTL_AVL_TABLE>(place.node) : nullptr;
}

PVOID RtlEnumerateGenericTableWithoutSplayingAvl(PRTL_AVL_TABLE Table, PVOID* RestartKey) {
    auto* last = static_cast<Links*>(*RestartKey);
    Links* next = last == nullptr ? first_of(Shape<RTL_AVL_TABLE>::root(Table)) : next_of(last);
    if (next != nullptr) *RestartKey = next;
    return element_of<RTL_AVL_TABLE>(next);
}

PVOID RtlEnumerateGenericTableAvl(PRTL_AVL_TABLE Table, BOOLEAN Restart) {
    if (Restart) Table->RestartKey = nullptr;
    PVOID key = Table->RestartKey;
    PVOID element = RtlEnumerateGenericTableWithoutSplayingAvl(Table, &key);
    Table->RestartKey = static_cast<PRTL_BALANCED_LINKS>(key);
    return element;
}

// By order of key.
PVOID RtlGetElementGenericTableAvl(PRTL_AVL_TABLE Table, ULONG I) {
    if (I >= Table->NumberGenericTableElements) return nullptr;
    auto* node = static_cast<Links*>(Table->OrderedPointer);
    if (node == nullptr || Table->WhichOrderedElement > I) {
        node = first_of(Shape<RTL_AVL_TABLE>::root(Table));
        Table->WhichOrderedElement = 0;
    }
    for (; Table->WhichOrderedElement < I; ++Table->WhichOrderedElement) node = next_of(node);
    Table->OrderedPointer = node;
    return element_of<RTL_AVL_TABLE>(node);
}

ULONG RtlNumberGenericTableElementsAvl(PRTL_AVL_TABLE Table) { return Table->NumberGenericTableElements; }
BOOLEAN RtlIsGenericTableEmptyAvl(PRTL_AVL_TABLE Table) { return Table->NumberGenericTableElements == 0; }

}  // extern "C"
