/* The functions of strsafe.h for one kind of character: RG_CHAR, RG_NAME and RG_FORMAT say which. Included twice. */

/* Where the text ends within room units; room when there is no NUL. */
static inline size_t RG_NAME(rg_strsafe_, length, )(const RG_CHAR* text, size_t room) {
    size_t length = 0;
    while (length < room && text[length] != 0) ++length;
    return length;
}

/* What the flags ask for after `written` units and a NUL have been put at `to`, and the answers to the caller. */
static inline HRESULT RG_NAME(rg_strsafe_, finish, )(RG_CHAR* to, size_t room, size_t written, RG_CHAR** end,
                                                     size_t* left, DWORD flags, HRESULT result) {
    if (result == STRSAFE_E_INSUFFICIENT_BUFFER && (flags & STRSAFE_NO_TRUNCATION) != 0 && room != 0) {
        written = 0;
        to[0] = 0;
    }
    if (result < 0 && (flags & STRSAFE_FILL_ON_FAILURE) != 0 && room != 0) {
        memset(to, (int)(flags & 0xFF), room * sizeof(RG_CHAR));
        written = (flags & 0xFF) == 0 ? 0 : room - 1;
        to[room - 1] = 0;
    }
    if (result < 0 && (flags & STRSAFE_NULL_ON_FAILURE) != 0 && room != 0) {
        written = 0;
        to[0] = 0;
    }
    if (result >= 0 && (flags & STRSAFE_FILL_BEHIND_NULL) != 0 && room > written + 1) {
        memset(to + written + 1, (int)(flags & 0xFF), (room - written - 1) * sizeof(RG_CHAR));
    }
    if (end != NULL) *end = to + written;
    if (left != NULL) *left = room - written;
    return result;
}

/* Puts `from`, at most `count` units of it, behind the first `at` units of `to`. */
static inline HRESULT RG_NAME(rg_strsafe_, put, )(RG_CHAR* to, size_t room, size_t at, const RG_CHAR* from,
                                                  size_t count, RG_CHAR** end, size_t* left, DWORD flags) {
    size_t written = 0, length;
    if (from == NULL && (flags & STRSAFE_IGNORE_NULLS) != 0) count = 0;
    if (to == NULL && (flags & STRSAFE_IGNORE_NULLS) != 0 && room == 0 && count == 0) return S_OK;
    if (room == 0 || room > STRSAFE_MAX_CCH || at >= room || count > STRSAFE_MAX_CCH)
        return STRSAFE_E_INVALID_PARAMETER;
    length = count == 0 ? 0 : RG_NAME(rg_strsafe_, length, )(from, count);
    written = length < room - at ? length : room - at - 1;
    if (written != 0) memcpy(to + at, from, written * sizeof(RG_CHAR));
    to[at + written] = 0;
    return RG_NAME(rg_strsafe_, finish, )(to, room, at + written, end, left, flags,
                                          written < length ? STRSAFE_E_INSUFFICIENT_BUFFER : S_OK);
}

static inline HRESULT RG_NAME(rg_strsafe_, print, )(RG_CHAR* to, size_t room, RG_CHAR** end, size_t* left, DWORD flags,
                                                    const RG_CHAR* format, va_list arguments) {
    size_t length;
    if (room == 0 || room > STRSAFE_MAX_CCH) return STRSAFE_E_INVALID_PARAMETER;
    length = RG_FORMAT(to, room, format, arguments);
    return RG_NAME(rg_strsafe_, finish, )(to, room, length < room ? length : room - 1, end, left, flags,
                                          length < room ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER);
}

#define RG_UNITS(bytes) ((bytes) / sizeof(RG_CHAR))

static inline HRESULT RG_NAME(StringCch, Copy, )(RG_CHAR* pszDest, size_t cchDest, const RG_CHAR* pszSrc) {
    return RG_NAME(rg_strsafe_, put, )(pszDest, cchDest, 0, pszSrc, STRSAFE_MAX_CCH, NULL, NULL, 0);
}
static inline HRESULT RG_NAME(StringCch, CopyN, )(RG_CHAR* pszDest, size_t cchDest, const RG_CHAR* pszSrc,
                                                  size_t cchToCopy) {
    return RG_NAME(rg_strsafe_, put, )(pszDest, cchDest, 0, pszSrc, cchToCopy, NULL, NULL, 0);
}
static inline HRESULT RG_NAME(StringCch, CopyEx, )(RG_CHAR* pszDest, size_t cchDest, const RG_CHAR* pszSrc,
                                                   RG_CHAR** ppszDestEnd, size_t* pcchRemaining, DWORD dwFlags) {
    return RG_NAME(rg_strsafe_, put, )(pszDest, cchDest, 0, pszSrc, STRSAFE_MAX_CCH, ppszDestEnd, pcchRemaining,
                                       dwFlags);
}
static inline HRESULT RG_NAME(StringCch, CopyNEx, )(RG_CHAR* pszDest, size_t cchDest, const RG_CHAR* pszSrc,
                                                    size_t cchToCopy, RG_CHAR** ppszDestEnd, size_t* pcchRemaining,
                                                    DWORD dwFlags) {
    return RG_NAME(rg_strsafe_, put, )(pszDest, cchDest, 0, pszSrc, cchToCopy, ppszDestEnd, pcchRemaining, dwFlags);
}
static inline HRESULT RG_NAME(StringCch, Cat, )(RG_CHAR* pszDest, size_t cchDest, const RG_CHAR* pszSrc) {
    return RG_NAME(rg_strsafe_, put, )(pszDest, cchDest, RG_NAME(rg_strsafe_, length, )(pszDest, cchDest), pszSrc,
                                       STRSAFE_MAX_CCH, NULL, NULL, 0);
}
static inline HRESULT RG_NAME(StringCch, CatN, )(RG_CHAR* pszDest, size_t cchDest, const RG_CHAR* pszSrc,
                                                 size_t cchToAppend) {
    return RG_NAME(rg_strsafe_, put, )(pszDest, cchDest, RG_NAME(rg_strsafe_, length, )(pszDest, cchDest), pszSrc,
                                       cchToAppend, NULL, NULL, 0);
}
static inline HRESULT RG_NAME(StringCch, CatEx, )(RG_CHAR* pszDest, size_t cchDest, const RG_CHAR* pszSrc,
                                                  RG_CHAR** ppszDestEnd, size_t* pcchRemaining, DWORD dwFlags) {
    return RG_NAME(rg_strsafe_, put, )(pszDest, cchDest, RG_NAME(rg_strsafe_, length, )(pszDest, cchDest), pszSrc,
                                       STRSAFE_MAX_CCH, ppszDestEnd, pcchRemaining, dwFlags);
}
static inline HRESULT RG_NAME(StringCch, CatNEx, )(RG_CHAR* pszDest, size_t cchDest, const RG_CHAR* pszSrc,
                                                   size_t cchToAppend, RG_CHAR** ppszDestEnd, size_t* pcchRemaining,
                                                   DWORD dwFlags) {
    return RG_NAME(rg_strsafe_, put, )(pszDest, cchDest, RG_NAME(rg_strsafe_, length, )(pszDest, cchDest), pszSrc,
                                       cchToAppend, ppszDestEnd, pcchRemaining, dwFlags);
}
static inline HRESULT RG_NAME(StringCch, VPrintf, )(RG_CHAR* pszDest, size_t cchDest, const RG_CHAR* pszFormat,
                                                    va_list argList) {
    return RG_NAME(rg_strsafe_, print, )(pszDest, cchDest, NULL, NULL, 0, pszFormat, argList);
}
static inline HRESULT RG_NAME(StringCch, VPrintfEx, )(RG_CHAR* pszDest, size_t cchDest, RG_CHAR** ppszDestEnd,
                                                      size_t* pcchRemaining, DWORD dwFlags, const RG_CHAR* pszFormat,
                                                      va_list argList) {
    return RG_NAME(rg_strsafe_, print, )(pszDest, cchDest, ppszDestEnd, pcchRemaining, dwFlags, pszFormat, argList);
}
static inline HRESULT RG_NAME(StringCch, Printf, )(RG_CHAR* pszDest, size_t cchDest, const RG_CHAR* pszFormat, ...) {
    HRESULT result;
    va_list list;
    va_start(list, pszFormat);
    result = RG_NAME(StringCch, VPrintf, )(pszDest, cchDest, pszFormat, list);
    va_end(list);
    return result;
}
static inline HRESULT RG_NAME(StringCch, PrintfEx, )(RG_CHAR* pszDest, size_t cchDest, RG_CHAR** ppszDestEnd,
                                                     size_t* pcchRemaining, DWORD dwFlags, const RG_CHAR* pszFormat,
                                                     ...) {
    HRESULT result;
    va_list list;
    va_start(list, pszFormat);
    result = RG_NAME(StringCch, VPrintfEx, )(pszDest, cchDest, ppszDestEnd, pcchRemaining, dwFlags, pszFormat, list);
    va_end(list);
    return result;
}
static inline HRESULT RG_NAME(StringCch, Length, )(const RG_CHAR* psz, size_t cchMax, size_t* pcch) {
    const size_t room = cchMax;
    const size_t length = psz == NULL || room > STRSAFE_MAX_CCH ? room : RG_NAME(rg_strsafe_, length, )(psz, room);
    const BOOL ends = psz != NULL && length < room;
    if (pcch != NULL) *pcch = ends ? length : 0;
    return ends ? S_OK : STRSAFE_E_INVALID_PARAMETER;
}

static inline HRESULT RG_NAME(StringCb, Copy, )(RG_CHAR* pszDest, size_t cbDest, const RG_CHAR* pszSrc) {
    return RG_NAME(rg_strsafe_, put, )(pszDest, RG_UNITS(cbDest), 0, pszSrc, STRSAFE_MAX_CCH, NULL, NULL, 0);
}
static inline HRESULT RG_NAME(StringCb, CopyN, )(RG_CHAR* pszDest, size_t cbDest, const RG_CHAR* pszSrc,
                                                 size_t cbToCopy) {
    return RG_NAME(rg_strsafe_, put, )(pszDest, RG_UNITS(cbDest), 0, pszSrc, RG_UNITS(cbToCopy), NULL, NULL, 0);
}
static inline HRESULT RG_NAME(StringCb, CopyEx, )(RG_CHAR* pszDest, size_t cbDest, const RG_CHAR* pszSrc,
                                                  RG_CHAR** ppszDestEnd, size_t* pcbRemaining, DWORD dwFlags) {
    const HRESULT result = RG_NAME(rg_strsafe_, put, )(pszDest, RG_UNITS(cbDest), 0, pszSrc, STRSAFE_MAX_CCH,
                                                       ppszDestEnd, pcbRemaining, dwFlags);
    if (result != STRSAFE_E_INVALID_PARAMETER && pcbRemaining != NULL)
        *pcbRemaining = *pcbRemaining * sizeof(RG_CHAR) + cbDest % sizeof(RG_CHAR);
    return result;
}
static inline HRESULT RG_NAME(StringCb, CopyNEx, )(RG_CHAR* pszDest, size_t cbDest, const RG_CHAR* pszSrc,
                                                   size_t cbToCopy, RG_CHAR** ppszDestEnd, size_t* pcbRemaining,
                                                   DWORD dwFlags) {
    const HRESULT result = RG_NAME(rg_strsafe_, put, )(pszDest, RG_UNITS(cbDest), 0, pszSrc, RG_UNITS(cbToCopy),
                                                       ppszDestEnd, pcbRemaining, dwFlags);
    if (result != STRSAFE_E_INVALID_PARAMETER && pcbRemaining != NULL)
        *pcbRemaining = *pcbRemaining * sizeof(RG_CHAR) + cbDest % sizeof(RG_CHAR);
    return result;
}
static inline HRESULT RG_NAME(StringCb, Cat, )(RG_CHAR* pszDest, size_t cbDest, const RG_CHAR* pszSrc) {
    return RG_NAME(rg_strsafe_, put, )(pszDest, RG_UNITS(cbDest),
                                       RG_NAME(rg_strsafe_, length, )(pszDest, RG_UNITS(cbDest)), pszSrc,
                                       STRSAFE_MAX_CCH, NULL, NULL, 0);
}
static inline HRESULT RG_NAME(StringCb, CatN, )(RG_CHAR* pszDest, size_t cbDest, const RG_CHAR* pszSrc,
                                                size_t cbToAppend) {
    return RG_NAME(rg_strsafe_, put, )(pszDest, RG_UNITS(cbDest),
                                       RG_NAME(rg_strsafe_, length, )(pszDest, RG_UNITS(cbDest)), pszSrc,
                                       RG_UNITS(cbToAppend), NULL, NULL, 0);
}
static inline HRESULT RG_NAME(StringCb, CatEx, )(RG_CHAR* pszDest, size_t cbDest, const RG_CHAR* pszSrc,
                                                 RG_CHAR** ppszDestEnd, size_t* pcbRemaining, DWORD dwFlags) {
    const HRESULT result = RG_NAME(rg_strsafe_, put, )(pszDest, RG_UNITS(cbDest),
                                                       RG_NAME(rg_strsafe_, length, )(pszDest, RG_UNITS(cbDest)),
                                                       pszSrc, STRSAFE_MAX_CCH, ppszDestEnd, pcbRemaining, dwFlags);
    if (result != STRSAFE_E_INVALID_PARAMETER && pcbRemaining != NULL)
        *pcbRemaining = *pcbRemaining * sizeof(RG_CHAR) + cbDest % sizeof(RG_CHAR);
    return result;
}
static inline HRESULT RG_NAME(StringCb, CatNEx, )(RG_CHAR* pszDest, size_t cbDest, const RG_CHAR* pszSrc,
                                                  size_t cbToAppend, RG_CHAR** ppszDestEnd, size_t* pcbRemaining,
                                                  DWORD dwFlags) {
    const HRESULT result = RG_NAME(rg_strsafe_, put, )(
        pszDest, RG_UNITS(cbDest), RG_NAME(rg_strsafe_, length, )(pszDest, RG_UNITS(cbDest)), pszSrc,
        RG_UNITS(cbToAppend), ppszDestEnd, pcbRemaining, dwFlags);
    if (result != STRSAFE_E_INVALID_PARAMETER && pcbRemaining != NULL)
        *pcbRemaining = *pcbRemaining * sizeof(RG_CHAR) + cbDest % sizeof(RG_CHAR);
    return result;
}
static inline HRESULT RG_NAME(StringCb, VPrintf, )(RG_CHAR* pszDest, size_t cbDest, const RG_CHAR* pszFormat,
                                                   va_list argList) {
    return RG_NAME(rg_strsafe_, print, )(pszDest, RG_UNITS(cbDest), NULL, NULL, 0, pszFormat, argList);
}
static inline HRESULT RG_NAME(StringCb, VPrintfEx, )(RG_CHAR* pszDest, size_t cbDest, RG_CHAR** ppszDestEnd,
                                                     size_t* pcbRemaining, DWORD dwFlags, const RG_CHAR* pszFormat,
                                                     va_list argList) {
    const HRESULT result = RG_NAME(rg_strsafe_, print, )(pszDest, RG_UNITS(cbDest), ppszDestEnd, pcbRemaining, dwFlags,
                                                         pszFormat, argList);
    if (result != STRSAFE_E_INVALID_PARAMETER && pcbRemaining != NULL)
        *pcbRemaining = *pcbRemaining * sizeof(RG_CHAR) + cbDest % sizeof(RG_CHAR);
    return result;
}
static inline HRESULT RG_NAME(StringCb, Printf, )(RG_CHAR* pszDest, size_t cbDest, const RG_CHAR* pszFormat, ...) {
    HRESULT result;
    va_list list;
    va_start(list, pszFormat);
    result = RG_NAME(StringCb, VPrintf, )(pszDest, cbDest, pszFormat, list);
    va_end(list);
    return result;
}
static inline HRESULT RG_NAME(StringCb, PrintfEx, )(RG_CHAR* pszDest, size_t cbDest, RG_CHAR** ppszDestEnd,
                                                    size_t* pcbRemaining, DWORD dwFlags, const RG_CHAR* pszFormat,
                                                    ...) {
    HRESULT result;
    va_list list;
    va_start(list, pszFormat);
    result = RG_NAME(StringCb, VPrintfEx, )(pszDest, cbDest, ppszDestEnd, pcbRemaining, dwFlags, pszFormat, list);
    va_end(list);
    return result;
}
static inline HRESULT RG_NAME(StringCb, Length, )(const RG_CHAR* psz, size_t cbMax, size_t* pcb) {
    const size_t room = RG_UNITS(cbMax);
    const size_t length = psz == NULL || room > STRSAFE_MAX_CCH ? room : RG_NAME(rg_strsafe_, length, )(psz, room);
    const BOOL ends = psz != NULL && length < room;
    if (pcb != NULL) *pcb = ends ? length * sizeof(RG_CHAR) : 0;
    return ends ? S_OK : STRSAFE_E_INVALID_PARAMETER;
}

#undef RG_UNITS
