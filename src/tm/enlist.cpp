#include "tm/enlist.h"

#include "ob/handle.h"

namespace regent::tm {

Result<HANDLE> create_enlistment(Enlistment::Start start, ULONG options, ACCESS_MASK desired,
                                 const ob::ObjectAttributes& attributes) {
    if (start.mask == 0 || (start.mask & ~static_cast<ULONG>(TRANSACTION_NOTIFY_MASK)) != 0)
        return fail(STATUS_INVALID_PARAMETER);
    if ((options & ~static_cast<ULONG>(ENLISTMENT_MAXIMUM_OPTION)) != 0) return fail(STATUS_INVALID_PARAMETER);
    start.superior = (options & ENLISTMENT_SUPERIOR) != 0;
    auto made = ob::create_body<Enlistment>(enlistment_type(), std::move(start));
    if (!made) return std::unexpected(made.error());
    const ob::ObjectRef<Enlistment> enlistment = *made;
    ob::AccessState access = ob::AccessState::for_current(desired, attributes.attributes);
    const auto inserted = ob::insert_object(std::move(*made), attributes, access);
    if (!inserted) return std::unexpected(inserted.error());
    const Result<void> enlisted = enlistment->transaction().enlist(enlistment);
    if (enlisted) return inserted->handle;
    static_cast<void>(ob::close_handle(inserted->handle, ob::kernel_mode));
    return std::unexpected(enlisted.error());
}

}  // namespace regent::tm
