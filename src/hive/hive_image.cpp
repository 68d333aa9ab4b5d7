// The hive as bytes, for tools.
#include "hive/hive_impl.h"

namespace regent::hive {

std::int64_t Hive::last_written() const { return static_cast<std::int64_t>(std::uint64_t{impl_->base.last_written}); }

Space Hive::space() const { return impl_->cells.stable().space(); }

std::uint64_t Hive::copied_bytes() const {
    return impl_->log == nullptr ? 0 : std::uint64_t{impl_->cells.stable().copied_pages()} * page_size;
}

Bytes Hive::stable_bytes() const { return impl_->cells.stable().bytes(); }

Result<void> Hive::write_image(rtl::File& out) const {
    BaseBlock base = impl_->base;
    base.secondary_sequence = base.primary_sequence;
    base.type = file_type_primary;
    base.root_cell = impl_->root;
    return write_primary(out, base, impl_->cells.stable().bytes());
}

}  // namespace regent::hive
