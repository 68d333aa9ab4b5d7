#include "history.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "nt/ntstatus.h"

namespace regent::test {

std::string to_string(const Call& call) {
    static constexpr const char* verbs[] = {"create",       "open",       "set",       "query",
                                            "delete value", "delete key", "enumerate", "rename"};
    char line[128];
    std::snprintf(line, sizeof(line), "%5llu..%-5llu thread %d %s %d -> 0x%08x %d",
                  static_cast<unsigned long long>(call.began), static_cast<unsigned long long>(call.ended), call.thread,
                  verbs[static_cast<int>(call.verb)], call.argument, static_cast<unsigned>(call.status), call.answer);
    return line;
}

bool Model::enter(const Call& call, bool may_create) {
    std::int8_t& key = named[static_cast<std::size_t>(call.argument)];
    const bool exists = key != nothing;
    if (!exists && !may_create) return call.status == STATUS_OBJECT_NAME_NOT_FOUND;
    if (call.status != STATUS_SUCCESS || (may_create && (call.answer == 1) == exists)) return false;
    if (!exists) {
        key = keys++;
        value[static_cast<std::size_t>(key)] = nothing;
    }
    opened[static_cast<std::size_t>(call.thread)] = key;
    return true;
}

// Set, query and delete of the value: `present` is whether there has to be one, `to` what it is afterwards.
bool Model::change_value(const Call& call, bool present, int to) {
    const auto key = static_cast<std::size_t>(opened[static_cast<std::size_t>(call.thread)]);
    if ((deleted >> key & 1) != 0) return call.status == STATUS_KEY_DELETED;
    if (present && value[key] == nothing) return call.status == STATUS_OBJECT_NAME_NOT_FOUND;
    if (call.status != STATUS_SUCCESS) return false;
    value[key] = static_cast<std::int8_t>(to);
    return true;
}

bool Model::rename(const Call& call) {
    const std::int8_t key = opened[static_cast<std::size_t>(call.thread)];
    if ((deleted >> key & 1) != 0) return call.status == STATUS_KEY_DELETED;
    if (named[static_cast<std::size_t>(call.argument)] != nothing) return call.status == STATUS_CANNOT_DELETE;
    if (call.status != STATUS_SUCCESS) return false;
    *std::find(named.begin(), named.end(), key) = nothing;
    named[static_cast<std::size_t>(call.argument)] = key;
    return true;
}

int Model::name_at(int index) const {
    for (int name = 0; name < name_count; ++name) {
        if (named[static_cast<std::size_t>(name)] != nothing && index-- == 0) return name;
    }
    return nothing;
}

bool Model::apply(const Call& call) {
    const std::int8_t key = opened[static_cast<std::size_t>(call.thread)];
    switch (call.verb) {
        case Verb::create:
        case Verb::open:
            return enter(call, call.verb == Verb::create);
        case Verb::set:
            return change_value(call, false, call.argument);
        case Verb::query: {
            const int before = value[static_cast<std::size_t>(key)];
            return change_value(call, true, before) && (call.status != STATUS_SUCCESS || call.answer == before);
        }
        case Verb::delete_value:
            return change_value(call, true, nothing);
        case Verb::delete_key:
            if (call.status != STATUS_SUCCESS) return false;  // once more is a success
            std::replace(named.begin(), named.end(), key, std::int8_t{nothing});
            deleted = static_cast<std::uint16_t>(deleted | 1U << key);
            return true;
        case Verb::enumerate: {
            const int name = name_at(call.argument);
            return call.status == (name == nothing ? STATUS_NO_MORE_ENTRIES : STATUS_SUCCESS) && call.answer == name;
        }
        case Verb::rename:
            return rename(call);
    }
    return false;
}

namespace {

// Wing and Gong's search: takes any call that no other open call came before, and goes on from there. A set of calls
// with the state they lead to is tried once.
class Search {
public:
    explicit Search(const std::vector<Call>& calls) : calls_(calls) {}

    bool run(std::uint32_t done, const Model& model) {
        if (done == (std::uint32_t{1} << calls_.size()) - 1) return true;
        if (!tried_.insert(key_of(done, model)).second) return false;
        for (std::size_t i = 0; i < calls_.size(); ++i) {
            if ((done >> i & 1) != 0 || !may_be_next(done, calls_[i])) continue;
            Model next = model;
            if (next.apply(calls_[i]) && run(done | std::uint32_t{1} << i, next)) return true;
        }
        return false;
    }

private:
    bool may_be_next(std::uint32_t done, const Call& call) const {
        for (std::size_t i = 0; i < calls_.size(); ++i) {
            if ((done >> i & 1) == 0 && calls_[i].ended < call.began) return false;
        }
        return true;
    }
    static std::string key_of(std::uint32_t done, const Model& model) {
        static_assert(sizeof(Model) == 26, "no padding");
        std::string key(sizeof(done) + sizeof(model), '\0');
        std::memcpy(key.data(), &done, sizeof(done));
        std::memcpy(key.data() + sizeof(done), &model, sizeof(model));
        return key;
    }

    const std::vector<Call>& calls_;
    std::unordered_set<std::string> tried_;
};

}  // namespace

bool is_linearizable(const std::vector<Call>& history) { return Search(history).run(0, Model()); }

}  // namespace regent::test
