/* The registry helpers of Windows' shlwapi.dll; programs link -lregent_shlwapi -lregent. */
#pragma once

#include "winreg.h"

RG_EXTERN_C_BEGIN

typedef DWORD SRRF; /* SHRegGetValue: the type bits are those of RegGetValue */
#define SRRF_RT_REG_NONE RRF_RT_REG_NONE
#define SRRF_RT_REG_SZ RRF_RT_REG_SZ
#define SRRF_RT_REG_EXPAND_SZ RRF_RT_REG_EXPAND_SZ
#define SRRF_RT_REG_BINARY RRF_RT_REG_BINARY
#define SRRF_RT_REG_DWORD RRF_RT_REG_DWORD
#define SRRF_RT_REG_MULTI_SZ RRF_RT_REG_MULTI_SZ
#define SRRF_RT_REG_QWORD RRF_RT_REG_QWORD
#define SRRF_RT_DWORD RRF_RT_DWORD
#define SRRF_RT_QWORD RRF_RT_QWORD
#define SRRF_RT_ANY RRF_RT_ANY
#define SRRF_RM_ANY 0x00000000
#define SRRF_RM_NORMAL 0x00010000
#define SRRF_RM_SAFE 0x00020000
#define SRRF_RM_SAFENETWORK 0x00040000
#define SRRF_NOEXPAND RRF_NOEXPAND
#define SRRF_ZEROONFAILURE RRF_ZEROONFAILURE
#define SRRF_NOVIRT 0x40000000

/* A key of the user together with the one of the same path in the machine. */
typedef HANDLE HUSKEY;
typedef HUSKEY* PHUSKEY;

typedef enum RG_ENUM_UNDERLYING {
    SHREGDEL_DEFAULT = 0x00, /* the user's, or the machine's where the user has none */
    SHREGDEL_HKCU = 0x01,
    SHREGDEL_HKLM = 0x10,
    SHREGDEL_BOTH = 0x11
} SHREGDEL_FLAGS;
typedef enum RG_ENUM_UNDERLYING {
    SHREGENUM_DEFAULT = 0x00,
    SHREGENUM_HKCU = 0x01,
    SHREGENUM_HKLM = 0x10,
    SHREGENUM_BOTH = 0x11
} SHREGENUM_FLAGS;

#define SHREGSET_HKCU 0x00000001 /* only what is not there yet */
#define SHREGSET_FORCE_HKCU 0x00000002
#define SHREGSET_HKLM 0x00000004
#define SHREGSET_FORCE_HKLM 0x00000008
#define SHREGSET_DEFAULT (SHREGSET_FORCE_HKCU | SHREGSET_HKLM)

HKEY WINAPI SHRegDuplicateHKey(HKEY hkey);
LSTATUS WINAPI SHRegCloseUSKey(HUSKEY hUSKey);
LSTATUS WINAPI SHGetValueW(HKEY hkey, LPCWSTR pszSubKey, LPCWSTR pszValue, DWORD* pdwType, void* pvData,
                           DWORD* pcbData);
LSTATUS WINAPI SHGetValueA(HKEY hkey, LPCSTR pszSubKey, LPCSTR pszValue, DWORD* pdwType, void* pvData, DWORD* pcbData);
LSTATUS WINAPI SHSetValueW(HKEY hkey, LPCWSTR pszSubKey, LPCWSTR pszValue, DWORD dwType, LPCVOID pvData, DWORD cbData);
LSTATUS WINAPI SHSetValueA(HKEY hkey, LPCSTR pszSubKey, LPCSTR pszValue, DWORD dwType, LPCVOID pvData, DWORD cbData);
LSTATUS WINAPI SHDeleteValueW(HKEY hkey, LPCWSTR pszSubKey, LPCWSTR pszValue);
LSTATUS WINAPI SHDeleteValueA(HKEY hkey, LPCSTR pszSubKey, LPCSTR pszValue);
LSTATUS WINAPI SHDeleteKeyW(HKEY hkey, LPCWSTR pszSubKey);
LSTATUS WINAPI SHDeleteKeyA(HKEY hkey, LPCSTR pszSubKey);
LSTATUS WINAPI SHDeleteEmptyKeyW(HKEY hkey, LPCWSTR pszSubKey);
LSTATUS WINAPI SHDeleteEmptyKeyA(HKEY hkey, LPCSTR pszSubKey);
LSTATUS WINAPI SHDeleteOrphanKeyW(HKEY hkey, LPCWSTR pszSubKey);
LSTATUS WINAPI SHDeleteOrphanKeyA(HKEY hkey, LPCSTR pszSubKey);
LSTATUS WINAPI SHQueryValueExW(HKEY hkey, LPCWSTR pszValue, DWORD* pdwReserved, DWORD* pdwType, void* pvData,
                               DWORD* pcbData);
LSTATUS WINAPI SHQueryValueExA(HKEY hkey, LPCSTR pszValue, DWORD* pdwReserved, DWORD* pdwType, void* pvData,
                               DWORD* pcbData);
LSTATUS WINAPI SHQueryInfoKeyW(HKEY hkey, LPDWORD pcSubKeys, LPDWORD pcchMaxSubKeyLen, LPDWORD pcValues,
                               LPDWORD pcchMaxValueNameLen);
LSTATUS WINAPI SHQueryInfoKeyA(HKEY hkey, LPDWORD pcSubKeys, LPDWORD pcchMaxSubKeyLen, LPDWORD pcValues,
                               LPDWORD pcchMaxValueNameLen);
LSTATUS WINAPI SHEnumKeyExW(HKEY hkey, DWORD dwIndex, LPWSTR pszName, LPDWORD pcchName);
LSTATUS WINAPI SHEnumKeyExA(HKEY hkey, DWORD dwIndex, LPSTR pszName, LPDWORD pcchName);
LSTATUS WINAPI SHEnumValueW(HKEY hkey, DWORD dwIndex, LPWSTR pszValueName, LPDWORD pcchValueName, LPDWORD pdwType,
                            void* pvData, LPDWORD pcbData);
LSTATUS WINAPI SHEnumValueA(HKEY hkey, DWORD dwIndex, LPSTR pszValueName, LPDWORD pcchValueName, LPDWORD pdwType,
                            void* pvData, LPDWORD pcbData);
LSTATUS WINAPI SHCopyKeyW(HKEY hkeySrc, LPCWSTR pszSrcSubKey, HKEY hkeyDest, DWORD fReserved);
LSTATUS WINAPI SHCopyKeyA(HKEY hkeySrc, LPCSTR pszSrcSubKey, HKEY hkeyDest, DWORD fReserved);
LSTATUS WINAPI SHRegGetPathW(HKEY hKey, LPCWSTR pcszSubKey, LPCWSTR pcszValue, LPWSTR pszPath, DWORD dwFlags);
LSTATUS WINAPI SHRegGetPathA(HKEY hKey, LPCSTR pcszSubKey, LPCSTR pcszValue, LPSTR pszPath, DWORD dwFlags);
LSTATUS WINAPI SHRegSetPathW(HKEY hKey, LPCWSTR pcszSubKey, LPCWSTR pcszValue, LPCWSTR pcszPath, DWORD dwFlags);
LSTATUS WINAPI SHRegSetPathA(HKEY hKey, LPCSTR pcszSubKey, LPCSTR pcszValue, LPCSTR pcszPath, DWORD dwFlags);
LSTATUS WINAPI SHRegGetValueW(HKEY hkey, LPCWSTR pszSubKey, LPCWSTR pszValue, SRRF srrfFlags, DWORD* pdwType,
                              void* pvData, DWORD* pcbData);
LSTATUS WINAPI SHRegGetValueA(HKEY hkey, LPCSTR pszSubKey, LPCSTR pszValue, SRRF srrfFlags, DWORD* pdwType,
                              void* pvData, DWORD* pcbData);
LSTATUS WINAPI SHRegCreateUSKeyW(LPCWSTR pszPath, REGSAM samDesired, HUSKEY hRelativeUSKey, PHUSKEY phNewUSKey,
                                 DWORD dwFlags);
LSTATUS WINAPI SHRegCreateUSKeyA(LPCSTR pszPath, REGSAM samDesired, HUSKEY hRelativeUSKey, PHUSKEY phNewUSKey,
                                 DWORD dwFlags);
LSTATUS WINAPI SHRegOpenUSKeyW(LPCWSTR pszPath, REGSAM samDesired, HUSKEY hRelativeUSKey, PHUSKEY phNewUSKey,
                               BOOL fIgnoreHKCU);
LSTATUS WINAPI SHRegOpenUSKeyA(LPCSTR pszPath, REGSAM samDesired, HUSKEY hRelativeUSKey, PHUSKEY phNewUSKey,
                               BOOL fIgnoreHKCU);
LSTATUS WINAPI SHRegQueryUSValueW(HUSKEY hUSKey, LPCWSTR pszValue, LPDWORD pdwType, void* pvData, LPDWORD pcbData,
                                  BOOL fIgnoreHKCU, void* pvDefaultData, DWORD dwDefaultDataSize);
LSTATUS WINAPI SHRegQueryUSValueA(HUSKEY hUSKey, LPCSTR pszValue, LPDWORD pdwType, void* pvData, LPDWORD pcbData,
                                  BOOL fIgnoreHKCU, void* pvDefaultData, DWORD dwDefaultDataSize);
LSTATUS WINAPI SHRegWriteUSValueW(HUSKEY hUSKey, LPCWSTR pszValue, DWORD dwType, const void* pvData, DWORD cbData,
                                  DWORD dwFlags);
LSTATUS WINAPI SHRegWriteUSValueA(HUSKEY hUSKey, LPCSTR pszValue, DWORD dwType, const void* pvData, DWORD cbData,
                                  DWORD dwFlags);
LSTATUS WINAPI SHRegDeleteUSValueW(HUSKEY hUSKey, LPCWSTR pszValue, SHREGDEL_FLAGS delRegFlags);
LSTATUS WINAPI SHRegDeleteUSValueA(HUSKEY hUSKey, LPCSTR pszValue, SHREGDEL_FLAGS delRegFlags);
LSTATUS WINAPI SHRegDeleteEmptyUSKeyW(HUSKEY hUSKey, LPCWSTR pszSubKey, SHREGDEL_FLAGS delRegFlags);
LSTATUS WINAPI SHRegDeleteEmptyUSKeyA(HUSKEY hUSKey, LPCSTR pszSubKey, SHREGDEL_FLAGS delRegFlags);
LSTATUS WINAPI SHRegEnumUSKeyW(HUSKEY hUSKey, DWORD dwIndex, LPWSTR pszName, LPDWORD pcchName,
                               SHREGENUM_FLAGS enumRegFlags);
LSTATUS WINAPI SHRegEnumUSKeyA(HUSKEY hUSKey, DWORD dwIndex, LPSTR pszName, LPDWORD pcchName,
                               SHREGENUM_FLAGS enumRegFlags);
LSTATUS WINAPI SHRegEnumUSValueW(HUSKEY hUSKey, DWORD dwIndex, LPWSTR pszValueName, LPDWORD pcchValueName,
                                 LPDWORD pdwType, void* pvData, LPDWORD pcbData, SHREGENUM_FLAGS enumRegFlags);
LSTATUS WINAPI SHRegEnumUSValueA(HUSKEY hUSKey, DWORD dwIndex, LPSTR pszValueName, LPDWORD pcchValueName,
                                 LPDWORD pdwType, void* pvData, LPDWORD pcbData, SHREGENUM_FLAGS enumRegFlags);
LSTATUS WINAPI SHRegQueryInfoUSKeyW(HUSKEY hUSKey, LPDWORD pcSubKeys, LPDWORD pcchMaxSubKeyLen, LPDWORD pcValues,
                                    LPDWORD pcchMaxValueNameLen, SHREGENUM_FLAGS enumRegFlags);
LSTATUS WINAPI SHRegQueryInfoUSKeyA(HUSKEY hUSKey, LPDWORD pcSubKeys, LPDWORD pcchMaxSubKeyLen, LPDWORD pcValues,
                                    LPDWORD pcchMaxValueNameLen, SHREGENUM_FLAGS enumRegFlags);
LSTATUS WINAPI SHRegGetUSValueW(LPCWSTR pszSubKey, LPCWSTR pszValue, LPDWORD pdwType, void* pvData, LPDWORD pcbData,
                                BOOL fIgnoreHKCU, void* pvDefaultData, DWORD dwDefaultDataSize);
LSTATUS WINAPI SHRegGetUSValueA(LPCSTR pszSubKey, LPCSTR pszValue, LPDWORD pdwType, void* pvData, LPDWORD pcbData,
                                BOOL fIgnoreHKCU, void* pvDefaultData, DWORD dwDefaultDataSize);
LSTATUS WINAPI SHRegSetUSValueW(LPCWSTR pszSubKey, LPCWSTR pszValue, DWORD dwType, const void* pvData, DWORD cbData,
                                DWORD dwFlags);
LSTATUS WINAPI SHRegSetUSValueA(LPCSTR pszSubKey, LPCSTR pszValue, DWORD dwType, const void* pvData, DWORD cbData,
                                DWORD dwFlags);
BOOL WINAPI SHRegGetBoolUSValueW(LPCWSTR pszSubKey, LPCWSTR pszValue, BOOL fIgnoreHKCU, BOOL fDefault);
BOOL WINAPI SHRegGetBoolUSValueA(LPCSTR pszSubKey, LPCSTR pszValue, BOOL fIgnoreHKCU, BOOL fDefault);

RG_EXTERN_C_END

#ifdef UNICODE
#define SHGetValue SHGetValueW
#define SHSetValue SHSetValueW
#define SHDeleteValue SHDeleteValueW
#define SHDeleteKey SHDeleteKeyW
#define SHDeleteEmptyKey SHDeleteEmptyKeyW
#define SHDeleteOrphanKey SHDeleteOrphanKeyW
#define SHQueryValueEx SHQueryValueExW
#define SHQueryInfoKey SHQueryInfoKeyW
#define SHEnumKeyEx SHEnumKeyExW
#define SHEnumValue SHEnumValueW
#define SHCopyKey SHCopyKeyW
#define SHRegGetPath SHRegGetPathW
#define SHRegSetPath SHRegSetPathW
#define SHRegGetValue SHRegGetValueW
#define SHRegCreateUSKey SHRegCreateUSKeyW
#define SHRegOpenUSKey SHRegOpenUSKeyW
#define SHRegQueryUSValue SHRegQueryUSValueW
#define SHRegWriteUSValue SHRegWriteUSValueW
#define SHRegDeleteUSValue SHRegDeleteUSValueW
#define SHRegDeleteEmptyUSKey SHRegDeleteEmptyUSKeyW
#define SHRegEnumUSKey SHRegEnumUSKeyW
#define SHRegEnumUSValue SHRegEnumUSValueW
#define SHRegQueryInfoUSKey SHRegQueryInfoUSKeyW
#define SHRegGetUSValue SHRegGetUSValueW
#define SHRegSetUSValue SHRegSetUSValueW
#define SHRegGetBoolUSValue SHRegGetBoolUSValueW
#else
#define SHGetValue SHGetValueA
#define SHSetValue SHSetValueA
#define SHDeleteValue SHDeleteValueA
#define SHDeleteKey SHDeleteKeyA
#define SHDeleteEmptyKey SHDeleteEmptyKeyA
#define SHDeleteOrphanKey SHDeleteOrphanKeyA
#define SHQueryValueEx SHQueryValueExA
#define SHQueryInfoKey SHQueryInfoKeyA
#define SHEnumKeyEx SHEnumKeyExA
#define SHEnumValue SHEnumValueA
#define SHCopyKey SHCopyKeyA
#define SHRegGetPath SHRegGetPathA
#define SHRegSetPath SHRegSetPathA
#define SHRegGetValue SHRegGetValueA
#define SHRegCreateUSKey SHRegCreateUSKeyA
#define SHRegOpenUSKey SHRegOpenUSKeyA
#define SHRegQueryUSValue SHRegQueryUSValueA
#define SHRegWriteUSValue SHRegWriteUSValueA
#define SHRegDeleteUSValue SHRegDeleteUSValueA
#define SHRegDeleteEmptyUSKey SHRegDeleteEmptyUSKeyA
#define SHRegEnumUSKey SHRegEnumUSKeyA
#define SHRegEnumUSValue SHRegEnumUSValueA
#define SHRegQueryInfoUSKey SHRegQueryInfoUSKeyA
#define SHRegGetUSValue SHRegGetUSValueA
#define SHRegSetUSValue SHRegSetUSValueA
#define SHRegGetBoolUSValue SHRegGetBoolUSValueA
#endif
