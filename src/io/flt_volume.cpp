// What drivers import of the filter manager besides ports: descriptors for ports, and the calls about files, which have
// no meaning where no volume is filtered and say so.
#include <cstdio>
#include <cstring>
#include <iterator>

#include "se/sddl.h"
#include "wdk/fltKernel.h"

using namespace regent;

extern "C" {

NTSTATUS FltBuildDefaultSecurityDescriptor(PSECURITY_DESCRIPTOR* SecurityDescriptor, ACCESS_MASK DesiredAccess) {
    *SecurityDescriptor = nullptr;
    char text[80];
    std::snprintf(text, sizeof text, "O:SYG:SYD:P(A;;0x%x;;;SY)(A;;0x%x;;;BA)", DesiredAccess, DesiredAccess);
    const auto parsed = se::parse_sddl(text);
    if (!parsed) return parsed.error().code();
    const Bytes bytes = parsed->bytes();
    *SecurityDescriptor = ExAllocatePoolWithTag(PagedPool, bytes.size(), 0x64534c46);  // 'FLSd'
    if (*SecurityDescriptor == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
    std::memcpy(*SecurityDescriptor, bytes.data(), bytes.size());
    return STATUS_SUCCESS;
}

VOID FltFreeSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor) { ExFreePool(SecurityDescriptor); }

NTSTATUS FltGetFileNameInformation(PFLT_CALLBACK_DATA, ULONG, PFLT_FILE_NAME_INFORMATION* FileNameInformation) {
    *FileNameInformation = nullptr;
    return STATUS_FLT_INVALID_NAME_REQUEST;
}
NTSTATUS FltGetFileNameInformationUnsafe(PFILE_OBJECT, PFLT_INSTANCE, ULONG,
                                         PFLT_FILE_NAME_INFORMATION* FileNameInformation) {
    *FileNameInformation = nullptr;
    return STATUS_FLT_INVALID_NAME_REQUEST;
}
VOID FltReleaseFileNameInformation(PFLT_FILE_NAME_INFORMATION) {}
NTSTATUS FltGetDiskDeviceObject(PFLT_VOLUME, PDEVICE_OBJECT* DiskDeviceObject) {
    *DiskDeviceObject = nullptr;
    return STATUS_NOT_SUPPORTED;
}
NTSTATUS FltClose(HANDLE FileHandle) { return ZwClose(FileHandle); }
VOID FltObjectDereference(PVOID) {}

PCHAR FltGetIrpName(UCHAR IrpMajorCode) {
    static constexpr const char* names[] = {"IRP_MJ_CREATE",
                                            "IRP_MJ_CREATE_NAMED_PIPE",
                                            "IRP_MJ_CLOSE",
                                            "IRP_MJ_READ",
                                            "IRP_MJ_WRITE",
                                            "IRP_MJ_QUERY_INFORMATION",
                                            "IRP_MJ_SET_INFORMATION",
                                            "IRP_MJ_QUERY_EA",
                                            "IRP_MJ_SET_EA",
                                            "IRP_MJ_FLUSH_BUFFERS",
                                            "IRP_MJ_QUERY_VOLUME_INFORMATION",
                                            "IRP_MJ_SET_VOLUME_INFORMATION",
                                            "IRP_MJ_DIRECTORY_CONTROL",
                                            "IRP_MJ_FILE_SYSTEM_CONTROL",
                                            "IRP_MJ_DEVICE_CONTROL",
                                            "IRP_MJ_INTERNAL_DEVICE_CONTROL",
                                            "IRP_MJ_SHUTDOWN",
                                            "IRP_MJ_LOCK_CONTROL",
                                            "IRP_MJ_CLEANUP"};
    return const_cast<PCHAR>(IrpMajorCode < std::size(names) ? names[IrpMajorCode] : "IRP_MJ_???");
}

}  // extern "C"
