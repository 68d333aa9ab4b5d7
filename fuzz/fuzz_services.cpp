// Sequences of service calls against a model in plain containers (tests/model): the bytes choose the calls, their
// names, sizes and rights. The first answer that is not the model's is the end. In process; with REGENT_SOCKET, through
// the daemon that listens there.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "../tests/model/service_run.h"
#include "regent/gate.h"

namespace {

regent::test::ServiceWorld& world() {
    static regent::test::ServiceWorld the;
    return the;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    if (const char* socket = std::getenv("REGENT_SOCKET")) {
        if (!regent::select_gate({.store = {}, .socket = socket}) || !world().prepare(true)) std::abort();
        std::atexit(regent::close_gate);
        return 0;
    }
    static std::string folder = (std::filesystem::temp_directory_path() / "fuzz_services.XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) std::abort();
    if (!regent::select_gate({.store = folder + "/store", .socket = {}}) || !world().prepare(false)) std::abort();
    std::atexit([] {
        regent::close_gate();
        std::filesystem::remove_all(folder);
    });
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string difference = regent::test::run_services(world(), {data, size});
    if (difference.empty()) return 0;
    std::fprintf(stderr, "%s\n", difference.c_str());
    std::abort();
}
