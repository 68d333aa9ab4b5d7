/* Devices with a security descriptor given as SDDL text. */
#pragma once

#include "wdm.h"

RG_EXTERN_C_BEGIN

extern RG_IMPORTED_DATA const UNICODE_STRING SDDL_DEVOBJ_KERNEL_ONLY;
extern RG_IMPORTED_DATA const UNICODE_STRING SDDL_DEVOBJ_SYS_ALL;
extern RG_IMPORTED_DATA const UNICODE_STRING SDDL_DEVOBJ_SYS_ALL_ADM_ALL;
extern RG_IMPORTED_DATA const UNICODE_STRING SDDL_DEVOBJ_SYS_ALL_ADM_RX;
extern RG_IMPORTED_DATA const UNICODE_STRING SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_R;
extern RG_IMPORTED_DATA const UNICODE_STRING SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_R_RES_R;
extern RG_IMPORTED_DATA const UNICODE_STRING SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_RW_RES_R;
extern RG_IMPORTED_DATA const UNICODE_STRING SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_RWX_RES_RWX;

NTSTATUS WdmlibIoCreateDeviceSecure(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize, PUNICODE_STRING DeviceName,
                                    DEVICE_TYPE DeviceType, ULONG DeviceCharacteristics, BOOLEAN Exclusive,
                                    PCUNICODE_STRING DefaultSDDLString, LPCGUID DeviceClassGuid,
                                    PDEVICE_OBJECT* DeviceObject);
#define IoCreateDeviceSecure WdmlibIoCreateDeviceSecure

RG_EXTERN_C_END
