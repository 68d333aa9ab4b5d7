/* main() for programs that define wmain(): link -lregent_wmain before -lregent. */
#include "win32/windows.h"

int wmain(int argc, wchar_t** argv);

int main(int argc, char** argv) {
    wchar_t** wide = LocalAlloc(LPTR, sizeof(wchar_t*) * (SIZE_T)(argc + 1));
    int code;
    if (wide == NULL) return 255;
    for (int index = 0; index < argc; ++index) {
        const int units = MultiByteToWideChar(CP_ACP, 0, argv[index], -1, NULL, 0);
        wide[index] = LocalAlloc(LPTR, sizeof(wchar_t) * (SIZE_T)(units + 1));
        if (wide[index] == NULL) return 255;
        MultiByteToWideChar(CP_ACP, 0, argv[index], -1, wide[index], units);
    }
    code = wmain(argc, wide);
    for (int index = 0; index < argc; ++index) LocalFree(wide[index]);
    LocalFree(wide);
    return code;
}
