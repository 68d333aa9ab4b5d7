#include "cm/tree_read.h"

#include "cm/transacted_key.h"

namespace regent::cm {

Result<KeyMoment> key_moment(const KeyBody& body) {
    const std::int64_t now = rtl::nt_time_tick();
    if (body.bound() != nullptr) {
        TransactedKey key(body.block(), *body.bound()->transaction);
        RG_TRY(key.alive());
        // The transaction's own changes are counted by none of the two hives alone.
        return KeyMoment{key.storage().changes() + body.block().hive().storage().changes(), key.info().last_write_time,
                         now};
    }
    const ReadKey key(body.block());
    RG_TRY(key.alive());
    return KeyMoment{key.storage().changes(), key.storage().last_write_time(key.cell()), now};
}

}  // namespace regent::cm
