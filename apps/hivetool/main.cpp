// hivetool: looks into registry hives without a registry. Never writes to its input.
// Exit codes: 0 fine, 1 findings, 2 usage or I/O.
#include <CLI/CLI.hpp>
#include <utility>
#include <vector>

#include "tool.h"

namespace {

using namespace regent::hivetool;

using Command = int (*)(const Arguments&);

class CommandLine {
public:
    CommandLine() {
        app_.require_subcommand(1);
        json(add("info", "counts, version, state and findings", info));
        CLI::App* ls = add("ls", "a key: its subkeys and values", list_keys);
        ls->add_option("KEY", arguments_.key, R"(path from the root: Select, or ControlSet001\Control)");
        CLI::App* one = add("get", "a value's type and data", get);
        one->add_option("KEY", arguments_.key, R"(path from the root; \ is the root)")->required();
        one->add_option("VALUE", arguments_.value, "its name; none: the default value");
        one->add_flag("--raw", arguments_.raw, "the data's bytes and nothing else");
        add_dump();
        json(add("check", "every rule that the hive breaks, and where", check));
        output(add("recover", "apply the logs beside FILE", recover));
        output(add("repair", "apply the logs, mend what is broken, list each change", repair));
        output(add("compact", "copy without free space", compact));
        CLI::App* compare = add("diff", "what differs between two hives: keys, values, classes, flags, security", diff);
        compare->add_option("OTHER", arguments_.other, "the second hive")->required();
        compare->add_flag("--times", arguments_.times, "last-write times too");
        json(compare);
        json(add("stats", "where the space goes: cells by kind, free and wasted bytes, biggest values", stats));
        json(add("deleted", "keys and values that are deleted and still readable", deleted));
    }

    int run(int argc, char** argv) {
        try {
            app_.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            return app_.exit(error) == 0 ? exit_fine : exit_error;
        }
        for (const auto& [command, function] : commands_) {
            if (command->parsed()) return function(arguments_);
        }
        return exit_error;
    }

private:
    CLI::App* add(const char* name, const char* what, Command function) {
        CLI::App* command = app_.add_subcommand(name, what);
        command->add_option("FILE", arguments_.file, "the hive")->required();
        command->add_flag("--progress", arguments_.progress, "say how far it is, also when stderr is no terminal");
        commands_.emplace_back(command, function);
        return command;
    }
    void json(CLI::App* command) { command->add_flag("--json", arguments_.json, "JSON"); }
    void output(CLI::App* command) {
        command->add_option("-o,--output", arguments_.output, "the new file")->required();
    }
    void add_dump() {
        CLI::App* command = add("dump", "every key and value, in order", dump);
        auto* formats = command->add_option_group("format");
        formats->add_flag("--text", text_, "as reglookup prints (the default)");
        formats->add_flag("--json", arguments_.json, "one JSON object a key");
        formats->add_flag("--reg", arguments_.reg, "a .reg file");
        formats->add_flag("--xml", arguments_.xml, "as hivexml prints");
        formats->require_option(0, 1);
        command->add_option("--prefix", arguments_.prefix,
                            R"(--reg: the root's path (HKEY_LOCAL_MACHINE\ and the file's name))");
    }

    CLI::App app_{
        "Looks into registry hives (regf files); never changes FILE. Exit code: 0 fine, 1 findings, 2 usage or I/O."};
    Arguments arguments_;
    bool text_ = false;  // the default format
    std::vector<std::pair<CLI::App*, Command>> commands_;
};

}  // namespace

int main(int argc, char** argv) { return CommandLine().run(argc, argv); }
