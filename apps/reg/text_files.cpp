// REG EXPORT and REG IMPORT: .reg files.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "command.h"
#include "win32/message.h"
#include "win32/reg_text.h"

namespace regent::reg {
namespace {

namespace reg_text = win32::reg_text;

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

class Exporter {
public:
    explicit Exporter(std::FILE* file) : file_(file) {}

    LSTATUS run(HKEY key, const Utf16& path) {
        const LSTATUS error = write_tree(key, path);
        writer_.finish();
        flush();
        return error;
    }
    bool failed() const { return failed_; }

private:
    LSTATUS write_tree(HKEY key, const Utf16& path) {
        writer_.key(path);
        LSTATUS error = for_each_value(key, [&](const Value& value) {
            writer_.value(value.name, value.type, std::as_bytes(std::span(value.data)));
        });
        flush();
        std::vector<Utf16> names;
        if (error == ERROR_SUCCESS) error = subkeys_of(key, &names);
        for (std::size_t index = 0; error == ERROR_SUCCESS && index < names.size(); ++index) {
            Key child;
            error = child.open(key, names[index], KEY_READ);
            if (error == ERROR_SUCCESS) error = write_tree(child.handle(), path + u"\\" + names[index]);
        }
        return error;
    }

    void flush() {
        const std::string bytes = writer_.take();
        if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) failed_ = true;
    }

    std::FILE* file_;
    reg_text::Writer writer_;
    bool failed_ = false;
};

std::optional<std::string> read_file(const std::string& path) {
    File file(std::fopen(path.c_str(), "rb"));
    if (!file) return std::nullopt;
    std::string bytes;
    char block[65536];
    std::size_t count = 0;
    while ((count = std::fread(block, 1, sizeof block, file.get())) > 0) bytes.append(block, count);
    if (std::ferror(file.get())) return std::nullopt;
    return bytes;
}

// Does what the file says as it is read. What is wrong is told with file and line and does not stop the rest; lines
// that make no sense leave the exit code at 0, as with reg.exe, a refusal by the registry does not.
class Importer : public reg_text::Sink {
public:
    explicit Importer(std::string path) : path_(std::move(path)) {}

    void open_key(std::size_t line, Utf16View path) override {
        ++keys_;
        key_.emplace();
        const auto [root, subkey] = split(path);
        LSTATUS error = key_->create(root, subkey, KEY_SET_VALUE);
        if (error == ERROR_SUCCESS) return;
        key_.reset();
        refused(line, path, error);
    }
    void delete_key(std::size_t line, Utf16View path) override {
        key_.reset();
        const auto [root, subkey] = split(path);
        const LSTATUS error = RegDeleteTreeW(root, subkey.c_str());
        if (error != ERROR_SUCCESS && error != ERROR_FILE_NOT_FOUND) refused(line, path, error);
    }
    void set_value(std::size_t line, Utf16View name, std::uint32_t type, rtl::Bytes data) override {
        if (!key_) return;
        Value value{Utf16(name), type, {}};
        const auto* first = reinterpret_cast<const BYTE*>(data.data());
        value.data.assign(first, first + data.size());
        const LSTATUS error = write_value(key_->handle(), value);
        if (error != ERROR_SUCCESS) return refused(line, name, error);
        ++values_;
    }
    void delete_value(std::size_t line, Utf16View name) override {
        if (!key_) return;
        const LSTATUS error = RegDeleteValueW(key_->handle(), Utf16(name).c_str());
        if (error != ERROR_SUCCESS && error != ERROR_FILE_NOT_FOUND) refused(line, name, error);
    }
    void bad_line(std::size_t line, const char* reason) override {
        ++bad_lines_;
        tell(line, reason);
    }

    int finish(bool was_reg_file) {
        if (!was_reg_file) return exit_failed;
        const std::size_t silent = told_ > max_told ? told_ - max_told : 0;
        if (silent > 0) std::fprintf(stderr, "%s: and %zu more\n", path_.c_str(), silent);
        if (told_ > 0) {
            std::fprintf(stderr, "%s: %zu keys and %zu values imported, %zu lines skipped, %zu refused\n",
                         path_.c_str(), keys_, values_, bad_lines_, refused_);
        }
        return refused_ == 0 ? success() : fail(std::string("Not all data was successfully written to the registry."));
    }

private:
    static constexpr std::size_t max_told = 20;

    static std::pair<HKEY, Utf16> split(Utf16View path) {
        const std::size_t end = path.find(u'\\');
        const auto name = parse_key(rtl::to_utf8(path.substr(0, end)), "import", RootSeparator::refused);
        return {name ? name->root : nullptr, end == Utf16View::npos ? Utf16() : Utf16(path.substr(end + 1))};
    }

    void tell(std::size_t line, const std::string& what) {
        if (++told_ <= max_told) std::fprintf(stderr, "%s:%zu: %s\n", path_.c_str(), line, what.c_str());
    }
    void refused(std::size_t line, Utf16View what, LSTATUS error) {
        ++refused_;
        tell(line, rtl::to_utf8(what) + ": " + win32::error_text(static_cast<DWORD>(error)));
    }

    std::string path_;
    std::optional<Key> key_;
    std::size_t keys_ = 0;
    std::size_t values_ = 0;
    std::size_t bad_lines_ = 0;
    std::size_t refused_ = 0;
    std::size_t told_ = 0;
};

}  // namespace

int export_key(const std::vector<std::string>& words) {
    auto arguments = Arguments::parse(words, {.positional = 2, .flags = {"y"}, .with_value = {}, .optional_value = {}});
    if (!arguments) return syntax_error("export");
    auto name = parse_key(arguments->positional(0), "export", RootSeparator::allowed);
    if (!name) return exit_failed;
    Key key;
    LSTATUS error = key.open(name->root, name->subkey, KEY_READ);
    if (error != ERROR_SUCCESS) return fail(error);
    const std::string& path = arguments->positional(1);
    if (!arguments->has("y") && access(path.c_str(), F_OK) == 0) {
        const Answer answer = ask("File " + path + " already exists. Overwrite (Yes/No)?");
        if (answer != Answer::yes) return canceled(answer);
    }
    File file(std::fopen(path.c_str(), "wb"));
    if (!file) return fail("Cannot write " + path + ": " + std::strerror(errno));
    Exporter exporter(file.get());
    error = exporter.run(key.handle(), name->full());
    const bool closed = std::fclose(file.release()) == 0;
    if (error != ERROR_SUCCESS) return fail(error);
    if (exporter.failed() || !closed) return fail("Cannot write " + path + ": " + std::strerror(errno));
    return success();
}

int import_file(const std::vector<std::string>& words) {
    auto arguments = Arguments::parse(words, {.positional = 1, .flags = {}, .with_value = {}, .optional_value = {}});
    if (!arguments) return syntax_error("import");
    const std::string& path = arguments->positional(0);
    auto bytes = read_file(path);
    if (!bytes) return fail("Cannot read " + path + ": " + std::strerror(errno));
    Importer importer(path);
    return importer.finish(reg_text::read(*bytes, importer));
}

}  // namespace regent::reg
