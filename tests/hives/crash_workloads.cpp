// What is under way when the power goes. Each makes a hive of its own and flushes between its steps.
#include <thread>

#include "crash_run.h"
#include "hive/finding.h"
#include "hive/format.h"
#include "hive/hive_impl.h"

namespace regent::hive::crash {

namespace {

std::string numbered(const char* text, std::uint32_t number) { return text + std::to_string(number); }

void creation(Run& run) { run.create(); }

void small_values(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 8; ++i) {
        run.set(run.hive->root(), numbered("v", i), i * 7, static_cast<char>('a' + i));
        run.flush();
    }
}

void same_size_overwrites(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 8; ++i) {
        run.set(run.hive->root(), numbered("v", i % 3), 64, static_cast<char>('a' + i));
        run.flush();
    }
}

void growing_big_data(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 5; ++i) {
        run.set(run.hive->root(), "big", 12000 + 9000 * i, static_cast<char>('a' + i));
        run.flush();
    }
}

void shrinking_big_data(Run& run) {
    run.create();
    for (std::uint32_t i = 5; i-- > 0;) {
        run.set(run.hive->root(), "big", 12000 * i, static_cast<char>('a' + i));
        run.flush();
    }
    run.require(run.hive->delete_value(run.hive->root(), u"big", 1).has_value(), "delete_value");
    run.reconcile();
}

void deleted_values(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 6; ++i) run.set(run.hive->root(), numbered("v", i), 200, 'x');
    run.flush();
    for (std::uint32_t i = 0; i < 6; ++i) {
        const Utf16 name = rtl::from_utf8(numbered("v", (i * 5) % 6));
        run.require(run.hive->delete_value(run.hive->root(), name, 5).has_value(), "delete_value");
        run.flush();
    }
}

void keys_with_values(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 8; ++i) {
        const CellIndex key = run.key(run.hive->root(), numbered("k", i));
        for (std::uint32_t v = 0; v < 4; ++v) run.set(key, numbered("v", v), 300, 'y');
        run.flush();
    }
}

void keys_that_come_and_go(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 12; ++i) {
        if (i % 2 == 0) {
            run.key(run.hive->root(), "transient");
        } else {
            const auto key = run.hive->find_subkey(run.hive->root(), u"transient");
            run.require(key && run.hive->delete_key(*key, 3).has_value(), "delete_key");
        }
        run.flush();
    }
}

void renames(Run& run) {
    run.create();
    CellIndex key = run.key(run.hive->root(), "start");
    run.key(key, "child");
    for (std::uint32_t i = 0; i < 8; ++i) {
        const auto renamed = run.hive->rename_key(key, rtl::from_utf8(std::string(i * 20 + 1, 'n')), 7);
        run.require(renamed.has_value(), "rename_key");
        key = renamed.value_or(key);
        run.flush();
    }
}

void descriptors(Run& run) {
    run.create();
    const Bytes whole = default_descriptor();
    for (std::uint32_t i = 0; i < 8; ++i) {
        std::vector<std::byte> descriptor(whole.begin(), whole.end());
        descriptor.resize(descriptor.size() + (i % 4) * 8);  // slack makes another blob of the same meaning
        const auto made = run.hive->create_subkey(run.hive->root(), rtl::from_utf8(numbered("s", i % 5)), {},
                                                  descriptor, StorageType::stable, 9);
        if (!made) {
            const auto key = run.hive->find_subkey(run.hive->root(), rtl::from_utf8(numbered("s", i % 5)));
            run.require(key && run.hive->set_security(*key, descriptor, 10).has_value(), "set_security");
        }
        run.flush();
    }
}

void classes_in_depth(Run& run) {
    run.create();
    CellIndex key = run.hive->root();
    for (std::uint32_t i = 0; i < 8; ++i) {
        const auto made = run.hive->create_subkey(key, u"level", rtl::from_utf8(std::string(i * 30, 'c')),
                                                  default_descriptor(), StorageType::stable, 5);
        run.require(made.has_value(), "create_subkey");
        key = made.value_or(key);
        run.flush();
    }
}

void list_splits(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 1020; ++i) {
        if (i >= 1000 && i % 4 == 0) run.flush();
        run.key(run.hive->root(), numbered("k", (i * 617) % 1020));
    }
    run.flush();
    for (std::uint32_t i = 0; i < 1020; i += 340) {
        const auto key = run.hive->find_subkey(run.hive->root(), rtl::from_utf8(numbered("k", i)));
        run.require(key && run.hive->delete_key(*key, 3).has_value(), "delete_key");
        run.flush();
    }
}

void many_values(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 120; ++i) {
        run.set(run.hive->root(), numbered("value number ", i), 12, 'm');
        if (i % 15 == 0) run.flush();
    }
    run.flush();
}

void volatile_keys_beside(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 6; ++i) {
        const CellIndex key = run.key(run.hive->root(), numbered("v", i), StorageType::volatile_);
        run.set(key, "lost", 500, 'l');
        run.set(run.key(run.hive->root(), numbered("s", i)), "kept", 500, 'k');
        run.flush();
    }
    run.reconcile();
}

void write_backs(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 8; ++i) {
        run.set(run.hive->root(), numbered("r", i), 5000, static_cast<char>('a' + i));
        if (i % 2 == 1) {
            run.reconcile();
        } else {
            run.flush();
        }
    }
    run.reconcile();
    run.reconcile();
}

void alternating_logs(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 12; ++i) {
        run.set(run.hive->root(), "same", 90 + i, static_cast<char>('a' + i));
        if (i % 3 == 2) {
            run.reconcile();
        } else {
            run.flush();
        }
    }
}

// Until the log is so long that flush() writes back by itself.
void long_log(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 14; ++i) {
        run.set(run.hive->root(), numbered("v", i % 2), 90000, static_cast<char>('a' + i));
        run.flush();
    }
}

void growth(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 6; ++i) {
        run.set(run.key(run.hive->root(), numbered("k", i)), "v", 30000, 'g');
        if (i == 3) run.reconcile();
        run.flush();
    }
    run.reconcile();
}

// The bins at the end become free and go; then they come again.
void shrinking_file(Run& run) {
    run.create();
    for (std::uint32_t round = 0; round < 3; ++round) {
        for (std::uint32_t i = 0; i < 4; ++i) run.set(run.hive->root(), numbered("v", i), 15000, 's');
        run.flush();
        if (round == 1) run.reconcile();
        for (std::uint32_t i = 0; i < 4; ++i) {
            const Utf16 name = rtl::from_utf8(numbered("v", i));
            run.require(run.hive->delete_value(run.hive->root(), name, 5).has_value(), "delete_value");
        }
        run.flush();
        run.reconcile();
    }
}

// The same between flushes: the log says that bins go, and come, and go.
void trimmed_between_flushes(Run& run) {
    run.create();
    run.set(run.hive->root(), "stays", 3000, 's');
    for (std::uint32_t i = 0; i < 6; ++i) {
        run.set(run.hive->root(), "comes", 40000 + i * 9000, static_cast<char>('a' + i));
        run.flush();
        if (i == 2) run.require(run.hive->write_back().has_value(), "write_back");
        run.require(run.hive->delete_value(run.hive->root(), u"comes", 5).has_value(), "delete_value");
        run.require(run.hive->trim() != 0, "trim");
        if (i != 3) run.flush();
        if (i == 4) run.require(run.hive->write_back().has_value(), "write_back");
    }
    run.reconcile();
}

// Data and lists that grow and shrink where they are.
void resized_in_place(Run& run) {
    run.create();
    for (const std::size_t size : {40U, 900U, 2500U, 300U, 4000U, 12U, 9000U}) {
        run.set(run.hive->root(), "last", size, 'r');
        run.set(run.hive->root(), "other" + std::to_string(size), 20, 'o');
        run.flush();
    }
    run.reconcile();
}

void compactions(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 3; ++i) {
        for (std::uint32_t k = 0; k < 12; ++k)
            run.set(run.key(run.hive->root(), numbered("k", i * 12 + k)), "v", 900, 'c');
        run.key(run.hive->root(), numbered("v", i), StorageType::volatile_);
        if (i != 1) run.flush();
        for (std::uint32_t k = 0; k < 10; ++k) {
            const auto key = run.hive->find_subkey(run.hive->root(), rtl::from_utf8(numbered("k", i * 12 + k)));
            run.require(key && run.hive->delete_key(*key, 3).has_value(), "delete_key");
        }
        if (i == 1) run.flush();
        if (i == 2) run.reconcile();
        run.compact();
        run.set(run.hive->root(), numbered("after", i), 200, 'a');
        run.flush();
        if (i == 0) run.open();
    }
    run.compact();
    run.compact();
    run.reconcile();
}

// Closed without a write-back: each life begins with a recovery.
void several_lives(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 5; ++i) {
        run.set(run.hive->root(), numbered("life", i), 900, 'l');
        run.flush();
        if (i == 2) run.reconcile();
        run.set(run.hive->root(), "unflushed", 100, 'u');  // memory only: not in any state
        run.open();
    }
}

void group_commits(Run& run) {
    run.create();
    std::vector<std::thread> threads;
    for (std::uint32_t thread = 0; thread < 3; ++thread) {
        threads.emplace_back([&run, thread] {
            for (std::uint32_t i = 0; i < 6; ++i) {
                run.change_and_flush([&] {
                    run.set(run.hive->root(), numbered("t", thread * 10 + i % 2), 100 + i, static_cast<char>('a' + i));
                });
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
}

void flushes_beside_write_backs(Run& run) {
    run.create();
    std::thread flusher([&run] {
        for (std::uint32_t i = 0; i < 12; ++i) {
            run.change_and_flush(
                [&] { run.set(run.hive->root(), numbered("f", i % 4), 3000 + i, static_cast<char>('a' + i)); });
        }
    });
    for (int i = 0; i < 5; ++i) run.require(run.hive->write_back().has_value(), "write_back");
    flusher.join();
    run.require(run.hive->write_back().has_value(), "write_back");
}

// Nothing can grow for a while: flushes and write-backs fail, then succeed.
void full_disk(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 8; ++i) {
        run.set(run.hive->root(), numbered("v", i), 9000, 'f');
        run.env.set_full(true);
        run.try_flush();
        run.env.set_full(false);
        run.flush();
        if (i % 3 == 2) {
            run.env.set_full(true);
            static_cast<void>(run.hive->write_back());
            run.env.set_full(false);
            run.reconcile();
        }
    }
}

void healing_on_load(Run& run) {
    run.create();
    run.set(run.key(run.hive->root(), "kept"), "v", 50, 'h');
    run.set(run.key(run.hive->root(), "spoilt"), "v", 50, 'h');
    run.reconcile();
    const CellIndex spoilt = *run.hive->find_subkey(run.hive->root(), u"spoilt");
    run.hive.reset();
    const std::size_t begun = run.env.event_count();
    {
        const auto file = run.env.open(hive_path, rtl::OpenMode::read_write);
        const char no_node[] = "xx";
        run.require((*file)->write_at(bins_start + spoilt + 4, rtl::as_bytes(no_node, 2)).has_value(), "damage");
        run.require((*file)->sync().has_value(), "damage");
    }
    FindingList findings;
    run.open(&findings);
    run.require(findings.count() != 0 && run.hive && run.hive->healed(), "heal");
    run.findings_expected = true;
    run.became(content_of(*run.hive), begun);  // whoever looks at the damaged file sees this
    run.flush();
    run.set(run.hive->root(), "after", 100, 'a');
    run.reconcile();
}

void replaced_by_a_new_one(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 3; ++i) {
        run.set(run.hive->root(), numbered("old", i), 700, 'o');
        run.flush();
        if (i == 0) run.reconcile();
    }
    run.hive.reset();
    HiveOptions options;
    options.path = hive_path;
    options.time = 300;
    options.replace_existing = true;
    const std::size_t begun = run.env.event_count();
    auto made = Hive::create(run.env, options);
    run.require(made.has_value(), "create");
    if (!made) return;
    run.hive = std::move(*made);
    run.became(content_of(*run.hive), begun);
    for (std::uint32_t i = 0; i < 3; ++i) {
        run.set(run.hive->root(), numbered("new", i), 800, 'n');
        run.flush();
    }
}

void saved_over_another(Run& run) {
    run.create();
    run.set(run.hive->root(), "old", 20000, 'o');
    run.reconcile();
    run.hive.reset();
    HiveOptions options;
    options.time = 300;
    auto source = Hive::create(run.env, options);
    run.require(source.has_value(), "create");
    const std::vector<std::byte> data(30000, std::byte{'n'});
    run.require((*source)->set_value((*source)->root(), u"new", 3, data, 5).has_value(), "set_value");
    const auto file = run.env.open(hive_path, rtl::OpenMode::read_write);
    run.findings_expected = true;  // a base block cut off just before its checksum, with no log beside it: corrected
    const std::size_t gone = run.begin(unloadable);
    const std::size_t saved = run.begin(content_of(**source));
    run.require((*source)->save_subtree((*source)->root(), **file, Format::v1_5).has_value(), "save_subtree");
    run.acknowledge(gone);
    run.acknowledge(saved);
}

void format_1_3(Run& run) {
    run.create(Format::v1_3);
    for (std::uint32_t i = 0; i < 6; ++i) {
        const CellIndex key = run.key(run.hive->root(), numbered("k", i));
        run.set(key, "in one cell", 20000, 't');
        run.flush();
        if (i == 3) run.reconcile();
    }
}

void flags_and_times(Run& run) {
    run.create();
    const CellIndex key = run.key(run.hive->root(), "k");
    for (std::uint32_t i = 0; i < 6; ++i) {
        run.require(run.hive->set_user_flags(key, static_cast<std::uint8_t>(i), 2).has_value(), "set_user_flags");
        run.require(run.hive->set_last_write_time(key, 1000 + i).has_value(), "set_last_write_time");
        run.flush();
    }
}

// No flush is asked for: each operation is durable when it returns.
void every_operation(Run& run) {
    run.create();
    run.open(nullptr, Durability::every_operation);
    const CellIndex root = run.hive->root();
    CellIndex key = nil_cell;
    const auto make_key = [&] {
        const auto made = run.hive->create_subkey(root, u"k", u"class", default_descriptor(), StorageType::stable, 7);
        key = made.value_or(nil_cell);
        return made.has_value();
    };
    const auto rename = [&] {
        const auto renamed = run.hive->rename_key(key, u"a name of another length", 9);
        key = renamed.value_or(nil_cell);
        return renamed.has_value();
    };
    for (std::uint32_t i = 0; i < 3; ++i) {
        const std::vector<std::byte> data(i * 9000 + 3, static_cast<std::byte>('a' + i));
        run.operation(make_key, "create_subkey");
        run.operation([&] { return run.hive->set_value(key, u"v", 3, data, 8).has_value(); }, "set_value");
        run.operation(rename, "rename_key");
        run.operation([&] { return run.hive->set_user_flags(key, 1, 2).has_value(); }, "set_user_flags");
        run.operation([&] { return run.hive->delete_value(key, u"v", 10).has_value(); }, "delete_value");
        if (i == 1) run.require(run.hive->write_back().has_value(), "write_back");
        run.operation([&] { return run.hive->delete_key(key, 11).has_value(); }, "delete_key");
    }
}

// Until the log is so long that an operation writes back as well; then a second life.
void many_durable_operations(Run& run) {
    run.create();
    for (std::uint32_t life = 0; life < 2; ++life) {
        run.open(nullptr, Durability::every_operation);
        for (std::uint32_t i = 0; i < 8; ++i) {
            const std::vector<std::byte> data(90000 + i, static_cast<std::byte>('a' + i));
            const Utf16 name = rtl::from_utf8(numbered("v", i % 2));
            run.operation([&] { return run.hive->set_value(run.hive->root(), name, 3, data, 8).has_value(); }, "set");
        }
    }
}

// A bit of everything, by chance.
void anything(Run& run) {
    run.create();
    for (std::uint32_t i = 0; i < 24; ++i) {
        const std::string name = numbered("k", run.random.below(4));
        const auto key = run.hive->find_subkey(run.hive->root(), rtl::from_utf8(name));
        const std::uint32_t choice = run.random.below(8);
        if (!key) {
            run.key(run.hive->root(), name);
        } else if (choice == 0) {
            run.require(run.hive->delete_key(*key, 2).has_value(), "delete_key");
        } else if (choice == 1) {
            const Utf16 fresh = rtl::from_utf8(numbered("renamed", i));
            run.require(run.hive->rename_key(*key, fresh, 2).has_value(), "rename_key");
        } else {
            run.set(*key, numbered("v", run.random.below(3)), run.random.below(choice == 2 ? 40000 : 900), 'r');
        }
        const std::uint32_t then = run.random.below(10);
        if (then < 6) run.flush();
        if (then == 5) run.require(run.hive->write_back().has_value(), "write_back");
    }
    run.reconcile();
}

}  // namespace

const std::vector<Workload>& workloads() {
    static const std::vector<Workload> all = {
        {"creation", creation},
        {"small values", small_values},
        {"same-size overwrites", same_size_overwrites},
        {"growing big data", growing_big_data},
        {"shrinking big data", shrinking_big_data},
        {"deleted values", deleted_values},
        {"keys with values", keys_with_values},
        {"keys that come and go", keys_that_come_and_go},
        {"renames", renames},
        {"descriptors", descriptors},
        {"classes in depth", classes_in_depth},
        {"list splits", list_splits},
        {"many values", many_values},
        {"volatile keys beside", volatile_keys_beside},
        {"write-backs", write_backs},
        {"alternating logs", alternating_logs},
        {"long log", long_log},
        {"growth", growth},
        {"shrinking file", shrinking_file},
        {"trimmed between flushes", trimmed_between_flushes},
        {"resized in place", resized_in_place},
        {"compactions", compactions},
        {"several lives", several_lives},
        {"group commits", group_commits},
        {"flushes beside write-backs", flushes_beside_write_backs},
        {"full disk", full_disk},
        {"healing on load", healing_on_load},
        {"replaced by a new one", replaced_by_a_new_one},
        {"saved over another", saved_over_another},
        {"format 1.3", format_1_3},
        {"flags and times", flags_and_times},
        {"every operation", every_operation},
        {"many durable operations", many_durable_operations},
        {"anything", anything},
    };
    return all;
}

}  // namespace regent::hive::crash
