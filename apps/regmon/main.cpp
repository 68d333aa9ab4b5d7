// regmon: shows what the registry of a daemon is asked, while it is asked.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "child.h"
#include "filter.h"
#include "output.h"
#include "regent/gate.h"
#include "report.h"
#include "rtl/time.h"
#include "session.h"
#include "shared/debug_lines.h"

namespace regent::regmon {
namespace {

constexpr int exit_usage = 2;
constexpr int exit_no_daemon = 3;
constexpr int exit_lost = 4;  // with --strict

struct Options {
    GateChoice gate;
    std::string output;
    std::string format;
    std::vector<std::string> filters[4];  // by Column
    std::vector<std::string> excludes[4];
    std::string minimum_duration;
    std::uint64_t count = 0;  // shown events after which to stop; 0: no limit
    double seconds = 0;
    bool quiet = false;
    bool strict = false;
    bool once = false;
    bool include_self = false;
    std::uint32_t data_bytes = 256;
    std::vector<std::string> command;
};

int fail(const std::string& text, int code = 1) {
    std::fflush(stdout);
    std::fprintf(stderr, "regmon: %s\n", text.c_str());
    return code;
}

// The SID that the executive gives a Unix user. A process that has ended already, as the clients of a command line have
// by the time their events arrive, is taken to be of regmon's own user.
std::string user_of(std::uint32_t process_id) {
    std::ifstream status("/proc/" + std::to_string(process_id) + "/status");
    for (std::string line; std::getline(status, line);) {
        unsigned uid = 0;
        if (std::sscanf(line.c_str(), "Uid: %u", &uid) == 1) return "S-1-22-1-" + std::to_string(uid);
    }
    return "S-1-22-1-" + std::to_string(geteuid());
}

std::optional<Filter> filter_of(const Options& options) {
    Filter filter;
    for (std::size_t column = 0; column < 4; ++column) {
        for (const std::string& text : options.filters[column]) {
            if (!filter.add(static_cast<Column>(column), text)) return std::nullopt;
        }
        for (const std::string& text : options.excludes[column]) {
            if (!filter.add(static_cast<Column>(column), text, true)) return std::nullopt;
        }
    }
    if (!options.minimum_duration.empty()) {
        const auto minimum = parse_duration(options.minimum_duration);
        if (!minimum) return std::nullopt;
        filter.set_minimum_duration(*minimum);
    }
    return filter;
}

// The terminal and the capture file. A write that fails ends the run.
class Outputs {
public:
    bool open(const Options& options) {
        if (!options.quiet)
            screen_ = options.format.empty() || !options.output.empty() ? Format::text : *format_named(options.format);
        if (options.output.empty()) return true;
        file_format_ = options.format.empty() ? format_of_file(options.output) : *format_named(options.format);
        file_.reset(std::fopen(options.output.c_str(), "wb"));
        return file_ != nullptr;
    }
    void begin() {
        if (screen_) put(stdout, heading(*screen_));
        if (file_) put(file_.get(), heading(file_format_));
    }
    void show(const Event& event) {
        if (screen_) put(stdout, line(*screen_, event));
        if (file_) put(file_.get(), line(file_format_, event));
    }
    void show(const Gap& gap) {
        if (screen_) put(stdout, gap_line(*screen_, gap));
        if (file_) put(file_.get(), gap_line(file_format_, gap));
    }
    void flush() {
        if (screen_ && std::fflush(stdout) != 0) failed_ = true;
        if (file_ && std::fflush(file_.get()) != 0) failed_ = true;
    }
    bool failed() const { return failed_; }
    // Lines for the reader do not belong into data on stdout.
    std::FILE* talk() const { return screen_ && *screen_ == Format::text ? stdout : stderr; }

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    void put(std::FILE* to, const std::string& text) {
        if (std::fwrite(text.data(), 1, text.size(), to) != text.size()) failed_ = true;
    }

    std::optional<Format> screen_;
    Format file_format_ = Format::json;
    std::unique_ptr<std::FILE, Close> file_;
    bool failed_ = false;
};

// One recording from start to ledger.
class Run {
public:
    Run(const Options& options, Filter filter)
        : options_(options),
          filter_(std::move(filter)),
          decoder_({[this](Event&& event) { batch_.push_back(std::move(event)); },
                    [this](const Gap& gap) { outputs_.show(gap); }},
                   user_of) {}

    int execute(bool with_report) {
        if (!outputs_.open(options_)) return fail("cannot write " + options_.output);
        auto recording = Recording::start({options_.data_bytes, options_.include_self});
        if (!recording) return fail(recording.error());
        outputs_.begin();
        int code = 0;
        std::optional<Child> child;
        if (!options_.command.empty()) {
            child = Child::start(options_.command, options_.gate.socket);
            if (!child) code = fail("cannot start " + options_.command[0], 127);
        }
        if (code == 0) code = watch(*recording, child);
        const int drained = drain(*recording);
        auto stats = recording->stats();
        if (!stats) return fail(stats.error());
        outputs_.flush();
        if (outputs_.failed()) return fail("cannot write the output");
        const std::string text = with_report ? report_.text(*stats) : ledger_line(*stats) + "\n";
        std::fputs(text.c_str(), outputs_.talk());
        std::fflush(outputs_.talk());
        if (code == 0 && drained != 0) return drained;
        return code == 0 && options_.strict && dropped(*stats) > 0 ? exit_lost : code;
    }

private:
    static constexpr std::uint32_t wait_ms = 100;

    // Events are in order within a ring, not between rings: a batch's are put in the order in which they ended.
    Outcome<bool> read(Recording& recording, std::uint32_t wait) {
        auto more = recording.read(wait, decoder_);
        const auto end_of = [](const Event& event) {
            return event.time + static_cast<std::int64_t>(event.duration_ns / 100);
        };
        std::ranges::stable_sort(batch_, {}, end_of);
        for (const Event& event : batch_) take(event);
        batch_.clear();
        return more;
    }

    void take(const Event& event) {
        report_.count(event);
        if (enough() || !filter_.shows(event)) return;
        report_.count_shown();
        ++shown_;
        outputs_.show(event);
    }
    bool enough() const { return options_.count > 0 && shown_ >= options_.count; }

    // Until the command ends, or what was asked for is there; the command's exit code.
    int watch(Recording& recording, std::optional<Child>& child) {
        const std::int64_t began = rtl::monotonic_ns();
        const std::int64_t limit = static_cast<std::int64_t>(options_.seconds * 1e9);
        while (!enough() && !outputs_.failed()) {
            auto more = read(recording, wait_ms);
            if (!more) return fail(more.error());
            outputs_.flush();
            if (child) {
                // The command got the same Ctrl-C; a second one is meant for regmon.
                if (auto code = child->exit_code()) return settle(recording, *code);
                if (signals_seen() > 1) return 130;
            } else if (signals_seen() > 0) {
                return 0;
            }
            if (limit > 0 && rtl::monotonic_ns() - began > limit) return 0;
        }
        return 0;
    }

    // The daemon closes the handles of a process that has ended a moment later: what comes of it still counts.
    int settle(Recording& recording, int code) {
        for (int tries = 0; tries < 20; ++tries) {
            auto more = read(recording, wait_ms);
            if (!more) return fail(more.error());
            if (decoder_.records() == 0) break;
        }
        return code;
    }

    int drain(Recording& recording) {
        if (auto stopped = recording.stop(); !stopped) return fail(stopped.error());
        for (;;) {
            auto more = read(recording, 0);
            if (!more) return fail(more.error());
            if (!*more) return 0;
        }
    }

    const Options& options_;
    Filter filter_;
    Decoder decoder_;
    Outputs outputs_;
    Report report_;
    std::vector<Event> batch_;
    std::uint64_t shown_ = 0;
};

int run(const Options& options, bool load) {
    auto filter = filter_of(options);
    if (!filter) return fail("a filter names an unknown operation, or --min-dur is no time", exit_usage);
    bool unload = false;
    if (load) {
        auto loaded = load_driver();
        if (!loaded) return fail(loaded.error());
        unload = *loaded == Loaded::now;
    }
    const int code = Run(options, std::move(*filter)).execute(load);
    if (unload) {
        if (auto done = unload_driver(); !done) return fail(done.error());
    }
    return code;
}

int stats() {
    auto answer = query_stats();
    if (!answer) return fail(answer.error());
    std::printf("recording: %s   consumers: %u   rings: %u of %u bytes\n", answer->Recording != 0 ? "yes" : "no",
                answer->Consumers, answer->Rings, answer->RingBytes);
    std::printf("pending: %llu   batches: %llu   wake-ups: %llu   own operations left out: %llu\n", answer->Pending,
                answer->Batches, answer->WakeUps, answer->Excluded);
    for (unsigned reason = 0; reason < REGMON_DROP_REASONS; ++reason) {
        std::printf("dropped, %s: %llu\n", drop_reason(reason), answer->Dropped[reason]);
    }
    std::printf("%s\n", ledger_line(*answer).c_str());
    return 0;
}

int debug_view(const Options& options) {
    auto lines = app::DebugLines::open();
    if (!lines) return fail(lines.error());
    std::uint64_t printed = 0;
    std::uint64_t lost = 0;
    while (signals_seen() == 0) {
        auto batch = lines->read(options.once ? 0 : 100);
        if (!batch) return fail(batch.error());
        if (lines->lost() > lost)
            std::printf("... %llu lines missing here\n", static_cast<unsigned long long>(lines->lost() - lost));
        lost = lines->lost();
        for (const app::DebugLine& one : *batch) {
            std::string text = one.text;
            while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
            std::printf("%s  %u  %s\n", time_of_day(one.head.Time).substr(0, 15).c_str(), one.head.ProcessId,
                        text.c_str());
            if (++printed == options.count) return 0;
        }
        if (std::fflush(stdout) != 0) return 1;
        if (options.once && batch->empty()) return 0;
    }
    return 0;
}

void add_gate(CLI::App& app, Options& options) {
    auto* store = app.add_option("--store", options.gate.store, "an embedded store (a monitor needs a daemon)");
    app.add_option("--socket", options.gate.socket, "the daemon's socket")->excludes(store);
}

void add_recording(CLI::App& app, Options& options) {
    app.add_option("-k,--key", options.filters[0], "only this key and those below it (* and ? allowed; !KEY: not)");
    app.add_option("-e,--operation", options.filters[1], "only these operations: RegSetValue,RegCreateKey,...");
    app.add_option("-r,--result", options.filters[2], "only these results: 'ACCESS DENIED', '!=SUCCESS', ...");
    app.add_option("-p,-n,--process", options.filters[3], "only these processes, by name or pid");
    app.add_option("--exclude-key", options.excludes[0], "not this key nor those below it");
    app.add_option("--exclude-operation", options.excludes[1], "not these operations");
    app.add_option("--exclude-result", options.excludes[2], "not these results");
    app.add_option("--exclude-process", options.excludes[3], "not these processes");
    app.add_option("--min-dur", options.minimum_duration, "only what took this long: 50us, 1ms");
    app.add_option("-o,--output", options.output, "capture file: .jsonl, .csv or .txt");
    app.add_option("--format", options.format, "text, csv or jsonl: of --output, else of the screen")
        ->check(CLI::IsMember({"text", "csv", "json", "jsonl"}));
    app.add_option("--count", options.count, "stop after so many events shown");
    app.add_option("--duration", options.seconds, "stop after so many seconds");
    app.add_option("--data", options.data_bytes, "bytes of value data to keep of each operation (at most 512)");
    app.add_flag("--include-self", options.include_self, "regmon's own operations too");
    app.add_flag("-q,--quiet", options.quiet, "nothing on the screen but the end");
    app.add_flag("--strict", options.strict, "exit code 4 when events were lost");
    add_gate(app, options);
}

// The words behind "--" are the command's; nothing of them is regmon's.
std::vector<std::string> take_command(int& argc, char** argv) {
    for (int at = 1; at < argc; ++at) {
        if (std::string_view(argv[at]) != "--") continue;
        std::vector<std::string> command(argv + at + 1, argv + argc);
        argc = at;
        return command;
    }
    return {};
}

int connect(const Options& options) {
    if (auto chosen = select_gate(options.gate); !chosen) return fail(chosen.error().message, exit_no_daemon);
    if (!gate_description().starts_with("daemon")) {
        return fail("a monitor watches a daemon and this is an embedded " + gate_description() +
                        "; start regentd, or name its socket by --socket",
                    exit_no_daemon);
    }
    return 0;
}

}  // namespace

int main_program(int argc, char** argv) {
    Options options;
    options.command = take_command(argc, argv);
    CLI::App app{"Shows what the registry is asked, while it is asked."};
    app.require_subcommand(1);
    auto* run_command =
        app.add_subcommand("run", "load the driver if needed and watch until CMD (behind --) ends, or Ctrl-C");
    auto* tail_command = app.add_subcommand("tail", "watch a driver that is loaded");
    auto* stats_command = app.add_subcommand("stats", "the driver's ledger");
    auto* dbgview_command = app.add_subcommand("dbgview", "what drivers print to the debugger");
    add_recording(*run_command, options);
    add_recording(*tail_command, options);
    add_gate(*stats_command, options);
    add_gate(*dbgview_command, options);
    dbgview_command->add_flag("--once", options.once, "print what there is and end");
    dbgview_command->add_option("--count", options.count, "stop after so many lines");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_usage;
    }
    watch_signals();
    if (const int failed = connect(options); failed != 0) return failed;
    int code = 0;
    if (run_command->parsed()) code = run(options, true);
    if (tail_command->parsed()) code = run(options, false);
    if (stats_command->parsed()) code = stats();
    if (dbgview_command->parsed()) code = debug_view(options);
    close_gate();
    return code;
}

}  // namespace regent::regmon

int main(int argc, char** argv) { return regent::regmon::main_program(argc, argv); }
