// A settings store as Windows programs write them in C++: typed values, a watcher thread, messages for errors. Compiles
// for Windows as it stands, and prints the same there.
#define UNICODE
#define _UNICODE
#include <windows.h>

#include <tchar.h>

#include <strsafe.h>

#include <vector>

namespace {

class Key {
public:
    explicit Key(HKEY root, const wchar_t* path) {
        error_ = RegCreateKeyEx(root, path, 0, NULL, REG_OPTION_NON_VOLATILE, KEY_ALL_ACCESS, NULL, &key_, NULL);
    }
    ~Key() {
        if (key_ != NULL) RegCloseKey(key_);
    }
    Key(const Key&) = delete;
    Key& operator=(const Key&) = delete;

    LSTATUS error() const { return error_; }
    HKEY get() const { return key_; }

    LSTATUS set(const wchar_t* name, DWORD number) {
        return RegSetValueEx(key_, name, 0, REG_DWORD, reinterpret_cast<const BYTE*>(&number), sizeof(number));
    }
    LSTATUS set(const wchar_t* name, const wchar_t* text) {
        const DWORD size = static_cast<DWORD>((wcslen(text) + 1) * sizeof(wchar_t));
        return RegSetValueEx(key_, name, 0, REG_SZ, reinterpret_cast<const BYTE*>(text), size);
    }
    // The text with its NUL.
    std::vector<wchar_t> text(const wchar_t* name, const wchar_t* otherwise) const {
        std::vector<wchar_t> buffer(otherwise, otherwise + wcslen(otherwise) + 1);
        DWORD size = 0;
        if (RegGetValue(key_, NULL, name, RRF_RT_REG_SZ, NULL, NULL, &size) != ERROR_SUCCESS) return buffer;
        std::vector<wchar_t> found(size / sizeof(wchar_t));
        const LSTATUS error = RegGetValue(key_, NULL, name, RRF_RT_REG_SZ, NULL, found.data(), &size);
        return error == ERROR_SUCCESS ? found : buffer;
    }
    DWORD number(const wchar_t* name, DWORD otherwise) const {
        DWORD value = 0;
        DWORD size = sizeof(value);
        const LSTATUS error = RegGetValue(key_, NULL, name, RRF_RT_REG_DWORD, NULL, &value, &size);
        return error == ERROR_SUCCESS ? value : otherwise;
    }

private:
    HKEY key_ = NULL;
    LSTATUS error_ = ERROR_SUCCESS;
};

struct Watcher {
    Key* key;
    HANDLE armed;
    HANDLE changed;
    LONG volatile seen;
};

DWORD WINAPI watch(LPVOID parameter) {
    Watcher* watcher = static_cast<Watcher*>(parameter);
    if (RegNotifyChangeKeyValue(watcher->key->get(), TRUE, REG_NOTIFY_CHANGE_LAST_SET, watcher->changed, TRUE) != 0)
        return 1;
    SetEvent(watcher->armed);
    if (WaitForSingleObject(watcher->changed, 10000) != WAIT_OBJECT_0) return 2;
    InterlockedIncrement(&watcher->seen);
    return 0;
}

void report(const wchar_t* what, LSTATUS error) {
    wchar_t* text = NULL;
    FormatMessage(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                  static_cast<DWORD>(error), 0, reinterpret_cast<LPWSTR>(&text), 0, NULL);
    // The texts themselves are the system's; what is told here is that there is one.
    size_t length = 0;
    const bool told = text != NULL && StringCchLength(text, STRSAFE_MAX_CCH, &length) == S_OK && length > 2;
    _tprintf(_T("%ls: %d%ls\n"), what, static_cast<int>(error), told ? _T("") : _T(" without a text"));
    LocalFree(text);
}

}  // namespace

int main() {
    const wchar_t* path = L"Software\\RegentSettings";
    {
        Key key(HKEY_CURRENT_USER, path);
        report(L"create", key.error());
        Watcher watcher = {&key, CreateEvent(NULL, TRUE, FALSE, NULL), CreateEvent(NULL, TRUE, FALSE, NULL), 0};
        HANDLE thread = CreateThread(NULL, 0, watch, &watcher, 0, NULL);
        WaitForSingleObject(watcher.armed, 10000);
        report(L"set", key.set(L"Width", 640));
        WaitForSingleObject(thread, 10000);
        DWORD code = 99;
        GetExitCodeThread(thread, &code);
        _tprintf(_T("watcher: code %u, seen %d\n"), code, static_cast<int>(watcher.seen));
        CloseHandle(thread);
        CloseHandle(watcher.armed);
        CloseHandle(watcher.changed);
        report(L"set", key.set(L"Title", L"Gr\x00fcn"));
        _tprintf(_T("Width %u, Height %u\n"), key.number(L"Width", 1), key.number(L"Height", 480));
        _tprintf(_T("Title has %u units, Name is %ls\n"), static_cast<unsigned>(wcslen(key.text(L"Title", L"").data())),
                 key.text(L"Name", L"unnamed").data());
        report(L"query", RegQueryValueEx(key.get(), L"No such value", NULL, NULL, NULL, NULL));
    }
    report(L"delete", RegDeleteTree(HKEY_CURRENT_USER, path));
    report(L"delete", RegDeleteTree(HKEY_CURRENT_USER, path));
    return 0;
}
