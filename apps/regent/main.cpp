// regent: boots stores, loads drivers, runs the lab.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "audit.h"
#include "driver.h"
#include "driver_test.h"
#include "lab.h"
#include "nt/system.h"
#include "regent/gate.h"

namespace {

using namespace regent;

bool select(const GateChoice& choice) {
    const auto selected = select_gate(choice);
    if (!selected) std::fprintf(stderr, "regent: %s\n", selected.error().message.c_str());
    return selected.has_value();
}

// Boots a store in this process, says what it holds, and ends.
int boot(std::string store) {
    if (store.empty()) {
        const char* chosen = std::getenv("REGENT_STORE");
        store = chosen != nullptr && *chosen != '\0' ? chosen : default_store_path();
    }
    GateChoice choice;
    choice.store = store;
    if (!select(choice)) return 1;
    std::printf("store %s\n", nt::store_directory().c_str());
    for (const auto& hive : nt::mounted_hives())
        std::printf("  %-52s %s\n", hive.key.c_str(), hive.file.empty() ? "(volatile)" : hive.file.c_str());
    for (const std::string& message : nt::boot_messages()) std::printf("%s\n", message.c_str());
    close_gate();
    return 0;
}

int status(const GateChoice& choice) {
    if (!select(choice)) return 1;
    std::printf("%s\ndrivers:\n", gate_description().c_str());
    return app::list_drivers();
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Boots registry stores, loads filter drivers, runs the lab's experiments."};
    app.require_subcommand(1);
    GateChoice choice;
    app::DriverOptions driver;
    app::LabOptions lab;
    int code = 0;
    const auto with_gate = [&choice](CLI::App* command) {
        command->add_option("--store", choice.store, "Work on this store, in this process");
        command->add_option("--socket", choice.socket, "Work on the daemon at this socket");
        return command;
    };

    CLI::App* boot_command = app.add_subcommand("boot", "Boot a store (made when missing) and say what it holds");
    boot_command->add_option("--store", choice.store, "Directory of the store");
    boot_command->callback([&] { code = boot(choice.store); });

    CLI::App* status_command = with_gate(app.add_subcommand("status", "Say which registry is in use, and its drivers"));
    status_command->callback([&] { code = status(choice); });

    CLI::App* driver_command = app.add_subcommand("driver", "Load, unload and list drivers");
    driver_command->require_subcommand(1);
    CLI::App* load = with_gate(driver_command->add_subcommand("load", "Load a driver by its service key"));
    load->add_option("name", driver.name, "Name of the service key")->required();
    load->add_option("--image", driver.image, "Driver file; makes or changes the service key");
    load->add_option("--start", driver.start, "boot, system, auto, demand or disabled");
    load->add_option("--verify", driver.verify, "Watch the driver from now on: report (default), stop, or off")
        ->expected(0, 1)
        ->default_str("report")
        ->check(CLI::IsMember({"report", "stop", "off"}));
    load->add_option("--budget", driver.budget, "With --verify: milliseconds that a callback may take (100)")
        ->check(CLI::Range(1u, 3'600'000u));
    load->callback([&] { code = select(choice) ? app::load_driver(driver) : 1; });
    CLI::App* unload = with_gate(driver_command->add_subcommand("unload", "Unload a driver"));
    unload->add_option("name", driver.name, "Name of the service key")->required();
    unload->callback([&] { code = select(choice) ? app::unload_driver(driver.name) : 1; });
    CLI::App* list = with_gate(driver_command->add_subcommand("list", "List the loaded drivers"));
    list->callback([&] { code = select(choice) ? app::list_drivers() : 1; });
    app::DriverTestOptions test;
    const auto as_test = [&test, &code](CLI::App* command) {
        command->add_option("driver", test.driver, "The driver: a .so or a .sys")->required()->check(CLI::ExistingFile);
        command->add_option("--script", test.scripts, "Operations and their answers (.regtest)")
            ->required()
            ->check(CLI::ExistingFile);
        command->add_option("--parameter", test.parameters,
                            "Name=text or Name=dword:N below the service key's Parameters");
        command->add_flag("--verify", test.verify, "Let the verifier watch the driver; what it finds fails the run");
        command->add_option("--budget", test.budget, "With --verify: milliseconds that a callback may take (100)")
            ->check(CLI::Range(1u, 3'600'000u));
        command->add_flag("--verbose", test.verbose, "Show what the driver prints");
        command->callback([&test, &code] { code = app::test_driver(test); });
        return command;
    };
    as_test(driver_command->add_subcommand("test", "Run a script against a driver, on a store of its own"));
    as_test(app.add_subcommand("trace", "Show what a filter changed between its neighbours"))
        ->add_option("--altitude", test.altitudes, "Of the filter, or of several")
        ->required();
    driver_command->add_subcommand("exports", "List what drivers may import, for a linker")->callback([&] {
        code = app::list_exports();
    });

    app::AuditOptions audit;
    CLI::App* audit_command =
        with_gate(app.add_subcommand("audit", "Print the records of the security audit, a line of JSON each"));
    audit_command->add_option("--after", audit.after, "Only records with a greater sequence number");
    audit_command->add_flag("--follow", audit.follow, "Go on with what comes, until interrupted");
    audit_command->callback([&] { code = select(choice) ? app::show_audit(audit) : 1; });

    CLI::App* lab_command = app.add_subcommand("lab", "Run an experiment of docs/lab");
    lab_command->add_option("experiment", lab.experiment, "1 to 4")->required()->check(CLI::Range(1, 4));
    lab_command->add_flag("--measure", lab.measure, "With 4: measure the callback's cost in four designs");
    lab_command->add_option("--profile", lab.profile, "The Windows that the callback is told it runs on")
        ->check(CLI::IsMember({"XP", "Server2003", "Vista", "Windows7"}));
    lab_command->add_flag("--json", lab.json, "End with one line of JSON");
    lab_command->callback([&] { code = app::run_lab(lab); });

    CLI11_PARSE(app, argc, argv);
    return code;
}
