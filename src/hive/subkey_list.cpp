#include "hive/subkey_list.h"

#include <algorithm>
#include <cstring>

namespace regent::hive {

ListView list_in(Bytes data, bool* whole) {
    *whole = false;
    const auto* header = rtl::record_at<ListHeader>(data);
    if (header == nullptr) return {};
    ListView view;
    view.signature = header->signature;
    view.elements = data.subspan(sizeof(ListHeader));
    if (!view.is_index() && !view.is_leaf()) return view;
    const std::size_t count = header->count;
    const std::size_t room = view.elements.size() / view.element_size();
    view.count = static_cast<std::uint16_t>(std::min(count, room));
    *whole = view.count == count;
    return view;
}

ListView list_view(const Cells& cells, CellIndex list) {
    bool whole = false;
    const ListView view = list_in(cells.data(list), &whole);
    if (!whole) cells.met_damage(FindingKind::subkey_list, list, "a list of subkeys that fills its cell");
    return view;
}

std::uint32_t lf_hint(NameView name) {
    std::uint32_t hint = 0;
    for (std::size_t i = 0; i < 4 && i < name.size(); ++i) {
        if (name[i] > 0xFF) return 0;
        hint |= static_cast<std::uint32_t>(name[i]) << (8 * i);
    }
    return hint;
}

namespace {

using Place = ListPlace;

template <typename Name>
Place place_in_leaf(const Cells& cells, const ListView& leaf, Name name) {
    Place place;
    std::size_t low = 0;
    std::size_t high = leaf.count;
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        const int order = compare_folded(name_of_key(cells, leaf.cell(middle)), name);
        if (order == 0) {
            place.position = middle;
            place.found = true;
            return place;
        }
        (order < 0 ? low : high) = order < 0 ? middle + 1 : middle;
    }
    place.position = low;
    return place;
}

// The last leaf whose first name is not above `name` (the first leaf when there is none).
template <typename Name>
std::size_t leaf_for(const Cells& cells, const ListView& index, Name name) {
    std::size_t low = 0;
    std::size_t high = index.count;
    while (high - low > 1) {
        const std::size_t middle = (low + high) / 2;
        const ListView leaf = list_view(cells, index.cell(middle));
        const bool above = leaf.count != 0 && compare_folded(name_of_key(cells, leaf.cell(0)), name) > 0;
        (above ? high : low) = middle;
    }
    return low;
}

template <typename Name>
Place place_of(const Cells& cells, CellIndex list, Name name) {
    const ListView view = list_view(cells, list);
    if (!view.is_index()) {
        Place place = place_in_leaf(cells, view, name);
        place.leaf = list;
        return place;
    }
    if (view.count == 0) return {};
    const std::size_t number = leaf_for(cells, view, name);
    Place place = place_in_leaf(cells, list_view(cells, view.cell(number)), name);
    place.leaf = view.cell(number);
    place.leaf_number = number;
    return place;
}

std::uint16_t leaf_signature(const Cells& cells) {
    if (cells.minor >= 5) return lh_signature;
    return cells.minor >= 3 ? lf_signature : li_signature;
}

std::size_t element_size(std::uint16_t signature) {
    return signature == lf_signature || signature == lh_signature ? 8 : 4;
}

void store_element(MutableBytes out, std::uint16_t signature, CellIndex key, NameView name) {
    *rtl::record_at<Le32>(out) = key;
    if (signature == lh_signature) *rtl::record_at<Le32>(out, 4) = name.hash();
    if (signature == lf_signature) *rtl::record_at<Le32>(out, 4) = lf_hint(name);
}

// A new list cell with the elements of `parts`, and room for `room` elements.
Result<CellIndex> new_list(Edit& edit, StorageType type, std::uint16_t signature, Bytes first, Bytes second,
                           std::size_t room) {
    const CellIndex cell = RG_TRY(edit.allocate(type, sizeof(ListHeader) + room * element_size(signature)));
    const MutableBytes data = edit.fresh(cell);
    auto& header = *rtl::record_at<ListHeader>(data);
    header.signature = signature;
    header.count = static_cast<std::uint16_t>((first.size() + second.size()) / element_size(signature));
    std::copy(first.begin(), first.end(), data.begin() + sizeof(ListHeader));
    std::copy(second.begin(), second.end(),
              data.begin() + sizeof(ListHeader) + static_cast<std::ptrdiff_t>(first.size()));
    return cell;
}

// Inserts one element; the list moves to a larger cell when it is full. Returns its cell.
Result<CellIndex> insert_element(Edit& edit, CellIndex list, std::size_t position, Bytes element) {
    const ListView view = list_view(edit.cells(), list);
    if (view.count == 0xFFFF) return fail(STATUS_INSUFFICIENT_RESOURCES);
    const std::size_t size = element.size();
    const std::size_t count = view.count;
    if ((count + 1) * size <= view.elements.size() || edit.grow(list, sizeof(ListHeader) + (count + 1) * size)) {
        edit.change_record<ListHeader>(list).count = static_cast<std::uint16_t>(count + 1);
        const std::size_t from = sizeof(ListHeader) + position * size;
        const MutableBytes tail = edit.change(list, from, (count + 1 - position) * size);
        std::memmove(tail.data() + size, tail.data(), (count - position) * size);
        std::copy(element.begin(), element.end(), tail.begin());
        return list;
    }
    const std::size_t room = std::min<std::size_t>(count + 1 + count / 4, std::max<std::size_t>(count + 1, max_leaf));
    const Bytes head = view.elements.first(position * size);
    const Bytes tail = view.elements.subspan(position * size, (count - position) * size);
    const CellIndex moved = RG_TRY(new_list(edit, storage_of(list), view.signature, head, {}, room));
    const MutableBytes data = edit.fresh(moved).subspan(sizeof(ListHeader));
    std::copy(element.begin(), element.end(), data.begin() + static_cast<std::ptrdiff_t>(position * size));
    std::copy(tail.begin(), tail.end(), data.begin() + static_cast<std::ptrdiff_t>((position + 1) * size));
    edit.fresh_record<ListHeader>(moved).count = static_cast<std::uint16_t>(count + 1);
    edit.release_later(list);
    return moved;
}

void remove_element(Edit& edit, CellIndex list, std::size_t position) {
    const ListView view = list_view(edit.cells(), list);
    const std::size_t size = view.element_size();
    edit.change_record<ListHeader>(list).count = static_cast<std::uint16_t>(view.count - 1);
    const MutableBytes tail = edit.change(list, sizeof(ListHeader) + position * size, (view.count - position) * size);
    std::memmove(tail.data(), tail.data() + size, tail.size() - size);
    std::memset(tail.data() + tail.size() - size, 0, size);
}

void set_index_element(Edit& edit, CellIndex index, std::size_t number, CellIndex leaf) {
    *rtl::record_at<Le32>(edit.change(index, sizeof(ListHeader) + number * 4, 4)) = leaf;
}

// Splits a full leaf in two halves. Returns the cell of the list: the index, which is made or grows as needed.
Result<CellIndex> split_leaf(Edit& edit, CellIndex list, const Place& place) {
    const ListView leaf = list_view(edit.cells(), place.leaf);
    const std::size_t half = leaf.count / 2;
    const std::size_t size = leaf.element_size();
    const StorageType type = storage_of(list);
    const Bytes low = leaf.elements.first(half * size);
    const Bytes high = leaf.elements.subspan(half * size, (leaf.count - half) * size);
    const CellIndex first = RG_TRY(new_list(edit, type, leaf.signature, low, {}, half + half / 8 + 1));
    const CellIndex second = RG_TRY(new_list(edit, type, leaf.signature, high, {}, half + half / 8 + 1));
    edit.release_later(place.leaf);
    Le32 element;
    if (place.leaf == list) {
        element = first;
        Le32 other;
        other = second;
        return new_list(edit, type, ri_signature, rtl::as_bytes(&element, 4), rtl::as_bytes(&other, 4), 4);
    }
    set_index_element(edit, list, place.leaf_number, first);
    element = second;
    return insert_element(edit, list, place.leaf_number + 1, rtl::as_bytes(&element, 4));
}

}  // namespace

std::optional<CellIndex> find_in_list(const Cells& cells, CellIndex list, Utf16View name) {
    constexpr std::size_t scan_up_to = 64;  // a scan of hashes touches fewer cache lines than a search by name
    ListView view = list_view(cells, list);
    if (view.count == 0) return std::nullopt;
    if (view.is_index()) {
        view = list_view(cells, view.cell(leaf_for(cells, view, name)));
        if (!view.is_leaf()) {
            cells.met_damage(FindingKind::subkey_list, list, "an index of leaves");
            return std::nullopt;
        }
    }
    if (view.signature == lh_signature && view.count <= scan_up_to) {
        const std::uint32_t hash = rtl::name_hash(name);
        for (std::size_t i = 0; i < view.count; ++i) {
            if (view.hash(i) != hash) continue;
            if (equal_folded(name_of_key(cells, view.cell(i)), name)) return view.cell(i);
        }
        return std::nullopt;
    }
    const Place place = place_in_leaf(cells, view, name);
    if (!place.found) return std::nullopt;
    return view.cell(place.position);
}

std::uint32_t count_below(const Cells& cells, CellIndex list, NameView name) {
    const ListView view = list_view(cells, list);
    if (view.count == 0) return 0;
    const Place place = place_of(cells, list, name);
    std::uint32_t below = static_cast<std::uint32_t>(place.position);
    for (std::size_t i = 0; view.is_index() && i < place.leaf_number; ++i) {
        below += list_view(cells, view.cell(i)).count;
    }
    return below;
}

CellIndex element_at(const Cells& cells, CellIndex list, std::uint32_t index) {
    const ListView view = list_view(cells, list);
    if (view.is_leaf()) {
        // Who asks for one mostly asks for the next.
        if (index + 1U < view.count) cells.prefetch(view.cell(index + 1));
        return index < view.count ? view.cell(index) : nil_cell;
    }
    for (std::size_t i = 0; i < view.count; ++i) {
        const ListView leaf = list_view(cells, view.cell(i));
        if (!leaf.is_leaf()) return nil_cell;
        if (index < leaf.count) return leaf.cell(index);
        index -= leaf.count;
    }
    return nil_cell;
}

ListPlace place_in_list(const Cells& cells, CellIndex list, Utf16View name) {
    return list == nil_cell ? Place() : place_of(cells, list, name);
}

Result<CellIndex> insert_into_list(Edit& edit, CellIndex list, ListPlace place, CellIndex key, StorageType type) {
    const NameView name = name_of_key(edit.cells(), key);
    std::byte raw[8] = {};
    if (list == nil_cell) {
        const std::uint16_t signature = leaf_signature(edit.cells());
        store_element(raw, signature, key, name);
        return new_list(edit, type, signature, Bytes(raw).first(element_size(signature)), {}, 1);
    }
    if (place.found || place.leaf == nil_cell) return fail(STATUS_REGISTRY_CORRUPT);
    if (list_view(edit.cells(), place.leaf).count >= max_leaf) {
        list = RG_TRY(split_leaf(edit, list, place));
        place = place_of(edit.cells(), list, name);
    }
    const std::uint16_t signature = list_view(edit.cells(), place.leaf).signature;
    store_element(raw, signature, key, name);
    const CellIndex leaf =
        RG_TRY(insert_element(edit, place.leaf, place.position, Bytes(raw).first(element_size(signature))));
    if (place.leaf == list) return leaf;
    if (leaf != place.leaf) set_index_element(edit, list, place.leaf_number, leaf);
    return list;
}

Result<CellIndex> remove_from_list(Edit& edit, CellIndex list, CellIndex key) {
    const Place place = place_of(edit.cells(), list, name_of_key(edit.cells(), key));
    if (!place.found || list_view(edit.cells(), place.leaf).cell(place.position) != key) {
        return fail(STATUS_REGISTRY_CORRUPT);
    }
    if (list_view(edit.cells(), place.leaf).count > 1) {
        remove_element(edit, place.leaf, place.position);
        return list;
    }
    edit.release_later(place.leaf);
    if (place.leaf == list) return nil_cell;
    const ListView index = list_view(edit.cells(), list);
    if (index.count > 2) {
        remove_element(edit, list, place.leaf_number);
        return list;
    }
    edit.release_later(list);  // one leaf is left (or none): it needs no index
    return index.count == 2 ? index.cell(1 - place.leaf_number) : nil_cell;
}

}  // namespace regent::hive
