// Communication ports of filters, over the control codes of \\.\FltMgr.
#include "win32/fltuser.h"

#include <cstring>
#include <vector>

#include "regent/fltport.h"
#include "rtl/utf16.h"

using namespace regent;

namespace {

HRESULT result_of(BOOL succeeded) { return succeeded ? S_OK : HRESULT_FROM_WIN32(static_cast<LONG>(GetLastError())); }

std::vector<std::byte> connect_request(Utf16View name, const void* context, WORD size) {
    const FLTPORT_CONNECT head{static_cast<USHORT>(name.size() * sizeof(char16_t)), size};
    std::vector<std::byte> request(sizeof head + head.NameBytes + size);
    std::memcpy(request.data(), &head, sizeof head);
    std::memcpy(request.data() + sizeof head, name.data(), head.NameBytes);
    if (size != 0) std::memcpy(request.data() + sizeof head + head.NameBytes, context, size);
    return request;
}

}  // namespace

static_assert(sizeof(FILTER_MESSAGE_HEADER) == sizeof(FLTPORT_MESSAGE));
static_assert(sizeof(FILTER_REPLY_HEADER) == sizeof(FLTPORT_REPLY));

extern "C" {

HRESULT WINAPI FilterConnectCommunicationPort(LPCWSTR lpPortName, DWORD, LPCVOID lpContext, WORD wSizeOfContext,
                                              LPSECURITY_ATTRIBUTES, HANDLE* hPort) {
    *hPort = INVALID_HANDLE_VALUE;
    if (lpPortName == nullptr || Utf16View(lpPortName).size() > 0x7FFF) return E_INVALIDARG;
    HANDLE file = CreateFileW(u"\\\\.\\FltMgr", GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING, 0, nullptr);
    if (file == INVALID_HANDLE_VALUE) return result_of(FALSE);
    auto request = connect_request(lpPortName, lpContext, wSizeOfContext);
    DWORD returned = 0;
    const HRESULT result =
        result_of(DeviceIoControl(file, IOCTL_FLTPORT_CONNECT, request.data(), static_cast<DWORD>(request.size()),
                                  nullptr, 0, &returned, nullptr));
    if (result == S_OK)
        *hPort = file;
    else
        CloseHandle(file);
    return result;
}

HRESULT WINAPI FilterSendMessage(HANDLE hPort, LPVOID lpInBuffer, DWORD dwInBufferSize, LPVOID lpOutBuffer,
                                 DWORD dwOutBufferSize, LPDWORD lpBytesReturned) {
    return result_of(DeviceIoControl(hPort, IOCTL_FLTPORT_SEND, lpInBuffer, dwInBufferSize, lpOutBuffer,
                                     dwOutBufferSize, lpBytesReturned, nullptr));
}

HRESULT WINAPI FilterGetMessage(HANDLE hPort, PFILTER_MESSAGE_HEADER lpMessageBuffer, DWORD dwMessageBufferSize,
                                LPOVERLAPPED lpOverlapped) {
    if (lpOverlapped != nullptr) return HRESULT_FROM_WIN32(ERROR_NOT_SUPPORTED);
    DWORD returned = 0;
    return result_of(DeviceIoControl(hPort, IOCTL_FLTPORT_GET, nullptr, 0, lpMessageBuffer, dwMessageBufferSize,
                                     &returned, nullptr));
}

HRESULT WINAPI FilterReplyMessage(HANDLE hPort, PFILTER_REPLY_HEADER lpReplyBuffer, DWORD dwReplyBufferSize) {
    DWORD returned = 0;
    return result_of(
        DeviceIoControl(hPort, IOCTL_FLTPORT_REPLY, lpReplyBuffer, dwReplyBufferSize, nullptr, 0, &returned, nullptr));
}
}
