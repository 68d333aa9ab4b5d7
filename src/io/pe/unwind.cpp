#include "io/pe/unwind.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "rtl/lock.h"

namespace regent::io::pe {

namespace {

struct Images {
    Mutex<LockRank::leaf> lock;
    std::vector<CodeImage> list RG_GUARDED_BY(lock);
};
Images& images() {
    static Images* const instance = new Images;
    return *instance;
}

enum Operation : std::uint8_t {
    push_nonvolatile,
    allocate_large,
    allocate_small,
    set_frame_register,
    save_nonvolatile,
    save_nonvolatile_far,
    epilog,  // version 2
    spare,
    save_xmm128,
    save_xmm128_far,
    push_machine_frame
};

constexpr unsigned rsp_number = 4;
constexpr int longest_chain = 32;

std::uint64_t stack_word(std::uint64_t address) { return *reinterpret_cast<const std::uint64_t*>(address); }
std::uint64_t pop(CONTEXT& context) {
    const std::uint64_t value = stack_word(context.Rsp);
    context.Rsp += 8;
    return value;
}

// The codes of one description: slots of 16 bits, checked against the image.
struct Codes {
    UnwindHeader header{};
    Bytes slots;
    Bytes tail;  // what follows: a handler, or the description of the part that this one continues

    bool read(Bytes image, std::uint32_t at) {
        const auto* found = rtl::record_at<UnwindHeader>(image, at);
        if (found == nullptr) return false;
        header = *found;
        const auto codes = rtl::slice(image, at + sizeof header, header.code_count * 2u);
        const std::uint32_t even = (header.code_count + 1u) & ~1u;
        if (!codes || at + sizeof header + even * 2u > image.size()) return false;
        slots = *codes;
        tail = image.subspan(at + sizeof header + even * 2u);
        return true;
    }
    std::uint8_t flags() const { return header.version_and_flags >> 3; }
    unsigned frame_register() const { return header.frame_register_and_offset & 15; }
    std::uint64_t frame_offset() const { return (header.frame_register_and_offset >> 4) * 16u; }
    std::uint32_t slot(std::size_t index) const { return rtl::load<std::uint16_t>(slots, index * 2).value_or(0); }
    std::uint32_t wide(std::size_t index) const { return slot(index) | slot(index + 1) << 16; }
};

std::size_t length_of(std::uint8_t operation, std::uint8_t info) {
    switch (operation) {
        case allocate_large:
            return info == 0 ? 2 : 3;
        case save_nonvolatile:
        case save_xmm128:
            return 2;
        case save_nonvolatile_far:
        case save_xmm128_far:
            return 3;
        default:
            return 1;
    }
}

void load_xmm(CONTEXT& context, unsigned number, std::uint64_t from) {
    std::memcpy(&context.FltSave.XmmRegisters[number], reinterpret_cast<const void*>(from), sizeof(M128A));
}

// Undoes the prolog's operation at `index`. True: the return address was found with it (an interrupt's frame).
bool undo(const Codes& codes, std::size_t index, std::uint64_t frame, CONTEXT& context) {
    const std::uint32_t slot = codes.slot(index);
    const auto operation = static_cast<std::uint8_t>(slot >> 8 & 15);
    const auto info = static_cast<std::uint8_t>(slot >> 12);
    switch (operation) {
        case push_nonvolatile:
            general_register(context, info) = pop(context);
            break;
        case allocate_large:
            context.Rsp += info == 0 ? codes.slot(index + 1) * 8u : codes.wide(index + 1);
            break;
        case allocate_small:
            context.Rsp += info * 8u + 8u;
            break;
        case set_frame_register:
            context.Rsp = general_register(context, codes.frame_register()) - codes.frame_offset();
            break;
        case save_nonvolatile:
            general_register(context, info) = stack_word(frame + codes.slot(index + 1) * 8u);
            break;
        case save_nonvolatile_far:
            general_register(context, info) = stack_word(frame + codes.wide(index + 1));
            break;
        case save_xmm128:
            load_xmm(context, info, frame + codes.slot(index + 1) * 16u);
            break;
        case save_xmm128_far:
            load_xmm(context, info, frame + codes.wide(index + 1));
            break;
        case push_machine_frame:
            if (info != 0) context.Rsp += 8;  // the error code
            context.Rip = stack_word(context.Rsp);
            context.Rsp = stack_word(context.Rsp + 24);
            return true;
        default:
            break;
    }
    return false;
}

// The frame's base while `done` bytes of the prolog have run (all of them: the largest number).
std::uint64_t frame_base(const Codes& codes, std::uint32_t done, CONTEXT& context) {
    if (codes.frame_register() == 0) return context.Rsp;
    for (std::size_t i = 0; i < codes.header.code_count;) {
        const std::uint32_t slot = codes.slot(i);
        const auto operation = static_cast<std::uint8_t>(slot >> 8 & 15);
        if (operation == set_frame_register && (slot & 0xFF) > done) return context.Rsp;
        i += length_of(operation, static_cast<std::uint8_t>(slot >> 12));
    }
    return general_register(context, codes.frame_register()) - codes.frame_offset();
}

bool undo_all(const Codes& codes, std::uint32_t done, std::uint64_t frame, CONTEXT& context) {
    for (std::size_t i = 0; i < codes.header.code_count;) {
        const std::uint32_t slot = codes.slot(i);
        if ((slot & 0xFF) <= done && undo(codes, i, frame, context)) return true;
        i += length_of(static_cast<std::uint8_t>(slot >> 8 & 15), static_cast<std::uint8_t>(slot >> 12));
    }
    return false;
}

// The code from `address` on, when it can only be the end of an epilog: stack freed, registers popped, return. Version
// 1 of the tables does not say where epilogs are; their form is prescribed instead.
bool run_epilog(const FunctionEntry& entry, const Codes& codes, std::uint64_t address, CONTEXT& context) {
    const Bytes code = entry.image.memory.subspan(address - entry.image.base());
    const auto byte = [&](std::size_t i) { return i < code.size() ? static_cast<unsigned>(code[i]) : 0u; };
    CONTEXT undone = context;
    std::size_t at = 0;
    if (byte(0) == 0x48 && byte(1) == 0x83 && byte(2) == 0xC4) {  // add rsp, imm8
        undone.Rsp += static_cast<std::uint64_t>(static_cast<std::int8_t>(byte(3)));
        at = 4;
    } else if (byte(0) == 0x48 && byte(1) == 0x81 && byte(2) == 0xC4) {  // add rsp, imm32
        undone.Rsp += rtl::load<std::uint32_t>(code, 3).value_or(0);
        at = 7;
    } else if ((byte(0) & 0xFE) == 0x48 && byte(1) == 0x8D && codes.frame_register() != 0) {  // lea rsp, [frame+disp]
        const unsigned base = (byte(0) & 1) << 3 | (byte(2) & 7);
        const unsigned mode = byte(2) >> 6;
        if ((byte(2) >> 3 & 7) != rsp_number || base != codes.frame_register() || mode == 0 || mode == 3) return false;
        const std::int64_t offset = mode == 1
                                        ? static_cast<std::int8_t>(byte(3))
                                        : static_cast<std::int32_t>(rtl::load<std::uint32_t>(code, 3).value_or(0));
        undone.Rsp = general_register(undone, base) + static_cast<std::uint64_t>(offset);
        at = mode == 1 ? 4 : 7;
    }
    for (;;) {
        const bool high = byte(at) == 0x41;
        const unsigned opcode = byte(at + (high ? 1 : 0));
        if ((opcode & 0xF8) != 0x58) break;
        general_register(undone, (opcode & 7) | (high ? 8u : 0u)) = pop(undone);
        at += high ? 2 : 1;
    }
    if (byte(at) != 0xC3 && !(byte(at) == 0xF3 && byte(at + 1) == 0xC3)) return false;
    undone.Rip = pop(undone);
    context = undone;
    return true;
}

const void* find_handler(const FunctionEntry& entry, const Codes& codes, std::uint8_t kind, const void** data) {
    if ((codes.flags() & kind) == 0) return nullptr;
    const auto address = rtl::load<std::uint32_t>(codes.tail, 0);
    if (!address || *address >= entry.image.memory.size()) return nullptr;
    *data = codes.tail.data() + 4;
    return entry.image.memory.data() + *address;
}

}  // namespace

void add_code_image(const CodeImage& image) {
    Images& all = images();
    ExclusiveGuard guard(all.lock);
    all.list.push_back(image);
}

void remove_code_image(const std::byte* start) {
    Images& all = images();
    ExclusiveGuard guard(all.lock);
    std::erase_if(all.list, [start](const CodeImage& image) { return image.memory.data() == start; });
}

std::optional<CodeImage> find_code_image(std::uint64_t address) {
    Images& all = images();
    ExclusiveGuard guard(all.lock);
    for (const CodeImage& image : all.list)
        if (address - image.base() < image.memory.size()) return image;
    return std::nullopt;
}

FunctionEntry find_function(std::uint64_t address) {
    const auto image = find_code_image(address);
    if (!image) return {};
    FunctionEntry entry{*image, nullptr};
    const auto table = rtl::slice(image->memory, image->functions.address, image->functions.size);
    if (!table) return entry;
    const auto* const first = reinterpret_cast<const RuntimeFunction*>(table->data());
    const auto* const last = first + table->size() / sizeof(RuntimeFunction);
    const auto offset = static_cast<std::uint32_t>(address - image->base());
    const auto* const after =
        std::upper_bound(first, last, offset, [](std::uint32_t at, const RuntimeFunction& f) { return at < f.begin; });
    if (after != first && offset < (after - 1)->end) entry.function = after - 1;
    return entry;
}

UnwoundFrame unwind_frame(const FunctionEntry& entry, std::uint8_t handler_kind, CONTEXT& context) {
    UnwoundFrame frame;
    frame.establisher = context.Rsp;
    Codes codes;
    if (entry.function == nullptr || !codes.read(entry.image.memory, entry.function->unwind_info)) {
        context.Rip = pop(context);
        return frame;
    }
    const std::uint64_t address = context.Rip;
    std::uint32_t done = static_cast<std::uint32_t>(address - entry.image.base()) - entry.function->begin;
    const bool in_body = done >= codes.header.prolog_size;
    frame.establisher = frame_base(codes, done, context);
    if (in_body && run_epilog(entry, codes, address, context)) return frame;
    if (in_body) frame.handler = find_handler(entry, codes, handler_kind, &frame.handler_data);
    bool returned = undo_all(codes, done, frame.establisher, context);
    for (int depth = 0; (codes.flags() & unwind_chained) != 0 && !returned && depth < longest_chain; depth++) {
        const auto* const parent = rtl::record_at<RuntimeFunction>(codes.tail);
        if (parent == nullptr || !codes.read(entry.image.memory, parent->unwind_info)) break;
        done = UINT32_MAX;  // the part before this one has run whole
        returned = undo_all(codes, done, frame_base(codes, done, context), context);
    }
    if (!returned) context.Rip = pop(context);
    return frame;
}

}  // namespace regent::io::pe
