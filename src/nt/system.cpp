#include "nt/system.h"

#include <dlfcn.h>
#include <unistd.h>
#include <utility>

#include <cstdlib>
#include <optional>

#include "cm/key_lock.h"
#include "cm/registry.h"
#include "io/io.h"
#include "nt/auto_start.h"
#include "nt/crash_history.h"
#include "nt/hardware.h"
#include "nt/skeleton.h"
#include "nt/store.h"
#include "nt/thread.h"
#include "nt/user_profile.h"
#include "nt/zw_key.h"
#include "ob/namespace.h"
#include "ob/process.h"
#include "rtl/env.h"
#include "rtl/lock.h"
#include "se/sddl.h"
#include "tm/transaction.h"

namespace regent::nt {
namespace {

// Of what no public text tells (semantics SD-12).
constexpr const char* open_to_readers = "O:BAG:SYD:(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KR;;;WD)(A;CI;KR;;;RC)";
// Windows' own, as far as they are known: SD-6; SD-9, where the part of administrators is that of SD-8; SD-8.
constexpr const char* public_hive =
    "O:BAG:SYD:P(A;CI;KA;;;BA)(A;CIIO;KA;;;CO)(A;CI;KA;;;SY)(A;CI;KR;;;BU)(A;CI;KR;;;AC)";
constexpr const char* sam_hive = "O:BAG:SYD:P(A;CI;KA;;;SY)(A;CI;RCWD;;;BA)(A;;KR;;;BU)";
constexpr const char* security_hive = "O:BAG:SYD:P(A;CI;KA;;;SY)(A;CI;RCWD;;;BA)";

struct HiveFile {
    const char* file;
    Utf16View mount;
    const char* sddl;
};
constexpr HiveFile system_hives[] = {
    {"SYSTEM", u"\\REGISTRY\\MACHINE\\SYSTEM", public_hive},
    {"SOFTWARE", u"\\REGISTRY\\MACHINE\\SOFTWARE", public_hive},
    {"SAM", u"\\REGISTRY\\MACHINE\\SAM", sam_hive},
    {"SECURITY", u"\\REGISTRY\\MACHINE\\SECURITY", security_hive},
    {"DEFAULT", u"\\REGISTRY\\USER\\.DEFAULT", public_hive},
};

// What runs, in the order in which it was started. Destruction is the stop.
struct Executive {
    explicit Executive(Store opened) : store(std::move(opened)), crashes(store.directory()) {}
    ~Executive();
    // Unloads the drivers and stops the registry; a line for each hive that could not be written.
    std::vector<std::string> stop();
    Executive(const Executive&) = delete;
    Executive& operator=(const Executive&) = delete;

    bool writes_files() const { return hive::writes_files(store.durability()); }

    Store store;
    const CrashHistory crashes;
    bool objects = false;
    std::unique_ptr<cm::Registry> registry;
    bool devices = false;
    std::vector<std::string> messages;
    std::function<void(const std::string&)> log;
};

// Whose store a bug check of this process is recorded in.
std::atomic<const CrashHistory*> crash_history{nullptr};

void record_bugcheck(const ex::BugCheck& check) {
    if (const CrashHistory* const history = crash_history.load()) history->record(check);
}

std::vector<std::string> Executive::stop() {
    std::vector<std::string> lost;
    if (std::exchange(devices, false)) io::shutdown();
    if (crash_history.exchange(nullptr) != nullptr) crashes.forget();
    if (registry) {
        for (const auto& hive : registry->stop()) {
            lost.push_back(hive.file + ": the last changes were not written: " + rtl::status_name(hive.reason.code()));
        }
    }
    registry.reset();
    if (std::exchange(objects, false)) ob::shutdown();
    return lost;
}

Executive::~Executive() { static_cast<void>(stop()); }

Mutex<LockRank::composition> running_lock;
std::unique_ptr<Executive> running RG_GUARDED_BY(running_lock);
std::atomic<Executive*> current_executive{nullptr};

BootFailure failed(const char* step, const Status& status) {
    return {status.code(), std::string("boot: cannot ") + step + ": " + rtl::status_name(status.code())};
}

// Where drivers lie: REGENT_DRIVERS, else beside the folder of this library (or of the program, when linked in).
std::string driver_directory() {
    if (const char* chosen = std::getenv("REGENT_DRIVERS"); chosen != nullptr && *chosen != '\0') return chosen;
    Dl_info info{};
    std::string file;
    if (::dladdr(reinterpret_cast<const void*>(&driver_directory), &info) != 0 && info.dli_fname != nullptr)
        file = info.dli_fname;
    if (char* real = ::realpath(file.c_str(), nullptr); real != nullptr) {
        file = real;
        std::free(real);
    }
    const std::size_t folder = file.rfind('/');
    return (folder == std::string::npos ? std::string(".") : file.substr(0, folder)) + "/../drivers";
}

std::expected<void, BootFailure> mount_hive(Executive& executive, const std::string& file, Utf16View where,
                                            const char* sddl, bool boot, std::uint64_t trust_class = 0) {
    auto hive = executive.store.open_hive(file, sddl, executive.messages);
    if (!hive) return std::unexpected(hive.error());
    cm::MountOptions options;
    options.boot = boot;
    options.trust_class = trust_class;
    options.to_be_filled = true;
    const auto mounted = executive.registry->mount(where, std::move(*hive), options);
    if (!mounted) return std::unexpected(failed(("mount " + file).c_str(), mounted.error()));
    return {};
}

std::expected<void, BootFailure> mount_hives(Executive& executive) {
    for (const HiveFile& hive : system_hives) {
        auto mounted = mount_hive(executive, hive.file, hive.mount, hive.sddl, true);
        if (!mounted) return mounted;
    }
    const auto security = se::parse_sddl(open_to_readers);
    hive::HiveOptions options;
    if (security) options.root_security = security->bytes();
    options.root_name = u"HARDWARE";
    auto hardware = hive::Hive::create(rtl::real_env(), options);
    if (!hardware) return std::unexpected(failed("make the hardware hive", hardware.error()));
    cm::MountOptions mount;
    mount.boot = true;
    mount.volatile_hive = true;
    const auto mounted = executive.registry->mount(u"\\REGISTRY\\MACHINE\\HARDWARE", std::move(*hardware), mount);
    if (!mounted) return std::unexpected(failed("mount the hardware hive", mounted.error()));
    return {};
}

std::expected<void, BootFailure> mount_user(Executive& executive, const std::string& sid) {
    const Utf16 name = rtl::from_utf8(sid);
    // As Windows makes them (semantics SD-10).
    const std::string sddl = "O:BAG:SYD:P(A;OICI;KA;;;" + sid + ")(A;OICI;KA;;;SY)(A;OICI;KA;;;BA)(A;OICI;KR;;;RC)";
    std::expected<void, BootFailure> made;
    if (executive.writes_files()) made = executive.store.create_user_folder(sid);
    if (!made) return made;
    const std::string folder = "users/" + sid;
    made = mount_hive(executive, folder + "/NTUSER.DAT", u"\\REGISTRY\\USER\\" + name, sddl.c_str(), false);
    if (!made) return made;
    // Links lead from the one to the other and nowhere else.
    made = mount_hive(executive, folder + "/UsrClass.dat", u"\\REGISTRY\\USER\\" + name + u"_Classes", sddl.c_str(),
                      false, executive.registry->trust_class(u"\\REGISTRY\\USER\\" + name));
    if (!made) return made;
    const auto skeleton = make_user_skeleton(name, name + u"_Classes");
    if (!skeleton) return std::unexpected(failed("fill a user's hive", skeleton.error()));
    return {};
}

// The keys of a registry that nobody has written to yet, and what describes this machine.
std::expected<void, BootFailure> fill_registry(Executive& executive) {
    if (const auto made = make_machine_skeleton(); !made)
        return std::unexpected(failed("make the standard keys", made.error()));
    if (const auto made = make_user_skeleton(u".DEFAULT", {}); !made)
        return std::unexpected(failed("fill the default user's hive", made.error()));
    for (const std::string& sid : executive.store.user_folders()) {
        auto mounted = mount_user(executive, sid);
        // One user's damaged hive is no reason to keep the others out.
        if (!mounted) executive.messages.push_back(mounted.error().message);
    }
    if (const auto described = describe_hardware(); !described)
        return std::unexpected(failed("describe this machine", described.error()));
    if (const auto listed = sync_hive_list(); !listed) return std::unexpected(failed("write hivelist", listed.error()));
    return {};
}

std::expected<void, BootFailure> start_registry(Executive& executive, const StoreOptions& options) {
    cm::Registry::Options how;
    how.durability = options.durability;
    how.lazy_flush_seconds = options.lazy_flush_seconds;
    // A commit that a crash cut short is finished before anybody sees one of its hives.
    const std::string journal = executive.store.directory() + "/transactions.journal";
    if (executive.writes_files()) {
        how.commit_journal = journal;
        const auto finished = cm::CommitJournal::recover(rtl::real_env(), journal, executive.messages);
        if (!finished) return std::unexpected(failed("finish an interrupted commit", finished.error()));
        const auto made = rtl::real_env().open_like(journal, rtl::OpenMode::create, executive.store.lock_file());
        if (!made) return std::unexpected(failed("make the journal of transactions", made.error()));
    } else {
        auto interrupted = cm::CommitJournal::interrupted(rtl::real_env(), journal);
        if (!interrupted) return std::unexpected(failed("read an interrupted commit", interrupted.error()));
        how.interrupted = std::move(*interrupted);
    }
    auto registry = cm::Registry::start(how);
    if (!registry) return std::unexpected(failed("start the registry", registry.error()));
    executive.registry = std::move(*registry);
    return {};
}

// How many keys stay in memory after their last close: NT's value, which is a number of keys; without it ours.
void limit_kept_keys() {
    const auto key =
        ZwKey::open(u"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Session Manager\\Configuration Manager");
    const auto limit = key ? key->dword(u"DelayCloseSize") : std::nullopt;
    cm::key_table().limit_delayed(limit ? *limit : SIZE_MAX);
}

std::expected<void, BootFailure> boot(Executive& executive, const StoreOptions& options) {
    ob::initialize();
    executive.objects = true;
    ob::set_audit_policy(options.audit);
    watch_thread_ends();
    tm::publish_types();
    auto ready = start_registry(executive, options);
    if (!ready) return ready;
    auto mounted = mount_hives(executive);
    if (!mounted) return mounted;
    const ob::CallerScope system(ob::system_process(), nullptr, ob::kernel_mode);
    io::IoOptions io_options;
    io_options.driver_directory = driver_directory();
    if (const auto started = io::initialize(io_options); !started)
        return std::unexpected(failed("start the driver host", started.error()));
    executive.devices = true;
    auto filled = fill_registry(executive);
    if (!filled) return filled;
    limit_kept_keys();
    if (const auto held = executive.registry->hold_to_durability(); !held)
        return std::unexpected(failed("write what was filled in", held.error()));
    if (executive.writes_files()) crash_history.store(&executive.crashes);
    ex::set_bugcheck_hook(record_bugcheck);
    if (options.start_drivers) start_drivers(executive.crashes, executive.messages);
    return {};
}

}  // namespace

std::expected<void, BootFailure> start_system(const StoreOptions& options) {
    {
        const ExclusiveGuard guard(running_lock);
        if (running)
            return std::unexpected(BootFailure{STATUS_INVALID_DEVICE_STATE,
                                               "this process already runs the store " + running->store.directory()});
        auto store = Store::open(options.directory, options.durability);
        if (!store) return std::unexpected(store.error());
        auto executive = std::make_unique<Executive>(std::move(*store));
        executive->log = options.log;
        if (auto booted = boot(*executive, options); !booted) return booted;
        running = std::move(executive);
        current_executive.store(running.get(), std::memory_order_release);
    }
    return ensure_user_profile(ob::host_process().token());
}

std::vector<std::string> stop_system() {
    std::unique_ptr<Executive> stopped;
    {
        const ExclusiveGuard guard(running_lock);
        current_executive.store(nullptr, std::memory_order_release);
        stopped = std::move(running);
    }
    return stopped ? stopped->stop() : std::vector<std::string>{};
}

std::expected<void, BootFailure> ensure_user_profile(const se::Token& token) {
    Executive* executive = current_executive.load(std::memory_order_acquire);
    if (executive == nullptr || token.user() == se::well_known::anonymous()) return {};
    static Mutex<LockRank::gate_session> profiles;
    const ExclusiveGuard one_at_a_time(profiles);
    const std::string sid = token.user().to_string();
    const Utf16 path = u"\\REGISTRY\\USER\\" + rtl::from_utf8(sid);
    for (const cm::HiveListing& hive : executive->registry->hives())
        if (rtl::equal_folded(hive.mount_path, path)) return {};
    const ob::CallerScope system(ob::system_process(), nullptr, ob::kernel_mode);
    auto mounted = mount_user(*executive, sid);
    if (!mounted) return mounted;
    if (const auto held = executive->registry->hold_to_durability(); !held)
        return std::unexpected(failed("write a user's hive", held.error()));
    const auto listed = sync_hive_list();
    // A list that is read-only stays as it was at the boot.
    if (!listed && executive->writes_files()) return std::unexpected(failed("write hivelist", listed.error()));
    return {};
}

void log_message(const std::string& line) {
    const Executive* executive = current_executive.load(std::memory_order_acquire);
    if (executive != nullptr && executive->log) executive->log(line);
}

bool system_running() { return current_executive.load(std::memory_order_acquire) != nullptr; }

std::string store_directory() {
    const ExclusiveGuard guard(running_lock);
    return running ? running->store.directory() : std::string();
}

std::vector<MountedHive> mounted_hives() {
    std::vector<MountedHive> hives;
    const ExclusiveGuard guard(running_lock);
    if (!running) return hives;
    for (const cm::HiveListing& hive : running->registry->hives())
        hives.push_back({rtl::to_utf8(hive.mount_path), hive.file});
    return hives;
}

std::vector<std::string> boot_messages() {
    const ExclusiveGuard guard(running_lock);
    return running ? running->messages : std::vector<std::string>();
}

}  // namespace regent::nt
