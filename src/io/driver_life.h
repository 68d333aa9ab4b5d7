// The end of a driver. Inside this floor only.
#pragma once

#include "io/driver.h"
#include "io/io_state.h"

namespace regent::io {

// The last open of a driver that waits for its unload is gone.
void start_pending_unload(DriverState& driver);
// A driver inside the host: one device, one link to it, ready for opens.
Result<void> add_built_in(Ref<DriverState> driver, Utf16View device, Utf16View link, DEVICE_TYPE type,
                          ULONG characteristics);
// At shutdown of the executive.
void unload_all_drivers();
// Takes away what the driver left: callbacks, devices; waits for its work items; frees the image. Returns the findings,
// one a line. REQUIRES: Unload has returned, or DriverEntry failed.
std::string dispose_driver(Ref<DriverState> driver, bool entry_failed);

// The list of loaded drivers.
class DriverList {
public:
    static DriverList& instance();
    // ERRORS: IMAGE_ALREADY_LOADED.
    Result<void> reserve(const Utf16& name);
    void release(const Utf16& name);  // a reservation that came to nothing
    DriverState& add(Ref<DriverState> driver);
    Ref<DriverState> remove(DriverState& driver);
    Ref<DriverState> find(Utf16View name);
    bool has_file(const FileIdentity& file);
    std::vector<Ref<DriverState>> all();

private:
    using Lock = Mutex<LockRank::driver_list>;
    Lock lock_;
    std::vector<Utf16> reserved_ RG_GUARDED_BY(lock_);
    std::vector<Ref<DriverState>> drivers_ RG_GUARDED_BY(lock_);
};

}  // namespace regent::io
